#include "likeness/detect/refine_net.h"

#include <algorithm>
#include <cmath>

#include "likeness/core/winograd.h"
#include "likeness/detect/refine_kernel.h"

namespace likeness {
namespace {

// Patches that go through the layers together: enough for full blocks in the small layers, few enough for
// their maps to stay in cache.
constexpr std::size_t kTogether = 24;
int up_to_16(int count) { return (count + 15) / 16 * 16; }

void pad(std::vector<float>& values, int padded) { values.resize(static_cast<std::size_t>(padded), 0.0F); }

// Weight (`column` tap along the row, `row` tap along the column) of a 3x3 kernel [x][y], transformed for
// Winograd's F(tile, 3) in both directions.
float transformed(const float* kernel, int tile, int column, int row) {
  return static_cast<float>(tile == 3 ? winograd_weight(kWinogradThree[column], kWinogradThree[row], kernel)
                                      : winograd_weight(kWinogradFour[column], kWinogradFour[row], kernel));
}

// Makes room for the work on `layer`.
void make_room(const RefineLayer& layer, RefineScratch& scratch) {
  if (layer.tile == 0) return;
  const auto at_least = [](AlignedVector<float>& values, std::size_t count) {
    if (values.size() < count) values.resize(count);
  };
  const auto taps = static_cast<std::size_t>(layer.tile + 2);
  const auto in = static_cast<std::size_t>(layer.in);
  const std::size_t half_row = static_cast<std::size_t>(layer.size_in) * in + 3 * refine_kernel::kMaxLanes;
  at_least(scratch.half, taps * half_row + refine_kernel::kMaxLanes);
  if (layer.in == 3) {
    at_least(scratch.inputs, taps * taps * half_row + refine_kernel::kMaxLanes);
    at_least(scratch.rows, static_cast<std::size_t>(refine_kernel::kRing * layer.tiles() *
                                                    refine_kernel::kFirstTile * layer.padded));
    return;
  }
  at_least(scratch.inputs, taps * taps * (refine_kernel::kTiles * in + refine_kernel::kMaxLanes));
  at_least(scratch.products, taps * taps * refine_kernel::kTiles * static_cast<std::size_t>(layer.padded));
  at_least(scratch.rows, layer.patches_together() * layer.unpooled_floats());
}

// A convolution. The file has [out][in][x][y]: rows and columns change places, because the networks were
// trained on transposed pictures. 3x3 layers take Winograd's way, by tiles of `tile` x `tile`.
RefineLayer convolution(const OnnxConstants& constants, const std::string& name, const std::string& slope,
                        int kernel, int in, int out, int size_in, int pool, bool pool_cut, int tile) {
  RefineLayer layer{.kernel = kernel,
                    .in = in,
                    .out = out,
                    .padded = up_to_16(out),
                    .size_in = size_in,
                    .pool = pool,
                    .tile = tile};
  const int size = size_in - kernel + 1;
  if (pool != 0) layer.pooled = pool_cut ? (size + 1) / 2 : (size - pool) / 2 + 1;
  const auto& weights = constants.get(name + "/kernel:0", {out, in, kernel, kernel});
  const int taps = tile != 0 ? tile + 2 : kernel;
  layer.weights.resize(static_cast<std::size_t>(taps * taps * in * layer.padded));
  for (int o = 0; o < out; ++o) {
    for (int i = 0; i < in; ++i) {
      const float* w = weights.data() + static_cast<std::size_t>((o * in + i) * kernel * kernel);
      for (int a = 0; a < taps; ++a) {
        for (int b = 0; b < taps; ++b) {
          layer.weights[static_cast<std::size_t>(((a * taps + b) * in + i) * layer.padded + o)] =
              tile != 0 ? transformed(w, tile, a, b) : w[b * kernel + a];
        }
      }
    }
  }
  layer.bias = constants.get(name + "/bias:0", {out});
  pad(layer.bias, layer.padded);
  layer.slope = constants.get(slope, {1, out, 1, 1});
  pad(layer.slope, layer.padded);
  return layer;
}

// The hidden layer behind 3 x 3 pixels of `in` values; its rows are in the order x, y, value.
RefineLayer hidden(const OnnxConstants& constants, const std::string& name, int in, int out) {
  RefineLayer layer{.kernel = 1, .in = 9 * in, .out = out, .padded = out};
  const auto& weights = constants.get(name + "/kernel:0", {9 * in, out});
  layer.weights.resize(weights.size());
  for (int y = 0; y < 3; ++y) {
    for (int x = 0; x < 3; ++x) {
      const auto block = static_cast<std::size_t>(in) * static_cast<std::size_t>(out);
      std::copy_n(
          weights.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(x * 3 + y) * block), block,
          layer.weights.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(y * 3 + x) * block));
    }
  }
  layer.bias = constants.get(name + "/bias:0", {out});
  layer.slope = constants.get("slope", {out});
  return layer;
}

