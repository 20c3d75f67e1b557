#include "likeness/stats/intervals.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace likeness {

MeanDeviation mean_deviation(std::span<const double> values) {
  if (values.empty()) throw std::invalid_argument("a mean needs values");
  MeanDeviation result;
  for (const double value : values) result.mean += value / static_cast<double>(values.size());
  if (values.size() < 2) return result;
  double squares = 0;
  for (const double value : values) squares += std::pow(value - result.mean, 2);
  result.deviation = std::sqrt(squares / static_cast<double>(values.size()));
  return result;
}

Interval wilson_interval(std::size_t successes, std::size_t trials) {
  if (successes > trials) throw std::invalid_argument("more successes than trials");
  if (trials == 0) return {0, 1};
  constexpr double kZ = 1.959963984540054;  // 97.5 % quantile of the normal distribution
  const auto n = static_cast<double>(trials);
  const double share = static_cast<double>(successes) / n;
  const double centre = share + kZ * kZ / (2 * n);
  const double spread = kZ * std::sqrt(share * (1 - share) / n + kZ * kZ / (4 * n * n));
  const double scale = 1 + kZ * kZ / n;
  // At the ends the bound is exactly 0 or 1, which rounding would miss.
  return {successes == 0 ? 0 : std::max(0.0, (centre - spread) / scale),
          successes == trials ? 1 : std::min(1.0, (centre + spread) / scale)};
}

}  // namespace likeness
