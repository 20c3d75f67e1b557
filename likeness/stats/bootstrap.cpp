#include "likeness/stats/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <stdexcept>
#include <vector>

namespace likeness {
namespace {

/// Between neighbours, as numpy.quantile's default.
double quantile(const std::vector<double>& sorted, double share) {
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

}  // namespace

std::optional<BootstrapResult> bootstrap_identities(
    std::size_t identities, int rounds, std::uint64_t seed,
    const std::function<double(std::span<const int> times)>& statistic) {
  if (identities == 0 || rounds < 1) throw std::invalid_argument("a bootstrap needs people and rounds");
  std::mt19937_64 random(seed);
  std::vector<int> times(identities);
  std::vector<double> values;
  for (int round = 0; round < rounds; ++round) {
    std::fill(times.begin(), times.end(), 0);
    for (std::size_t i = 0; i < identities; ++i) ++times[random() % identities];
    const double value = statistic(times);
    if (!std::isnan(value)) values.push_back(value);
  }
  if (values.empty() || identities < 2) return std::nullopt;
  std::sort(values.begin(), values.end());
  double mean = 0;
  for (const double value : values) mean += value / static_cast<double>(values.size());
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return BootstrapResult{{quantile(values, 0.025), quantile(values, 0.975)},
                         std::sqrt(squares / static_cast<double>(values.size()))};
}

}  // namespace likeness