// Several heads as one layer of 16 outputs, side by side.
RefineLayer heads(const OnnxConstants& constants, const std::vector<std::pair<std::string, int>>& parts,
                  int in) {
  RefineLayer layer{.kernel = 1, .in = in, .out = 16, .padded = 16};
  layer.weights.resize(static_cast<std::size_t>(in) * 16);
  layer.bias.resize(16);
  int at = 0;
  for (const auto& [name, out] : parts) {
    const auto& weights = constants.get(name + "/kernel:0", {in, out});
    const auto& bias = constants.get(name + "/bias:0", {out});
    for (int o = 0; o < out; ++o) {
      for (int i = 0; i < in; ++i) {
        layer.weights[static_cast<std::size_t>(i * 16 + at + o)] =
            weights[static_cast<std::size_t>(i * out + o)];
      }
      layer.bias[static_cast<std::size_t>(at + o)] = bias[static_cast<std::size_t>(o)];
    }
    at += out;
  }
  return layer;
}

// Softmax of two logits, second channel, as softmax computes it.
float face_probability(float no, float yes) {
  const float most = std::max(no, yes);
  const float e_no = std::exp(no - most);
  const float e_yes = std::exp(yes - most);
  return e_yes / (e_no + e_yes);
}

}  // namespace

RefineNet RefineNet::rnet(const OnnxConstants& constants) {
  RefineNet net;
  net.layers_ = {convolution(constants, "conv2d_5", "p_re_lu_3_initializer_14", 3, 3, 28, 24, 3, true, 4),
                 convolution(constants, "conv2d_6", "p_re_lu_4_initializer_12", 3, 28, 48, 11, 3, false, 3),
                 convolution(constants, "conv2d_7", "p_re_lu_5_initializer_10", 2, 48, 64, 4, 0, false, 0),
                 hidden(constants, "dense", 64, 128),
                 heads(constants, {{"dense_1", 2}, {"dense_2", 4}}, 128)};
  return net;
}

RefineNet RefineNet::onet(const OnnxConstants& constants) {
  RefineNet net;
  net.layers_ = {convolution(constants, "conv2d_8", "p_re_lu_7_initializer_22", 3, 3, 32, 48, 3, true, 4),
                 convolution(constants, "conv2d_9", "p_re_lu_8_initializer_20", 3, 32, 64, 23, 3, false, 3),
                 convolution(constants, "conv2d_10", "p_re_lu_9_initializer_18", 3, 64, 64, 10, 2, true, 4),
                 convolution(constants, "conv2d_11", "p_re_lu_10_initializer_16", 2, 64, 128, 4, 0, false, 0),
                 hidden(constants, "dense_3", 128, 256),
                 heads(constants, {{"dense_4", 2}, {"dense_5", 4}, {"dense_6", 10}}, 256)};
  return net;
}

std::size_t RefineLayer::patches_together() const {
  return static_cast<std::size_t>(std::max(1, refine_kernel::kTiles / (tiles() * tiles())));
}

double RefineNet::products() const {
  double products = 0;
  for (const RefineLayer& layer : layers_) {
    products +=
        1.0 * layer.size_out() * layer.size_out() * layer.kernel * layer.kernel * layer.in * layer.out;
  }
  return products;
}

void RefineNet::run(const float* patches, std::size_t count, float* results, RefineScratch& scratch) const {
  std::size_t largest = 0;
  for (const RefineLayer& layer : layers_) {
    largest = std::max(largest, layer.map_floats());
    make_room(layer, scratch);
  }
  for (auto& map : scratch.maps) {
    if (map.size() < largest * kTogether) map.resize(largest * kTogether);
  }
  for (std::size_t first = 0; first < count; first += kTogether) {
    const std::size_t together = std::min(kTogether, count - first);
    const float* in = patches + first * patch_floats();
    std::size_t in_step = patch_floats();
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      float* out = i + 1 == layers_.size() ? results + first * kResult : scratch.maps[i % 2].data();
      const std::size_t out_step = i + 1 == layers_.size() ? kResult : layers_[i].map_floats();
      refine_kernel::run(layers_[i], in, in_step, together, scratch, out, out_step);
      in = out;
      in_step = out_step;
    }
  }
  // Two logits become one probability; the other results move up by one.
  for (std::size_t n = 0; n < count; ++n) {
    float* result = results + n * kResult;
    result[0] = face_probability(result[0], result[1]);
    std::copy(result + 2, result + kResult, result + 1);
  }
}

}  // namespace likeness
