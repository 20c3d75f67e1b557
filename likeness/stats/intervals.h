#pragma once

#include <cstddef>

namespace likeness {

/// A range in which the true value lies with a stated confidence.
struct Interval {
  double low = 0;
  double high = 0;
};

/// The share behind `successes` of `trials`, with 95 % confidence. Source: Wilson 1927, without continuity
/// correction. No trials: all of [0, 1]. @throws std::invalid_argument for more successes than trials.
[[nodiscard]] Interval wilson_interval(std::size_t successes, std::size_t trials);

}  // namespace likeness
