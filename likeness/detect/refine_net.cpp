#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "likeness/detect/refine_net.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
// The file is compiled once per instruction set from here on.
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>

#include "likeness/detect/refine_net.h"

// Shared by all instruction sets; foreach_target includes this file several times.
#ifndef LIKENESS_DETECT_REFINE_NET_ONCE
#define LIKENESS_DETECT_REFINE_NET_ONCE
namespace likeness::refine {

constexpr int kTaps = 5;  // Of Winograd's F(3, 3).
constexpr int kMaxLanes = 16;

}  // namespace likeness::refine
#endif

HWY_BEFORE_NAMESPACE();
namespace likeness::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using refine::kMaxLanes;
using refine::kTaps;

using D = hn::CappedTag<float, 16>;
using V = hn::Vec<D>;
constexpr int kLanes = static_cast<int>(hn::MaxLanes(D()));
constexpr int kMaxPixels = 9;

// Where the kernel reads and writes kPixels output pixels: neighbours or not, of one patch or several.
struct Pixels {
  const float* in[kMaxPixels];
  float* out[kMaxPixels];
};

// What the kernel multiplies by: `rows` times `run` inputs of a pixel, `padded` outputs.
struct Factor {
  const float* weights;
  const float* bias;   // Null: none.
  const float* slope;  // Null: no PReLU.
  int rows;
  std::size_t run;
  std::size_t row_step;  // Floats from one row of inputs to the next.
  int padded;
};

Factor factor_of(const RefineLayer& layer) {
  return {.weights = layer.weights.data(),
          .bias = layer.bias.data(),
          .slope = layer.slope.empty() ? nullptr : layer.slope.data(),
          .rows = layer.kernel,
          .run = static_cast<std::size_t>(layer.kernel) * static_cast<std::size_t>(layer.in),
          .row_step = static_cast<std::size_t>(layer.size_in) * static_cast<std::size_t>(layer.in),
          .padded = layer.padded};
}

// IfNegativeThenElse would be shorter, but Highway 1.0.3 gets it wrong for SSSE3.
HWY_INLINE V prelu(V v, V slope) { return hn::IfThenElse(hn::Lt(v, hn::Zero(D())), hn::Mul(v, slope), v); }

// kVectors vectors of outputs of kPixels pixels: a small matrix product whose left side is gathered. For each
// row of the kernel the inputs of a pixel are `run` neighbouring floats.
template <int kVectors, int kPixels>
HWY_NOINLINE void product(const Factor& factor, int output, const Pixels& pixels) {
  const D d;
  V sum[kPixels][kVectors];
  HWY_UNROLL(9)
  for (int p = 0; p < kPixels; ++p) {
    HWY_UNROLL(4)
    for (int v = 0; v < kVectors; ++v) {
      sum[p][v] = factor.bias != nullptr ? hn::LoadU(d, factor.bias + output + v * kLanes) : hn::Zero(d);
    }
  }
  const float* w = factor.weights + output;
  const std::size_t step = static_cast<std::size_t>(factor.padded);
  const std::size_t run = factor.run;
  for (int row = 0; row < factor.rows; ++row) {
    const float* in[kPixels];
    HWY_UNROLL(9)
    for (int p = 0; p < kPixels; ++p) in[p] = pixels.in[p] + static_cast<std::size_t>(row) * factor.row_step;
    for (std::size_t k = 0; k < run; ++k, w += step) {
      V weight[kVectors];
      HWY_UNROLL(4)
      for (int v = 0; v < kVectors; ++v) weight[v] = hn::LoadU(d, w + v * kLanes);
      HWY_UNROLL(9)
      for (int p = 0; p < kPixels; ++p) {
        const V value = hn::Set(d, in[p][k]);
        HWY_UNROLL(4)
        for (int v = 0; v < kVectors; ++v) sum[p][v] = hn::MulAdd(value, weight[v], sum[p][v]);
      }
    }
  }
  HWY_UNROLL(4)
  for (int v = 0; v < kVectors; ++v) {
    if (factor.slope != nullptr) {
      const V slope = hn::LoadU(d, factor.slope + output + v * kLanes);
      HWY_UNROLL(9)
      for (int p = 0; p < kPixels; ++p) sum[p][v] = prelu(sum[p][v], slope);
    }
    HWY_UNROLL(9)
    for (int p = 0; p < kPixels; ++p) hn::StoreU(sum[p][v], d, pixels.out[p] + output + v * kLanes);
  }
}

