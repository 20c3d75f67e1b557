#include "likeness/detect/pnet.h"

#include <algorithm>
#include <cmath>

#include "likeness/core/winograd.h"
#include "likeness/detect/pnet_kernel.h"

namespace likeness {
namespace {

// Rows and columns change places: the networks were trained on transposed pictures. From [out][in][x][y] to
// [in][y][x][out].
std::vector<float> arranged(const std::vector<float>& kernel, int in, int out) {
  std::vector<float> result(kernel.size());
  for (int o = 0; o < out; ++o) {
    for (int i = 0; i < in; ++i) {
      for (int y = 0; y < 3; ++y) {
        for (int x = 0; x < 3; ++x)
          result[((i * 3 + y) * 3 + x) * out + o] = kernel[((o * in + i) * 3 + x) * 3 + y];
      }
    }
  }
  return result;
}

// Transformed for Winograd's F(kTaps - 2, 3) in both directions: [tap along the row][in][tap along the
// column][out].
template <int kTaps>
std::vector<float> transformed(const std::vector<float>& kernel, int in, int out,
                               const double (&transform)[kTaps][3]) {
  std::vector<float> result(static_cast<std::size_t>(kTaps * kTaps * in * out));
  for (int o = 0; o < out; ++o) {
    for (int i = 0; i < in; ++i) {
      const float* w = kernel.data() + static_cast<std::size_t>((o * in + i) * 9);
      for (int column = 0; column < kTaps; ++column) {
        for (int row = 0; row < kTaps; ++row) {
          result[static_cast<std::size_t>(((column * in + i) * kTaps + row) * out + o)] =
              static_cast<float>(winograd_weight(transform[column], transform[row], w));
        }
      }
    }
  }
  return result;
}

}  // namespace

double PNet::products(int width, int height) {
  // For each pixel of the first layer, place of the second, and place of the map with its six heads.
  constexpr double kFirst = 3 * 3 * 3 * 10;
  constexpr double kSecond = 3 * 3 * 10 * 16;
  constexpr double kThird = 3 * 3 * 16 * 32 + 32 * 6;
  const double columns = map_size(width), rows = map_size(height);
  return (width - 2.0) * (height - 2.0) * kFirst + (columns + 2) * (rows + 2) * kSecond +
         columns * rows * kThird;
}

PNet::PNet(const OnnxConstants& constants) {
  Weights& w = weights_;
  w.conv1 = transformed(constants.get("conv2d/kernel:0", {10, 3, 3, 3}), 3, 10, kWinogradTwo);
  w.bias1 = constants.get("conv2d/bias:0", {10});
  w.slope1 = constants.get("p_re_lu_initializer_8", {1, 10, 1, 1});
  w.conv2 = transformed(constants.get("conv2d_1/kernel:0", {16, 10, 3, 3}), 10, 16, kWinogradFour);
  w.bias2 = constants.get("conv2d_1/bias:0", {16});
  w.slope2 = constants.get("p_re_lu_1_initializer_6", {1, 16, 1, 1});
  const auto& conv3 = constants.get("conv2d_2/kernel:0", {32, 16, 3, 3});
  w.conv3 = transformed(conv3, 16, 32, kWinogradFour);
  w.plain3 = arranged(conv3, 16, 32);
  w.bias3 = constants.get("conv2d_2/bias:0", {32});
  w.slope3 = constants.get("p_re_lu_2_initializer_3", {1, 32, 1, 1});
  const auto& score = constants.get("conv2d_3/kernel:0", {2, 32, 1, 1});
  const auto& score_bias = constants.get("conv2d_3/bias:0", {2});
  for (int i = 0; i < 32; ++i) w.score.push_back(score[32 + i] - score[i]);
  w.score.push_back(score_bias[1] - score_bias[0]);
  w.shift = constants.get("conv2d_4/kernel:0", {4, 32, 1, 1});
  const auto& shift_bias = constants.get("conv2d_4/bias:0", {4});
  w.shift.insert(w.shift.end(), shift_bias.begin(), shift_bias.end());
}

void PNet::run(const Level& level, int first_row, int last_row, float min_score, PNetScratch& scratch,
               std::vector<Cell>& cells) const {
  // Strips start as zeros, so that the columns beyond a narrow level hold numbers; what they hold is never
  // used.
  scratch.strips.resize(pnet_kernel::kFloats);
  last_row = std::min(last_row, map_size(level.height));
  if (first_row >= last_row || map_size(level.width) == 0) return;
  const float p = std::clamp(min_score, 1e-6F, 1 - 1e-6F);
  const float min_logit = min_score <= 0 ? -1e30F : std::log(p / (1 - p)) - 1e-2F;
  pnet_kernel::run({.weights = &weights_,
                    .level = level,
                    .first_row = first_row,
                    .last_row = last_row,
                    .min_score = min_score,
                    .min_logit = min_logit,
                    .strips = scratch.strips.data(),
                    .cells = &cells});
}

}  // namespace likeness
