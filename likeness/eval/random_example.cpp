#include "likeness/eval/random_example.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <random>
#include <stdexcept>

#include "likeness/image/draw.h"
#include "likeness/image/resample.h"

namespace likeness {

std::string RandomExample::predicted_line() const {
  char share[24] = "";
  if (probability) std::snprintf(share, sizeof share, " (%.1f%%)", *probability * 100);
  return "Predicted: " + predicted + share;
}

std::string RandomExample::expected_line() const { return "Expected: " + expected; }

RandomExample pick_example(const ClosedSetScore& score, std::span<const std::string> labels,
                           std::uint64_t seed) {
  if (score.total() == 0) throw std::invalid_argument("there is no face to pick an example from");
  std::mt19937_64 random(seed);
  // The remainder is used instead of a distribution, whose result the standard leaves open.
  const std::size_t row = random() % score.total();
  const Prediction& prediction = score.predictions[row];
  return {row, prediction.label, prediction.probability(), labels[row]};
}

std::uint64_t new_seed() { return std::random_device{}(); }

Image draw_example(ImageView chip, const RandomExample& example) {
  constexpr int kWidth = 480;
  constexpr int kFace = 320;
  constexpr int kMargin = 20;
  constexpr int kText = 26;
  Image picture(kWidth, kFace + 2 * kMargin + 3 * kText, 255);
  const Image face = resample(chip, kFace, kFace, Filter::kBicubic);
  for (int y = 0; y < kFace; ++y) {
    std::memcpy(picture.row(y + kMargin) + (kWidth - kFace) / 2 * 3, face.view().row(y), kFace * 3);
  }
  const bool right = example.predicted == example.expected;
  const Color color = right ? Color{0, 110, 40} : Color{190, 20, 20};
  const float left = (kWidth - kFace) / 2.0F;
  const float top = kFace + 1.5F * kMargin;
  draw_text(picture, {left, top}, example.predicted_line(), color, kText);
  draw_text(picture, {left, top + 1.3F * kText}, example.expected_line(), {40, 40, 40}, kText);
  return picture;
}

}  // namespace likeness
