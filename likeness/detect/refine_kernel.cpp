#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "likeness/detect/refine_kernel.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
// The file is compiled once per instruction set from here on.
#include <hwy/highway.h>

#include <algorithm>

#include "likeness/core/winograd-inl.h"
#include "likeness/detect/refine_kernel.h"

HWY_BEFORE_NAMESPACE();
namespace likeness::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using refine_kernel::kFirstTile;
using refine_kernel::kMaxLanes;
using refine_kernel::kRing;

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

// kTaps rows of `count` values, transformed along their columns: out[tap * tap_step + i]. Rows behind the end
// of the map are null and count as 0.
template <int kTaps>
HWY_INLINE void transform_columns(const float* const (&rows)[kTaps], std::size_t count, float* out,
                                  std::size_t tap_step) {
  const D d;
  for (std::size_t i = 0; i < count; i += kLanes) {
    V in[kTaps];
    V taps[kTaps];
    for (int k = 0; k < kTaps; ++k) in[k] = rows[k] != nullptr ? hn::LoadU(d, rows[k] + i) : hn::Zero(d);
    winograd_inputs(d, in, taps);
    for (int k = 0; k < kTaps; ++k) hn::StoreU(taps[k], d, out + static_cast<std::size_t>(k) * tap_step + i);
  }
}

// Rows of the map that a row of tiles reads.
template <int kTaps>
HWY_INLINE void find_rows(const RefineLayer& layer, const float* map, int first,
                          const float* (&rows)[kTaps]) {
  const std::size_t row = static_cast<std::size_t>(layer.size_in) * static_cast<std::size_t>(layer.in);
  for (int r = 0; r < kTaps; ++r) {
    rows[r] = first + r < layer.size_in ? map + static_cast<std::size_t>(first + r) * row : nullptr;
  }
}

// Inputs of a row of tiles, transformed: out[(tap along the row, tap along the column)][tile][in].
template <int kTile>
HWY_INLINE void transform_tiles(const RefineLayer& layer, const float* map, int first_row, float* half,
                                float* out, std::size_t tap_step) {
  constexpr int kTaps = kTile + 2;
  const D d;
  const auto in_maps = static_cast<std::size_t>(layer.in);
  const std::size_t row = static_cast<std::size_t>(layer.size_in) * in_maps;
  const std::size_t half_row = row + kMaxLanes;
  const float* rows[kTaps];
  find_rows(layer, map, first_row, rows);
  transform_columns(rows, row, half, half_row);
  for (int r = 0; r < kTaps; ++r) {
    for (int tile = 0; tile < layer.tiles(); ++tile) {
      const float* from =
          half + static_cast<std::size_t>(r) * half_row + static_cast<std::size_t>(tile * kTile) * in_maps;
      float* to = out + static_cast<std::size_t>(r) * tap_step + static_cast<std::size_t>(tile) * in_maps;
      // What the last vector of a tile has too much is overwritten by the next tile.
      for (std::size_t c = 0; c < in_maps; c += kLanes) {
        V in[kTaps];
        V taps[kTaps];
        for (int k = 0; k < kTaps; ++k)
          in[k] = hn::LoadU(d, from + static_cast<std::size_t>(k) * in_maps + c);
        winograd_inputs(d, in, taps);
        for (int k = 0; k < kTaps; ++k) {
          hn::StoreU(taps[k], d, to + static_cast<std::size_t>(k * kTaps) * tap_step + c);
        }
      }
    }
  }
}