// Pixels of a block; its shape follows the registers.
constexpr int pixels_at_once(int vectors) {
  if (kLanes < 16 || vectors % 4 == 0) return 6;
  return vectors % 3 == 0 ? 9 : 8;
}

// All outputs of a group of pixels.
HWY_INLINE void all_outputs(const Factor& factor, const Pixels& pixels) {
  const int vectors = factor.padded / kLanes;
  for (int output = 0; output < factor.padded;) {
    if (kLanes < 16) {
      product<2, 6>(factor, output, pixels);
      output += 2 * kLanes;
    } else if (vectors % 4 == 0) {
      product<4, 6>(factor, output, pixels);
      output += 4 * kLanes;
    } else if (vectors % 3 == 0) {
      product<3, 9>(factor, output, pixels);
      output += 3 * kLanes;
    } else if (vectors % 2 == 0) {
      product<2, 8>(factor, output, pixels);
      output += 2 * kLanes;
    } else {
      product<1, 8>(factor, output, pixels);
      output += kLanes;
    }
  }
}

// Collects output pixels and runs the kernel whenever a block is full.
class Blocks {
 public:
  explicit Blocks(const Factor& factor) : factor_(factor), size_(pixels_at_once(factor.padded / kLanes)) {}

  HWY_INLINE void add(const float* in, float* out) {
    pixels_.in[count_] = in;
    pixels_.out[count_] = out;
    if (++count_ == size_) finish();
  }

  HWY_INLINE void finish() {
    if (count_ == 0) return;
    // A last block that is not full computes its first pixel again and again.
    for (int p = count_; p < size_; ++p) {
      pixels_.in[p] = pixels_.in[0];
      pixels_.out[p] = pixels_.out[0];
    }
    all_outputs(factor_, pixels_);
    count_ = 0;
  }

 private:
  const Factor& factor_;
  int size_;
  int count_ = 0;
  Pixels pixels_{};
};

// A whole layer without pooling, over `count` patches; outputs are `layer.padded` floats apart.
HWY_INLINE void convolve(const RefineLayer& layer, const float* in, std::size_t in_step, std::size_t count,
                         float* out, std::size_t out_step) {
  const int size = layer.size_out();
  const Factor factor = factor_of(layer);
  Blocks blocks(factor);
  for (std::size_t n = 0; n < count; ++n) {
    for (int y = 0; y < size; ++y) {
      for (int x = 0; x < size; ++x) {
        blocks.add(in + n * in_step + static_cast<std::size_t>(y) * factor.row_step +
                       static_cast<std::size_t>(x * layer.in),
                   out + n * out_step + static_cast<std::size_t>((y * size + x) * layer.padded));
      }
    }
  }
  blocks.finish();
}

// Five rows of `count` values, transformed: out[tap * tap_step + i]. Missing rows are null and count as 0.
HWY_INLINE void transform_inputs(const float* const (&rows)[kTaps], std::size_t count, float* out,
                                 std::size_t tap_step) {
  const D d;
  const V two = hn::Set(d, 2.0F);
  const V three = hn::Set(d, 3.0F);
  for (std::size_t i = 0; i < count; i += kLanes) {
    V r[kTaps];
    for (int k = 0; k < kTaps; ++k) r[k] = rows[k] != nullptr ? hn::LoadU(d, rows[k] + i) : hn::Zero(d);
    const V outer = hn::Sub(r[3], r[1]);
    hn::StoreU(hn::MulAdd(two, hn::Sub(r[0], r[2]), outer), d, out + i);
    hn::StoreU(hn::NegMulAdd(two, r[1], hn::Sub(r[3], r[2])), d, out + tap_step + i);
    hn::StoreU(hn::NegMulAdd(three, r[2], hn::MulAdd(two, r[1], r[3])), d, out + 2 * tap_step + i);
    hn::StoreU(outer, d, out + 3 * tap_step + i);
    hn::StoreU(hn::NegMulAdd(two, outer, hn::Sub(r[4], r[2])), d, out + 4 * tap_step + i);
  }
}

