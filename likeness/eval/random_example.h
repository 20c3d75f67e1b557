#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "likeness/eval/closed_set.h"
#include "likeness/image/image.h"

namespace likeness {

/// One test face with what was said of it, as the tutorial ends.
struct RandomExample {
  std::size_t row = 0;  ///< Of the test faces.
  std::string predicted;
  std::optional<double> probability;  ///< In [0, 1]; none where the classifier has none.
  std::string expected;

  /// "Predicted: Madonna (97.3%)".
  [[nodiscard]] std::string predicted_line() const;
  /// "Expected: Madonna".
  [[nodiscard]] std::string expected_line() const;
};

/// A random row of `score`; the same for the same seed. @throws std::invalid_argument where there is no row.
[[nodiscard]] RandomExample pick_example(const ClosedSetScore& score, std::span<const std::string> labels,
                                         std::uint64_t seed);
/// A seed that differs from run to run.
[[nodiscard]] std::uint64_t new_seed();

/// The face, enlarged, over its two lines: green where they agree, red where not.
[[nodiscard]] Image draw_example(ImageView chip, const RandomExample& example);

}  // namespace likeness
