#pragma once

#include <cstddef>
#include <optional>
#include <span>

namespace likeness {

/// A range in which the true value lies with a stated confidence.
struct Interval {
  double low = 0;
  double high = 0;
};

/// Mean and standard deviation of some values. Of one value there is no deviation.
struct MeanDeviation {
  double mean = 0;
  std::optional<double> deviation;
};

/// Of `values`, one or more. @throws std::invalid_argument without values.
[[nodiscard]] MeanDeviation mean_deviation(std::span<const double> values);

/// The share behind `successes` of `trials`, with 95 % confidence. Source: Wilson 1927, without continuity
/// correction. No trials: all of [0, 1]. @throws std::invalid_argument for more successes than trials.
[[nodiscard]] Interval wilson_interval(std::size_t successes, std::size_t trials);

}  // namespace likeness