// From five products to `rows` (at most three) rows of `count` values of `padded` outputs a pixel.
HWY_INLINE void finish_rows(const RefineLayer& layer, const float* products, std::size_t tap_step,
                            std::size_t count, int rows, float* out) {
  const D d;
  const V two = hn::Set(d, 2.0F);
  const V four = hn::Set(d, 4.0F);
  const auto padded = static_cast<std::size_t>(layer.padded);
  for (std::size_t i = 0; i < count; i += padded) {
    for (std::size_t c = 0; c < padded; c += kLanes) {
      const float* p = products + i + c;
      const V bias = hn::LoadU(d, layer.bias.data() + c);
      const V slope = hn::LoadU(d, layer.slope.data() + c);
      const V p1 = hn::LoadU(d, p + tap_step);
      const V p2 = hn::LoadU(d, p + 2 * tap_step);
      const V p3 = hn::LoadU(d, p + 3 * tap_step);
      const V even = hn::Add(hn::Add(p1, p2), bias);
      const V odd = hn::Add(hn::Sub(p1, p2), bias);
      float* to = out + i + c;
      hn::StoreU(prelu(hn::Add(hn::Add(hn::LoadU(d, p), even), p3), slope), d, to);
      if (rows > 1) hn::StoreU(prelu(hn::MulAdd(two, p3, odd), slope), d, to + count);
      if (rows > 2) {
        const V last = hn::MulAdd(four, p3, hn::Add(hn::LoadU(d, p + 4 * tap_step), even));
        hn::StoreU(prelu(last, slope), d, to + 2 * count);
      }
    }
  }
}

// A whole 3x3 layer of one patch without its pooling, by Winograd's F(3, 3) along the columns (Lavin and Gray
// 2016, arXiv:1509.09308): five products for three rows instead of nine.
HWY_INLINE void convolve_winograd(const RefineLayer& layer, const float* in, float* out,
                                  RefineScratch& scratch) {
  const int size = layer.size_out();
  const int groups = (size + 2) / 3;
  const std::size_t row = static_cast<std::size_t>(layer.size_in) * static_cast<std::size_t>(layer.in);
  const std::size_t in_row = row + kMaxLanes;
  const std::size_t in_tap = in_row * static_cast<std::size_t>(groups);
  const std::size_t out_row = static_cast<std::size_t>(size) * static_cast<std::size_t>(layer.padded);
  const std::size_t out_tap = out_row * static_cast<std::size_t>(groups);
  for (int g = 0; g < groups; ++g) {
    const float* rows[kTaps];
    for (int r = 0; r < kTaps; ++r) {
      rows[r] = 3 * g + r < layer.size_in ? in + static_cast<std::size_t>(3 * g + r) * row : nullptr;
    }
    transform_inputs(rows, row, scratch.inputs.data() + static_cast<std::size_t>(g) * in_row, in_tap);
  }
  Factor factor = factor_of(layer);
  factor.bias = nullptr;
  factor.slope = nullptr;
  factor.rows = 1;
  for (int tap = 0; tap < kTaps; ++tap) {
    Blocks blocks(factor);
    for (int g = 0; g < groups; ++g) {
      const float* from = scratch.inputs.data() + static_cast<std::size_t>(tap) * in_tap +
                          static_cast<std::size_t>(g) * in_row;
      float* to = scratch.products.data() + static_cast<std::size_t>(tap) * out_tap +
                  static_cast<std::size_t>(g) * out_row;
      for (int x = 0; x < size; ++x) {
        blocks.add(from + static_cast<std::size_t>(x * layer.in),
                   to + static_cast<std::size_t>(x * layer.padded));
      }
    }
    blocks.finish();
    factor.weights += factor.run * static_cast<std::size_t>(layer.padded);
  }
  for (int g = 0; g < groups; ++g) {
    const std::size_t at = static_cast<std::size_t>(g) * out_row;
    finish_rows(layer, scratch.products.data() + at, out_tap, out_row, std::min(3, size - 3 * g),
                out + 3 * at);
  }
}

