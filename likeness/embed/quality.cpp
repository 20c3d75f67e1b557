#include "likeness/embed/quality.h"

#include <cstring>
#include <stdexcept>

namespace likeness {

std::string_view to_string(Quality quality) { return quality == Quality::kBest ? "best" : "single"; }

std::vector<CropSpec> best_crops(const CropSpec& crop) {
  if (crop.profile != CropProfile::kMargin) return {crop};
  CropSpec other = crop;
  other.upright = !crop.upright;
  return {crop, other};
}

Chip mirrored(const Chip& chip) {
  Chip out = chip;
  const ImageView from = chip.view();
  for (int y = 0; y < chip.height(); ++y) {
    for (int x = 0; x < chip.width(); ++x) {
      std::memcpy(out.row(y) + 3 * static_cast<std::ptrdiff_t>(x), from.row(y) + 3 * (chip.width() - 1 - x),
                  3);
    }
  }
  return out;
}

Embeddings average_groups(const Embeddings& embeddings, std::size_t each) {
  if (each == 0 || embeddings.size() % each != 0)
    throw std::invalid_argument("rows do not divide into groups");
  const std::size_t d = embeddings.dimension;
  Embeddings means{d, std::vector<float>(embeddings.values.size() / each)};
  for (std::size_t row = 0; row < embeddings.size(); ++row) {
    for (std::size_t j = 0; j < d; ++j) means.values[row / each * d + j] += embeddings[row][j];
  }
  l2_normalize(means);
  return means;
}

}  // namespace likeness
