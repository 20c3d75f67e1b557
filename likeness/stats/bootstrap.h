#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "likeness/stats/intervals.h"

namespace likeness {

struct BootstrapResult {
  Interval interval;     ///< 95 %, from the 2.5th to the 97.5th percentile.
  double deviation = 0;  ///< Standard deviation over the resamples.
};

/// How sure a figure is that was measured on `identities` people: people are drawn again and again with
/// replacement (faces of one person stand or fall together), and `statistic` is asked for its value where
/// person i counts `times[i]` times; NaN leaves a draw out. Same seed, same result. Empty where nothing can
/// be said: of one person, who is the same in every draw, or where every draw was left out. @throws
/// std::invalid_argument without people or rounds.
[[nodiscard]] std::optional<BootstrapResult> bootstrap_identities(
    std::size_t identities, int rounds, std::uint64_t seed,
    const std::function<double(std::span<const int> times)>& statistic);

}  // namespace likeness