// Max pooling of one row: `maps` holds the rows of the window, `layer.padded` floats a pixel; writes pixels
// that are `layer.out` floats apart. Windows cut by the map's end take what is inside.
HWY_INLINE void pool_row(const RefineLayer& layer, const float* const* rows, int row_count, int size,
                         float* out) {
  const D d;
  for (int x = 0; x < layer.pooled; ++x) {
    const int columns = std::min(layer.pool, size - 2 * x);
    for (int c = 0; c < layer.padded; c += kLanes) {
      const std::size_t at = static_cast<std::size_t>(2 * x * layer.padded + c);
      V best = hn::LoadU(d, rows[0] + at);
      for (int r = 0; r < row_count; ++r) {
        for (int k = 0; k < columns; ++k) {
          best = hn::Max(best, hn::LoadU(d, rows[r] + at + static_cast<std::size_t>(k * layer.padded)));
        }
      }
      // Padding channels spill into the next pixel, which is written afterwards.
      hn::StoreU(best, d, out + static_cast<std::size_t>(x * layer.out + c));
    }
  }
}

// A layer and its pooling for one patch; at most three rows of the unpooled map exist at a time.
HWY_INLINE void convolve_and_pool(const RefineLayer& layer, const float* in, float* ring, float* out) {
  const int size = layer.size_out();
  const Factor factor = factor_of(layer);
  const std::size_t ring_row = static_cast<std::size_t>(size) * static_cast<std::size_t>(layer.padded);
  int done = 0;
  for (int y = 0; y < layer.pooled; ++y) {
    const int end = std::min(size, 2 * y + layer.pool);
    Blocks blocks(factor);
    for (; done < end; ++done) {
      float* to = ring + static_cast<std::size_t>(done % 3) * ring_row;
      for (int x = 0; x < size; ++x) {
        blocks.add(
            in + static_cast<std::size_t>(done) * factor.row_step + static_cast<std::size_t>(x * layer.in),
            to + static_cast<std::size_t>(x * layer.padded));
      }
    }
    blocks.finish();
    const float* rows[3] = {};
    int count = 0;
    for (int r = 2 * y; r < end; ++r) rows[count++] = ring + static_cast<std::size_t>(r % 3) * ring_row;
    pool_row(layer, rows, count, size, out + static_cast<std::size_t>(y * layer.pooled * layer.out));
  }
}

HWY_INLINE void winograd_and_pool(const RefineLayer& layer, const float* in, float* out,
                                  RefineScratch& scratch) {
  const int size = layer.size_out();
  convolve_winograd(layer, in, scratch.rows.data(), scratch);
  const std::size_t row = static_cast<std::size_t>(size) * static_cast<std::size_t>(layer.padded);
  for (int y = 0; y < layer.pooled; ++y) {
    const float* rows[3] = {};
    int count = 0;
    for (int r = 2 * y; r < std::min(size, 2 * y + layer.pool); ++r) {
      rows[count++] = scratch.rows.data() + static_cast<std::size_t>(r) * row;
    }
    pool_row(layer, rows, count, size, out + static_cast<std::size_t>(y * layer.pooled * layer.out));
  }
}