// From the products of a row of tiles to kTile rows of the map, with PReLU.
template <int kTile>
HWY_INLINE void finish_tiles(const RefineLayer& layer, const float* products, std::size_t tap_step,
                             float* out) {
  constexpr int kTaps = kTile + 2;
  const D d;
  const auto padded = static_cast<std::size_t>(layer.padded);
  const std::size_t row = static_cast<std::size_t>(layer.size_out()) * padded;
  for (int tile = 0; tile < layer.tiles(); ++tile) {
    for (std::size_t c = 0; c < padded; c += kLanes) {
      const float* p = products + static_cast<std::size_t>(tile) * padded + c;
      V columns[kTaps][kTile];
      for (int k = 0; k < kTaps; ++k) {
        V taps[kTaps];
        for (int r = 0; r < kTaps; ++r, p += tap_step) taps[r] = hn::LoadU(d, p);
        winograd_outputs(d, taps, columns[k]);
      }
      const V slope = hn::LoadU(d, layer.slope.data() + c);
      for (int y = 0; y < kTile; ++y) {
        V taps[kTaps];
        V values[kTile];
        for (int k = 0; k < kTaps; ++k) taps[k] = columns[k][y];
        winograd_outputs(d, taps, values);
        float* to =
            out + static_cast<std::size_t>(y) * row + static_cast<std::size_t>(tile * kTile) * padded + c;
        for (int x = 0; x < kTile; ++x) {
          hn::StoreU(prelu(values[x], slope), d, to + static_cast<std::size_t>(x) * padded);
        }
      }
    }
  }
}

