#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "likeness/embed/embeddings.h"
#include "likeness/image/chip.h"

namespace likeness {

/// How much work an embedding is worth: over how many views of the face it is averaged.
enum class Quality {
  kSinglePass,  ///< One chip, as the contract says.
  kTwoViews,  ///< And the mirror image of the crop turned the other way (upright or not), a fifteenth larger.
  kBest,      ///< The contract's crop and that turned the other way, each with its mirror image.
};

/// "single", "two", "best"; and back, empty where there is no such quality.
[[nodiscard]] std::string_view to_string(Quality quality);
[[nodiscard]] std::optional<Quality> quality_from(std::string_view name);

/// What a contract's id gets behind it where its embeddings are averaged: "", "+two", "+best". Embeddings of
/// different qualities are not mixed.
[[nodiscard]] std::string passes_suffix(Quality quality);

/// A way to cut a face.
struct View {
  CropSpec crop;
  bool mirrored = false;
};

/// The views that are averaged, the contract's own crop first. Only the profile kMargin has another way to
/// turn: elsewhere kTwoViews takes the mirror image of the same crop, and kBest is the same two.
[[nodiscard]] std::vector<View> views_of(const CropSpec& crop, Quality quality);

/// The chip seen in a mirror.
[[nodiscard]] Chip mirrored(const Chip& chip);

/// Row i is the unit-length mean of rows i * each to (i + 1) * each - 1. @throws std::invalid_argument where
/// the rows do not divide by `each`.
[[nodiscard]] Embeddings average_groups(const Embeddings& embeddings, std::size_t each);

}  // namespace likeness