void run_layer(const RefineLayer& layer, const float* in, std::size_t in_step, std::size_t count,
               RefineScratch& scratch, float* out, std::size_t out_step) {
  if (layer.pool == 0) {
    convolve(layer, in, in_step, count, out, out_step);
    return;
  }
  for (std::size_t n = 0; n < count; ++n) {
    if (layer.winograd) {
      winograd_and_pool(layer, in + n * in_step, out + n * out_step, scratch);
    } else {
      convolve_and_pool(layer, in + n * in_step, scratch.rows.data(), out + n * out_step);
    }
  }
}

}  // namespace
}  // namespace likeness::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace likeness {
namespace {

HWY_EXPORT(run_layer);

// Patches that go through the layers together: enough for full blocks in the small layers, few enough for
// their maps to stay in cache.
constexpr std::size_t kTogether = 24;
int up_to_16(int count) { return (count + 15) / 16 * 16; }

void pad(std::vector<float>& values, int padded) { values.resize(static_cast<std::size_t>(padded), 0.0F); }

// Value `tap` of a kernel's column of three, transformed for Winograd's F(3, 3) at the points 0, 1, -1, 2.
float transformed(const float* column, int tap) {
  constexpr double kTransform[refine::kTaps][3] = {{1.0 / 2, 0, 0},
                                                   {-1.0 / 2, -1.0 / 2, -1.0 / 2},
                                                   {-1.0 / 6, 1.0 / 6, -1.0 / 6},
                                                   {1.0 / 6, 1.0 / 3, 2.0 / 3},
                                                   {0, 0, 1}};
  return static_cast<float>(kTransform[tap][0] * column[0] + kTransform[tap][1] * column[1] +
                            kTransform[tap][2] * column[2]);
}

// Makes room for one patch's work on `layer`.
void make_room(const RefineLayer& layer, RefineScratch& scratch) {
  const auto at_least = [](std::vector<float>& values, std::size_t count) {
    if (values.size() < count) values.resize(count);
  };
  const auto size = static_cast<std::size_t>(layer.size_out());
  const std::size_t row = size * static_cast<std::size_t>(layer.padded);
  if (layer.pool != 0 && !layer.winograd) at_least(scratch.rows, 3 * row);
  if (!layer.winograd) return;
  const std::size_t groups = (size + 2) / 3;
  const std::size_t in_row = static_cast<std::size_t>(layer.size_in * layer.in + refine::kMaxLanes);
  at_least(scratch.rows, size * row);
  at_least(scratch.inputs, refine::kTaps * groups * in_row);
  at_least(scratch.products, refine::kTaps * groups * row);
}

// A convolution. The file has [out][in][x][y]: rows and columns change places, because the networks were
// trained on transposed pictures.
RefineLayer convolution(const OnnxConstants& constants, const std::string& name, const std::string& slope,
                        int kernel, int in, int out, int size_in, int pool, bool pool_cut) {
  RefineLayer layer{
      .kernel = kernel, .in = in, .out = out, .padded = up_to_16(out), .size_in = size_in, .pool = pool};
  const int size = size_in - kernel + 1;
  if (pool != 0) layer.pooled = pool_cut ? (size + 1) / 2 : (size - pool) / 2 + 1;
  const auto& weights = constants.get(name + "/kernel:0", {out, in, kernel, kernel});
  layer.winograd = kernel == 3 && in > 3;
  const int rows = layer.winograd ? refine::kTaps : kernel;
  layer.weights.resize(static_cast<std::size_t>(rows * kernel * in * layer.padded));
  for (int o = 0; o < out; ++o) {
    for (int i = 0; i < in; ++i) {
      for (int x = 0; x < kernel; ++x) {
        const float* column = weights.data() + static_cast<std::size_t>(((o * in + i) * kernel + x) * kernel);
        for (int y = 0; y < rows; ++y) {
          layer.weights[static_cast<std::size_t>(((y * kernel + x) * in + i) * layer.padded + o)] =
              layer.winograd ? transformed(column, y) : column[y];
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
  net.layers_ = {convolution(constants, "conv2d_5", "p_re_lu_3_initializer_14", 3, 3, 28, 24, 3, true),
                 convolution(constants, "conv2d_6", "p_re_lu_4_initializer_12", 3, 28, 48, 11, 3, false),
                 convolution(constants, "conv2d_7", "p_re_lu_5_initializer_10", 2, 48, 64, 4, 0, false),
                 hidden(constants, "dense", 64, 128),
                 heads(constants, {{"dense_1", 2}, {"dense_2", 4}}, 128)};
  return net;
}

RefineNet RefineNet::onet(const OnnxConstants& constants) {
  RefineNet net;
  net.layers_ = {convolution(constants, "conv2d_8", "p_re_lu_7_initializer_22", 3, 3, 32, 48, 3, true),
                 convolution(constants, "conv2d_9", "p_re_lu_8_initializer_20", 3, 32, 64, 23, 3, false),
                 convolution(constants, "conv2d_10", "p_re_lu_9_initializer_18", 3, 64, 64, 10, 2, true),
                 convolution(constants, "conv2d_11", "p_re_lu_10_initializer_16", 2, 64, 128, 4, 0, false),
                 hidden(constants, "dense_3", 128, 256),
                 heads(constants, {{"dense_4", 2}, {"dense_5", 4}, {"dense_6", 10}}, 256)};
  return net;
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
      HWY_DYNAMIC_DISPATCH(run_layer)(layers_[i], in, in_step, together, scratch, out, out_step);
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
#endif