// A whole 3x3 layer without its pooling, over `count` patches; `out` has the maps one behind the other. Tiles
// fill the map exactly.
template <int kTile>
HWY_INLINE void convolve_winograd(const RefineLayer& layer, const float* in, std::size_t in_step,
                                  std::size_t count, float* out, RefineScratch& scratch) {
  constexpr int kTaps = kTile + 2;
  const auto tiles = static_cast<std::size_t>(layer.tiles());
  const auto in_maps = static_cast<std::size_t>(layer.in);
  const auto padded = static_cast<std::size_t>(layer.padded);
  const std::size_t map = layer.unpooled_floats();
  const std::size_t in_tap = std::size_t{refine_kernel::kTiles} * in_maps + kMaxLanes;
  const std::size_t out_tap = std::size_t{refine_kernel::kTiles} * padded;
  const std::size_t at_once = std::max<std::size_t>(1, refine_kernel::kTiles / tiles);  // Rows of tiles.
  Factor factor = factor_of(layer);
  factor.slope = nullptr;
  factor.rows = 1;
  factor.run = in_maps;
  for (std::size_t first = 0; first < count * tiles; first += at_once) {
    const std::size_t rows = std::min(at_once, count * tiles - first);
    for (std::size_t r = 0; r < rows; ++r) {
      const std::size_t patch = (first + r) / tiles;
      transform_tiles<kTile>(layer, in + patch * in_step, static_cast<int>((first + r) % tiles) * kTile,
                             scratch.half.data(), scratch.inputs.data() + r * tiles * in_maps, in_tap);
    }
    factor.weights = layer.weights.data();
    for (std::size_t tap = 0; tap < kTaps * kTaps; ++tap) {
      factor.bias = tap == kTaps + 1 ? layer.bias.data() : nullptr;
      Blocks blocks(factor);
      for (std::size_t tile = 0; tile < rows * tiles; ++tile) {
        blocks.add(scratch.inputs.data() + tap * in_tap + tile * in_maps,
                   scratch.products.data() + tap * out_tap + tile * padded);
      }
      blocks.finish();
      factor.weights += in_maps * padded;
    }
    for (std::size_t r = 0; r < rows; ++r) {
      const std::size_t patch = (first + r) / tiles;
      finish_tiles<kTile>(
          layer, scratch.products.data() + r * tiles * padded, out_tap,
          out + patch * map +
              (first + r) % tiles * kTile * static_cast<std::size_t>(layer.size_out()) * padded);
    }
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

// kTogether tiles of the first layer, whose three inputs are too few for a product by itself: all taps of
// kVectors vectors of outputs, transformed back as they are made. `in`: (tap along the row, tap along the
// column) `tap_step` floats apart; `out`: kFirstTile rows `out_row` apart.
template <int kVectors, int kTogether>
HWY_NOINLINE void first_tiles(const RefineLayer& layer, int output, const float* in, std::size_t tap_step,
                              float* out, std::size_t out_row) {
  constexpr int kTaps = kFirstTile + 2;
  constexpr int kIn = 3;
  constexpr int kTileFloats = kFirstTile * kIn;  // From one tile's inputs to the next one's.
  const D d;
  const auto padded = static_cast<std::size_t>(layer.padded);
  V columns[kTogether][kVectors][kTaps][kFirstTile];
  const float* w = layer.weights.data() + output;
  HWY_UNROLL(6)
  for (int k = 0; k < kTaps; ++k) {
    V sum[kTogether][kVectors][kTaps];
    for (int r = 0; r < kTaps; ++r, in += tap_step) {
      for (int v = 0; v < kVectors; ++v) {
        const V start =
            k == 1 && r == 1 ? hn::LoadU(d, layer.bias.data() + output + v * kLanes) : hn::Zero(d);
        for (int t = 0; t < kTogether; ++t) sum[t][v][r] = start;
      }
      HWY_UNROLL(3)
      for (int c = 0; c < kIn; ++c, w += padded) {
        for (int v = 0; v < kVectors; ++v) {
          const V weight = hn::LoadU(d, w + v * kLanes);
          for (int t = 0; t < kTogether; ++t) {
            sum[t][v][r] = hn::MulAdd(hn::Set(d, in[t * kTileFloats + c]), weight, sum[t][v][r]);
          }
        }
      }
    }
    for (int t = 0; t < kTogether; ++t) {
      for (int v = 0; v < kVectors; ++v) winograd_outputs(d, sum[t][v], columns[t][v][k]);
    }
  }
  for (int v = 0; v < kVectors; ++v) {
    const V slope = hn::LoadU(d, layer.slope.data() + output + v * kLanes);
    for (int t = 0; t < kTogether; ++t) {
      for (int y = 0; y < kFirstTile; ++y) {
        V taps[kTaps];
        V values[kFirstTile];
        for (int k = 0; k < kTaps; ++k) taps[k] = columns[t][v][k][y];
        winograd_outputs(d, taps, values);
        float* to = out + static_cast<std::size_t>(y) * out_row +
                    static_cast<std::size_t>(t * kFirstTile) * padded +
                    static_cast<std::size_t>(output + v * kLanes);
        for (int x = 0; x < kFirstTile; ++x) {
          hn::StoreU(prelu(values[x], slope), d, to + static_cast<std::size_t>(x) * padded);
        }
      }
    }
  }
}

// One row of tiles of the first layer.
HWY_INLINE void first_row(const RefineLayer& layer, const float* in, int row, RefineScratch& scratch,
                          float* out, std::size_t out_row) {
  constexpr int kTaps = kFirstTile + 2;
  const D d;
  const auto values = static_cast<std::size_t>(layer.size_in * layer.in);
  // Columns behind the end of the map count as 0, as do rows.
  const std::size_t half_row = values + 3 * kMaxLanes;
  const float* rows[kTaps];
  find_rows(layer, in, row, rows);
  float* half = scratch.half.data();
  transform_columns(rows, values, half, half_row);
  for (int r = 0; r < kTaps; ++r) {
    std::fill_n(half + static_cast<std::size_t>(r) * half_row + values, 3 * kMaxLanes, 0.0F);
  }
  // The transform along the row is made at every pixel, not only where a tile begins: three channels do not
  // fill a vector, and neighbours do.
  float* inputs = scratch.inputs.data();
  for (int r = 0; r < kTaps; ++r) {
    const float* from = half + static_cast<std::size_t>(r) * half_row;
    float* to = inputs + static_cast<std::size_t>(r) * half_row;
    for (std::size_t i = 0; i < values; i += kLanes) {
      V taps_in[kTaps];
      V taps[kTaps];
      for (int k = 0; k < kTaps; ++k) taps_in[k] = hn::LoadU(d, from + i + static_cast<std::size_t>(3 * k));
      winograd_inputs(d, taps_in, taps);
      for (int k = 0; k < kTaps; ++k) {
        hn::StoreU(taps[k], d, to + static_cast<std::size_t>(k * kTaps) * half_row + i);
      }
    }
  }
  constexpr int kVectors = kLanes == 16 ? 2 : 1;
  // Both networks have an even number of tiles side by side: 6 and 12.
  for (int output = 0; output < layer.padded; output += kVectors * kLanes) {
    for (int tile = 0; tile < layer.tiles(); tile += 2) {
      first_tiles<kVectors, 2>(layer, output, inputs + static_cast<std::size_t>(tile * kFirstTile * layer.in),
                               half_row, out + static_cast<std::size_t>(tile * kFirstTile * layer.padded),
                               out_row);
    }
  }
}

// The first layer and its pooling for one patch; eight rows of the unpooled map exist at a time.
HWY_INLINE void first_and_pool(const RefineLayer& layer, const float* in, float* out,
                               RefineScratch& scratch) {
  const int size = layer.size_out();
  const std::size_t row = static_cast<std::size_t>(layer.tiles() * kFirstTile * layer.padded);
  float* ring = scratch.rows.data();
  int y = 0;
  for (int tile = 0; tile < layer.tiles(); ++tile) {
    first_row(layer, in, tile * kFirstTile, scratch,
              ring + static_cast<std::size_t>(tile * kFirstTile % kRing) * row, row);
    const int done = std::min(size, (tile + 1) * kFirstTile);
    for (; y < layer.pooled && std::min(size, 2 * y + layer.pool) <= done; ++y) {
      const float* rows[3] = {};
      int count = 0;
      for (int r = 2 * y; r < std::min(size, 2 * y + layer.pool); ++r) {
        rows[count++] = ring + static_cast<std::size_t>(r % kRing) * row;
      }
      pool_row(layer, rows, count, size, out + static_cast<std::size_t>(y * layer.pooled * layer.out));
    }
  }
}

HWY_INLINE void pool_map(const RefineLayer& layer, const float* map, float* out) {
  const int size = layer.size_out();
  const std::size_t row = static_cast<std::size_t>(size) * static_cast<std::size_t>(layer.padded);
  for (int y = 0; y < layer.pooled; ++y) {
    const float* rows[3] = {};
    int count = 0;
    for (int r = 2 * y; r < std::min(size, 2 * y + layer.pool); ++r) {
      rows[count++] = map + static_cast<std::size_t>(r) * row;
    }
    pool_row(layer, rows, count, size, out + static_cast<std::size_t>(y * layer.pooled * layer.out));
  }
}

void run_layer(const RefineLayer& layer, const float* in, std::size_t in_step, std::size_t count,
               RefineScratch& scratch, float* out, std::size_t out_step) {
  if (layer.tile == 0) {
    convolve(layer, in, in_step, count, out, out_step);
    return;
  }
  if (layer.in == 3) {
    for (std::size_t n = 0; n < count; ++n)
      first_and_pool(layer, in + n * in_step, out + n * out_step, scratch);
    return;
  }
  const std::size_t together = layer.patches_together();
  for (std::size_t first = 0; first < count; first += together) {
    const std::size_t some = std::min(together, count - first);
    const float* from = in + first * in_step;
    if (layer.tile == 3) {
      convolve_winograd<3>(layer, from, in_step, some, scratch.rows.data(), scratch);
    } else {
      convolve_winograd<4>(layer, from, in_step, some, scratch.rows.data(), scratch);
    }
    for (std::size_t n = 0; n < some; ++n) {
      pool_map(layer, scratch.rows.data() + n * layer.unpooled_floats(), out + (first + n) * out_step);
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

}  // namespace

void refine_kernel::run(const RefineLayer& layer, const float* in, std::size_t in_step, std::size_t count,
                        RefineScratch& scratch, float* out, std::size_t out_step) {
  HWY_DYNAMIC_DISPATCH(run_layer)(layer, in, in_step, count, scratch, out, out_step);
}

}  // namespace likeness
#endif
