#include "likeness/embed/quality.h"

#include <cstring>
#include <stdexcept>

namespace likeness {

namespace {

/// The second of two views is this much larger: chosen with 1 on LFW view 1's training people
/// (docs/people.md).
constexpr double kSecondView = 16.0 / 15;

}  // namespace

std::string_view to_string(Quality quality) {
  switch (quality) {
    case Quality::kTwoViews:
      return "two";
    case Quality::kBest:
      return "best";
    default:
      return "single";
  }
}

std::optional<Quality> quality_from(std::string_view name) {
  for (const Quality quality : {Quality::kSinglePass, Quality::kTwoViews, Quality::kBest}) {
    if (name == to_string(quality)) return quality;
  }
  return std::nullopt;
}

std::string passes_suffix(Quality quality) {
  return quality == Quality::kSinglePass ? "" : "+" + std::string(to_string(quality));
}

std::vector<View> views_of(const CropSpec& crop, Quality quality) {
  if (quality == Quality::kSinglePass) return {{crop}};
  if (crop.profile != CropProfile::kMargin) return {{crop}, {crop, true}};
  CropSpec other = crop;
  other.upright = !crop.upright;
  if (quality == Quality::kBest) return {{crop}, {crop, true}, {other}, {other, true}};
  other.grow = crop.grow * kSecondView;
  return {{crop}, {other, true}};
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
