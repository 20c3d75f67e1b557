#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "likeness/embed/embeddings.h"
#include "likeness/image/chip.h"

namespace likeness {

/// How much work an embedding is worth.
enum class Quality {
  kSinglePass,  ///< One chip, as the contract says.
  kBest,  ///< The average over the chips of best_crops() and their mirror images: up to four passes a face.
};

/// "single", "best".
[[nodiscard]] std::string_view to_string(Quality quality);

/// The crops that kBest averages: the contract's own and, where that is kMargin, the one turned the other way
/// (upright or not).
[[nodiscard]] std::vector<CropSpec> best_crops(const CropSpec& crop);

/// The chip seen in a mirror.
[[nodiscard]] Chip mirrored(const Chip& chip);

/// Row i is the unit-length mean of rows i * each to (i + 1) * each - 1. @throws std::invalid_argument where
/// the rows do not divide by `each`.
[[nodiscard]] Embeddings average_groups(const Embeddings& embeddings, std::size_t each);

}  // namespace likeness
