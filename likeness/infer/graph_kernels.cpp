#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "likeness/infer/graph_kernels.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
// The file is compiled once per instruction set from here on.
#include <hwy/highway.h>

#include "likeness/core/winograd-inl.h"
#include "likeness/infer/map_vectors-inl.h"
#include "likeness/infer/pixel_walk-inl.h"

#if HWY_ARCH_X86
#include <cpuid.h>
#include <immintrin.h>
#endif

#include <algorithm>
#include <cstring>

#include "likeness/infer/graph_kernels.h"

// Shared by all instruction sets; foreach_target includes this file several times.
#ifndef LIKENESS_INFER_GRAPH_KERNELS_ONCE
#define LIKENESS_INFER_GRAPH_KERNELS_ONCE
namespace likeness::graph_kernels {

constexpr std::size_t kMostRows = 14;
// Of one panel, bytes: twice that does not stay in the second cache beside the inputs.
constexpr std::size_t kLargeWeights = 1U << 20;
// Inputs ahead whose weights are fetched.
constexpr std::size_t kAhead = 32;

// Floats from one tap of Winograd's work space to the next: not a power of two, so that the taps of a tile do
// not meet in one set of the cache.
constexpr std::size_t tap_step(std::size_t tiles, std::size_t channels) { return tiles * channels + kVector; }

// Up to kMostRows pixels of up to kPanel outputs: what fits the registers.
struct Panel {
  const void* rows[kMostRows];
  void* out[kMostRows];
  const void* add[kMostRows];
  const KernelTap* taps;
  std::size_t tap_count;
  std::size_t run;
  const void* weights;
  const float* bias;  // Null: none.
  const float* slope;
  std::size_t columns;
  std::ptrdiff_t row_step;  // Bytes from row to row where they are evenly spaced.
  const char* next;         // Weights that are needed soon: a line, every next_step bytes, for every input.
  std::size_t next_step;
  bool relu;
  bool adds;
};

using PanelFunction = void (*)(const Panel&);

}  // namespace likeness::graph_kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace likeness::HWY_NAMESPACE {
namespace {

// clang has another way to add an instruction to a function's, so there bf16 is OpenVINO's.
#undef LIKENESS_BF16_TARGET
#if HWY_TARGET == HWY_AVX3 && HWY_COMPILER_GCC_ACTUAL
#define LIKENESS_BF16_TARGET 1
#else
#define LIKENESS_BF16_TARGET 0
#endif

namespace hn = hwy::HWY_NAMESPACE;
using graph_kernels::kMostRows;
using graph_kernels::Panel;
using graph_kernels::PanelFunction;
using graph_kernels::tap_step;

// Rows of a tile two vectors wide: as many sums as the registers hold beside two weights and an input.
constexpr std::size_t kRows = HWY_TARGET <= HWY_AVX3 || HWY_ARCH_ARM ? kMostRows : 6;

// Residual, ReLU and store of a finished vector.
template <class Out>
HWY_INLINE void finish(const Panel& panel, std::size_t row, std::size_t column, V y) {
  if (panel.adds) y = hn::Add(y, load(static_cast<const Out*>(panel.add[row]) + column));
  y = activated(y, panel.relu, panel.slope == nullptr ? nullptr : panel.slope + column);
  store(y, static_cast<Out*>(panel.out[row]) + column);
}

// What a panel reads at its end shall be there by then.
template <std::size_t kCount, class Out>
HWY_INLINE void fetch_sums(const Panel& panel) {
  for (std::size_t r = 0; r < kCount; ++r) {
    const auto* from = static_cast<const Out*>(panel.adds ? panel.add[r] : panel.out[r]);
    for (std::size_t at = 0; at < panel.columns; at += 64 / sizeof(Out)) __builtin_prefetch(from + at);
  }
}

template <std::size_t kCount, class Out>
HWY_NOINLINE void multiply(const Panel& panel) {
  const D d;
  fetch_sums<kCount, Out>(panel);
  // Fetching from nowhere would cost a walk through the page tables.
  const std::size_t next_step = panel.next == nullptr ? 0 : panel.next_step;
  const char* next = panel.next == nullptr ? static_cast<const char*>(panel.weights) : panel.next;
  for (std::size_t column = 0; column < panel.columns; column += 2 * kLanes) {
    V sum[kCount][2];
    HWY_UNROLL(14)
    for (std::size_t r = 0; r < kCount; ++r) {
      sum[r][0] = panel.bias == nullptr ? hn::Zero(d) : load(panel.bias + column);
      sum[r][1] = panel.bias == nullptr ? hn::Zero(d) : load(panel.bias + column + kLanes);
    }
    for (std::size_t t = 0; t < panel.tap_count; ++t) {
      const float* w = static_cast<const float*>(panel.weights) + panel.taps[t].index * kPanel + column;
      const float* in[kCount];
      HWY_UNROLL(14)
      for (std::size_t r = 0; r < kCount; ++r)
        in[r] = static_cast<const float*>(panel.rows[r]) + panel.taps[t].offset;
      for (std::size_t k = 0; k < panel.run; ++k, w += kPanel) {
        const V w0 = load(w);
        const V w1 = load(w + kLanes);
        __builtin_prefetch(next, 0, 2);  // into the second cache
        next += next_step;
        HWY_UNROLL(14)
        for (std::size_t r = 0; r < kCount; ++r) {
          const V x = hn::Set(d, in[r][k]);
          sum[r][0] = hn::MulAdd(x, w0, sum[r][0]);
          sum[r][1] = hn::MulAdd(x, w1, sum[r][1]);
        }
      }
    }
    const bool both = column + kLanes < panel.columns;
    HWY_UNROLL(14)
    for (std::size_t r = 0; r < kCount; ++r) {
      finish<Out>(panel, r, column, sum[r][0]);
      if (both) finish<Out>(panel, r, column + kLanes, sum[r][1]);
    }
  }
}

// The same for at most one vector of outputs and rows that are evenly spaced: few pointers reach all of them,
// where one for each would not stay in registers.
template <std::size_t kCount, class Out>
HWY_NOINLINE void multiply_narrow(const Panel& panel) {
  constexpr std::size_t kBases = (kCount + 2) / 3;
  const D d;
  fetch_sums<kCount, Out>(panel);
  const std::ptrdiff_t step = panel.row_step;
  V sum[kCount];
  HWY_UNROLL(14)
  for (std::size_t r = 0; r < kCount; ++r) sum[r] = panel.bias == nullptr ? hn::Zero(d) : load(panel.bias);
  for (std::size_t t = 0; t < panel.tap_count; ++t) {
    const float* w = static_cast<const float*>(panel.weights) + panel.taps[t].index * kPanel;
    const char* base[kBases];
    HWY_UNROLL(5)
    for (std::size_t b = 0; b < kBases; ++b) {
      base[b] =
          reinterpret_cast<const char*>(static_cast<const float*>(panel.rows[0]) + panel.taps[t].offset) +
          static_cast<std::ptrdiff_t>(3 * b) * step;
    }
    for (std::size_t k = 0; k < panel.run; ++k, w += kPanel) {
      const V w0 = load(w);
      HWY_UNROLL(14)
      for (std::size_t r = 0; r < kCount; ++r) {
        const V x = hn::Set(
            d, *reinterpret_cast<const float*>(base[r / 3] + static_cast<std::ptrdiff_t>(r % 3) * step));
        sum[r] = hn::MulAdd(x, w0, sum[r]);
      }
      HWY_UNROLL(5)
      for (std::size_t b = 0; b < kBases; ++b) {
        base[b] += sizeof(float);
        asm volatile("" : "+r"(base[b]));  // The compiler would make a pointer for each row again.
      }
    }
  }
  HWY_UNROLL(14)
  for (std::size_t r = 0; r < kCount; ++r) finish<Out>(panel, r, 0, sum[r]);
}

#if LIKENESS_BF16_TARGET
// The same for pairs of bf16: each product of two vectors is two products in every lane. The compiler is told
// of the instruction here only; has_bf16_products() says whether the CPU has it.
template <std::size_t kCount, class Out>
__attribute__((target("avx512bf16"))) HWY_NOINLINE void multiply_pairs(const Panel& panel) {
  fetch_sums<kCount, Out>(panel);
  const std::size_t next_step = panel.next == nullptr ? 0 : panel.next_step;
  const char* next = panel.next == nullptr ? static_cast<const char*>(panel.weights) : panel.next;
  __m512 sum[kCount][2];
  HWY_UNROLL(14)
  for (std::size_t r = 0; r < kCount; ++r) {
    sum[r][0] = panel.bias == nullptr ? _mm512_setzero_ps() : _mm512_loadu_ps(panel.bias);
    sum[r][1] = panel.bias == nullptr ? _mm512_setzero_ps() : _mm512_loadu_ps(panel.bias + 16);
  }
  for (std::size_t t = 0; t < panel.tap_count; ++t) {
    const auto* w = static_cast<const std::uint16_t*>(panel.weights) + panel.taps[t].index * kPanel;
    const std::uint16_t* in[kCount];
    HWY_UNROLL(14)
    for (std::size_t r = 0; r < kCount; ++r)
      in[r] = static_cast<const std::uint16_t*>(panel.rows[r]) + panel.taps[t].offset;
    for (std::size_t k = 0; k < panel.run; k += 2, w += 2 * kPanel) {
      const auto w0 = (__m512bh)_mm512_loadu_si512(w);
      const auto w1 = (__m512bh)_mm512_loadu_si512(w + 32);
      __builtin_prefetch(next, 0, 2);
      next += next_step;
      HWY_UNROLL(14)
      for (std::size_t r = 0; r < kCount; ++r) {
        std::int32_t pair;
        std::memcpy(&pair, in[r] + k, sizeof(pair));
        const auto x = (__m512bh)_mm512_set1_epi32(pair);
        sum[r][0] = _mm512_dpbf16_ps(sum[r][0], x, w0);
        sum[r][1] = _mm512_dpbf16_ps(sum[r][1], x, w1);
      }
    }
  }
  HWY_UNROLL(14)
  for (std::size_t r = 0; r < kCount; ++r) {
    finish<Out>(panel, r, 0, V{sum[r][0]});
    if (panel.columns > 16) finish<Out>(panel, r, 16, V{sum[r][1]});
  }
}
#endif

// The kernel for `rows` pixels; `narrow`: evenly spaced, and at most kVector outputs.
template <class In, class Out>
HWY_INLINE PanelFunction panel_function(std::size_t rows, bool narrow) {
#if LIKENESS_BF16_TARGET
  if constexpr (sizeof(In) == 2) {
    static constexpr PanelFunction kPairs[] = {
        multiply_pairs<1, Out>,  multiply_pairs<2, Out>,  multiply_pairs<3, Out>,  multiply_pairs<4, Out>,
        multiply_pairs<5, Out>,  multiply_pairs<6, Out>,  multiply_pairs<7, Out>,  multiply_pairs<8, Out>,
        multiply_pairs<9, Out>,  multiply_pairs<10, Out>, multiply_pairs<11, Out>, multiply_pairs<12, Out>,
        multiply_pairs<13, Out>, multiply_pairs<14, Out>};
    return kPairs[rows - 1];
  }
#endif
  if constexpr (kLanes >= kVector) {
    static constexpr PanelFunction kNarrow[] = {
        multiply_narrow<1, Out>,  multiply_narrow<2, Out>,  multiply_narrow<3, Out>,
        multiply_narrow<4, Out>,  multiply_narrow<5, Out>,  multiply_narrow<6, Out>,
        multiply_narrow<7, Out>,  multiply_narrow<8, Out>,  multiply_narrow<9, Out>,
        multiply_narrow<10, Out>, multiply_narrow<11, Out>, multiply_narrow<12, Out>,
        multiply_narrow<13, Out>, multiply_narrow<14, Out>};
    if (narrow) return kNarrow[rows - 1];
  }
  static constexpr PanelFunction kSmall[] = {multiply<1, Out>, multiply<2, Out>, multiply<3, Out>,
                                             multiply<4, Out>, multiply<5, Out>, multiply<6, Out>};
  if constexpr (kRows > 6) {
    static constexpr PanelFunction kLarge[] = {multiply<7, Out>,  multiply<8, Out>,  multiply<9, Out>,
                                               multiply<10, Out>, multiply<11, Out>, multiply<12, Out>,
                                               multiply<13, Out>, multiply<14, Out>};
    if (rows > 6) return kLarge[rows - 7];
  }
  return kSmall[rows - 1];
}

// Taps `from` to `to` of a group for all its pixels.
template <class In, class Out>
HWY_INLINE void convolve_taps(const ConvolutionJob& job, const PixelGroup& group, std::size_t from,
                              std::size_t to, Panel& panel, std::size_t first_output) {
  PixelWalk<In, Out> walk(job, group, first_output);
  const std::size_t rows = walk.count();
  const std::size_t panels = (rows + kRows - 1) / kRows;
  panel.taps = group.taps.data() + from;
  panel.tap_count = to - from;
  panel.run = group.run;
  const char* next = panel.next;
  for (std::size_t p = 0; p < panels; ++p) {
    // Two panels of rows fetch the next panel of weights.
    if (next != nullptr && panel.next_step == 64)
      panel.next = p < 2 ? next + p * 64 * panel.run * panel.tap_count : nullptr;
    // Shared out evenly, so that no panel is left with a row or two.
    const std::size_t count = rows / panels + (p < rows % panels ? 1 : 0);
    for (std::size_t r = 0; r < count; ++r) walk.next(panel, r);
    if (from > 0) std::copy_n(panel.out, count, panel.add);
    panel.row_step = walk.row_step();
    panel_function<In, Out>(count, panel.columns <= kVector && walk.is_even())(panel);
  }
}

// A dense layer over a map has weights that no cache near the core holds. Its rows share each reading of a
// part of them; sums wait in the output.
template <class In, class Out>
HWY_INLINE void convolve_large(const ConvolutionJob& job, const PixelGroup& group, Panel& panel,
                               std::size_t first_output) {
  const Panel whole = panel;
  const std::size_t taps = group.taps.size();
  const std::size_t together =
      std::max<std::size_t>(1, graph_kernels::kLargeWeights / (group.run * kPanel * sizeof(In)));
  for (std::size_t from = 0; from < taps; from += together) {
    const std::size_t to = std::min(taps, from + together);
    panel.bias = from == 0 ? whole.bias : nullptr;
    panel.adds = from > 0;
    panel.relu = to == taps && whole.relu;
    panel.slope = to == taps ? whole.slope : nullptr;
    // What comes soon in the same panel.
    panel.next_step = 2 * 64;
    panel.next = static_cast<const char*>(panel.weights) +
                 (group.taps[from].index + graph_kernels::kAhead) * kPanel * sizeof(In);
    convolve_taps<In, Out>(job, group, from, to, panel, first_output);
  }
  panel = whole;
}

// Weights of one panel stay near the core while all pixels pass.
template <class In, class Out>
HWY_INLINE void convolve_as(const ConvolutionJob& job) {
  Panel panel{};
  panel.relu = job.activation.relu;
  panel.adds = job.add.data != nullptr;
  const std::size_t bytes = job.inputs * kPanel * sizeof(In);
  const bool large = bytes > 2 * graph_kernels::kLargeWeights && !panel.adds && sizeof(Out) == sizeof(float);
  for (std::size_t first = 0; first < job.outputs; first += kPanel) {
    panel.columns = std::min(kPanel, job.outputs - first);
    panel.weights = static_cast<const In*>(job.weights) + first * job.inputs;
    panel.bias = job.bias + first;
    panel.slope = job.activation.slope == nullptr ? nullptr : job.activation.slope + first;
    const bool last = first + kPanel >= job.outputs;
    for (const PixelGroup& group : *job.groups) {
      if (large) {
        convolve_large<In, Out>(job, group, panel, first);
        continue;
      }
      panel.next_step = 64;
      panel.next = last ? nullptr : static_cast<const char*>(panel.weights) + bytes;
      convolve_taps<In, Out>(job, group, 0, group.taps.size(), panel, first);
    }
  }
}

void convolve(const ConvolutionJob& job) {
  const bool floats_out = job.out.element == Element::kF32;
#if LIKENESS_BF16_TARGET
  if (job.in.element == Element::kBf16) {
    return floats_out ? convolve_as<std::uint16_t, float>(job)
                      : convolve_as<std::uint16_t, std::uint16_t>(job);
  }
#endif
  return floats_out ? convolve_as<float, float>(job) : convolve_as<float, std::uint16_t>(job);
}

// Where a tile lies.
struct TilePlace {
  std::size_t picture, y, x;  // of its first output
};

HWY_INLINE TilePlace place_of(const WinogradJob& job, std::size_t tile) {
  const std::size_t side = job.share.tile;
  const std::size_t across = (job.out_width + side - 1) / side;
  const std::size_t each = tiles_over(job.out_height, job.out_width, side);
  const std::size_t within = tile % each;
  return {tile / each, within / across * side, within % across * side};
}

// One tile's inputs, transformed, to `out`: `step` floats from tap to tap.
template <std::size_t kTile, class In, class Product>
HWY_INLINE void transform_tile(const WinogradJob& job, const TilePlace& place, Product* out,
                               std::size_t step) {
  const In* maps = static_cast<const In*>(job.in.data) + place.picture * job.in.picture;
  const D d;
  const In* at[kTile + 2][kTile + 2];
  for (std::size_t i = 0; i < kTile + 2; ++i) {
    for (std::size_t j = 0; j < kTile + 2; ++j) {
      const std::size_t y = place.y + i;  // less the padding, which may lie above
      const std::size_t x = place.x + j;
      const bool inside =
          y >= job.pad && x >= job.pad && y - job.pad < job.in_height && x - job.pad < job.in_width;
      at[i][j] = inside ? maps + (y - job.pad) * job.in.row + (x - job.pad) * job.in.pixel : nullptr;
    }
  }
  for (std::size_t c = 0; c < job.inputs; c += kLanes) {
    V half[kTile + 2][kTile + 2];
    for (std::size_t j = 0; j < kTile + 2; ++j) {
      V column[kTile + 2];
      V changed[kTile + 2];
      HWY_UNROLL(8)
      for (std::size_t i = 0; i < kTile + 2; ++i)
        column[i] = at[i][j] != nullptr ? load(at[i][j] + c) : hn::Zero(d);
      winograd_inputs(d, column, changed);
      HWY_UNROLL(8)
      for (std::size_t i = 0; i < kTile + 2; ++i) half[i][j] = changed[i];
    }
    for (std::size_t i = 0; i < kTile + 2; ++i) {
      V changed[kTile + 2];
      winograd_inputs(d, half[i], changed);
      HWY_UNROLL(8)
      for (std::size_t j = 0; j < kTile + 2; ++j) store(changed[j], out + (i * (kTile + 2) + j) * step + c);
    }
  }
}

// Outputs `first` to `end` of one tile from its products, `step` floats from tap to tap.
template <std::size_t kTile, class Out>
HWY_INLINE void finish_tile(const WinogradJob& job, const TilePlace& place, std::size_t first,
                            std::size_t end, const float* products, std::size_t step) {
  const D d;
  const std::size_t rows = std::min(kTile, job.out_height - place.y);
  const std::size_t columns = std::min(kTile, job.out_width - place.x);
  Out* maps = const_cast<Out*>(static_cast<const Out*>(job.out.data)) + place.picture * job.out.picture +
              place.y * job.out.row + place.x * job.out.pixel;
  for (std::size_t o = first; o < end; o += kLanes) {
    const V bias = load(job.bias + o);
    const float* slope = job.activation.slope == nullptr ? nullptr : job.activation.slope + o;
    V half[kTile][kTile + 2];
    for (std::size_t j = 0; j < kTile + 2; ++j) {
      V column[kTile + 2];
      V y[kTile];
      HWY_UNROLL(8)
      for (std::size_t i = 0; i < kTile + 2; ++i)
        column[i] = load(products + (i * (kTile + 2) + j) * step + o - first);
      winograd_outputs(d, column, y);
      HWY_UNROLL(8)
      for (std::size_t i = 0; i < kTile; ++i) half[i][j] = y[i];
    }
    for (std::size_t i = 0; i < rows; ++i) {
      V y[kTile];
      winograd_outputs(d, half[i], y);
      Out* to = maps + i * job.out.row + o;
      for (std::size_t j = 0; j < columns; ++j) {
        V value = hn::Add(y[j], bias);
        value = activated(value, job.activation.relu, slope);
        store(value, to + j * job.out.pixel);
      }
    }
  }
}

// Products of `tiles` tiles with the panels of outputs from `first` on.
template <class Product>
HWY_INLINE void multiply_tiles(const WinogradJob& job, std::size_t tiles, std::size_t first, std::size_t end,
                               const Product* inputs, float* products) {
  static constexpr KernelTap kOne[] = {{}};
  Panel panel{};
  panel.taps = kOne;
  panel.tap_count = 1;
  panel.run = job.inputs;
  panel.next_step = 64;
  const std::size_t columns = job.share.panels * kPanel;
  const std::size_t panels = (tiles + kRows - 1) / kRows;
  for (std::size_t tap = 0; tap < tile_taps(job.share.tile); ++tap) {
    for (std::size_t output = first; output < end; output += kPanel) {
      panel.columns = std::min(kPanel, end - output);
      panel.weights = static_cast<const Product*>(job.weights) +
                      (output * tile_taps(job.share.tile) + tap * kPanel) * job.inputs;
      const Product* row = inputs + tap * tap_step(job.share.tiles, job.inputs);
      float* out = products + tap * tap_step(job.share.tiles, columns) + output - first;
      for (std::size_t p = 0; p < panels; ++p) {
        const std::size_t count = tiles / panels + (p < tiles % panels ? 1 : 0);
        for (std::size_t r = 0; r < count; ++r, row += job.inputs, out += columns) {
          panel.rows[r] = row;
          panel.out[r] = out;
        }
        panel_function<Product, float>(count, /*narrow=*/false)(panel);
      }
    }
  }
}

template <std::size_t kTile, class Type, class Product>
HWY_INLINE void winograd_as(const WinogradJob& job) {
  const std::size_t columns = job.share.panels * kPanel;
  float* products = job.work;
  auto* inputs = reinterpret_cast<Product*>(products + tile_taps(kTile) * tap_step(job.share.tiles, columns));
  const std::size_t all = job.pictures * tiles_over(job.out_height, job.out_width, kTile);
  for (std::size_t first = 0; first < all; first += job.share.tiles) {
    const std::size_t tiles = std::min(job.share.tiles, all - first);
    for (std::size_t t = 0; t < tiles; ++t) {
      transform_tile<kTile, Type, Product>(job, place_of(job, first + t), inputs + t * job.inputs,
                                           tap_step(job.share.tiles, job.inputs));
    }
    for (std::size_t output = 0; output < job.outputs; output += columns) {
      const std::size_t end = std::min(job.outputs, output + columns);
      multiply_tiles(job, tiles, output, end, inputs, products);
      for (std::size_t t = 0; t < tiles; ++t) {
        finish_tile<kTile, Type>(job, place_of(job, first + t), output, end, products + t * columns,
                                 tap_step(job.share.tiles, columns));
      }
    }
  }
}

void winograd(const WinogradJob& job) {
  const bool floats = job.in.element == Element::kF32;
#if LIKENESS_BF16_TARGET
  if (job.products == Element::kBf16) {
    if (job.share.tile == 4) return winograd_as<4, std::uint16_t, std::uint16_t>(job);
    return winograd_as<6, std::uint16_t, std::uint16_t>(job);
  }
#endif
  if (job.share.tile == 4)
    return floats ? winograd_as<4, float, float>(job) : winograd_as<4, std::uint16_t, float>(job);
  return floats ? winograd_as<6, float, float>(job) : winograd_as<6, std::uint16_t, float>(job);
}

template <class In, class Out>
HWY_INLINE void pool_pixel(const PoolJob& job, const In* picture, std::size_t y, std::size_t x, Out* out) {
  const D d;
  // Windows over padding take what is inside.
  const std::size_t top = y * job.strides[0] < job.pad[0] ? 0 : y * job.strides[0] - job.pad[0];
  const std::size_t left = x * job.strides[1] < job.pad[1] ? 0 : x * job.strides[1] - job.pad[1];
  const std::size_t bottom = std::min(job.in_height, y * job.strides[0] + job.window[0] - job.pad[0]);
  const std::size_t right = std::min(job.in_width, x * job.strides[1] + job.window[1] - job.pad[1]);
  const V share = hn::Set(d, 1.0F / static_cast<float>(job.in_height * job.in_width));
  for (std::size_t c = 0; c < job.channels; c += kLanes) {
    V value = job.average ? hn::Zero(d)
                          : load(picture + row_of(job.in, top) * job.in.row + left * job.in.pixel + c);
    for (std::size_t i = top; i < bottom; ++i) {
      const In* row = picture + row_of(job.in, i) * job.in.row + c;
      for (std::size_t j = left; j < right; ++j) {
        const V next = load(row + j * job.in.pixel);
        value = job.average ? hn::Add(value, next) : hn::Max(value, next);
      }
    }
    store(job.average ? hn::Mul(value, share) : value, out + c);
  }
}

template <class In, class Out>
HWY_INLINE void pool_as(const PoolJob& job) {
  for (std::size_t n = 0; n < job.pictures; ++n) {
    const In* picture = static_cast<const In*>(job.in.data) + n * job.in.picture;
    for (std::size_t y = job.rows.first; y < job.rows.end; ++y) {
      Out* out = const_cast<Out*>(static_cast<const Out*>(job.out.data)) + n * job.out.picture +
                 row_of(job.out, y) * job.out.row;
      for (std::size_t x = 0; x < job.out_width; ++x, out += job.out.pixel)
        pool_pixel(job, picture, y, x, out);
    }
  }
}

void pool(const PoolJob& job) {
  if (job.in.element == Element::kF32) return pool_as<float, float>(job);
  return job.out.element == Element::kF32 ? pool_as<std::uint16_t, float>(job)
                                          : pool_as<std::uint16_t, std::uint16_t>(job);
}

bool pairs_of_bf16() { return LIKENESS_BF16_TARGET != 0; }
bool is_quick() { return HWY_ARCH_X86 && HWY_TARGET <= HWY_SSE4; }

}  // namespace
}  // namespace likeness::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace likeness {
namespace {

HWY_EXPORT(convolve);
HWY_EXPORT(winograd);
HWY_EXPORT(pool);
HWY_EXPORT(is_quick);
HWY_EXPORT(pairs_of_bf16);

}  // namespace

void run_convolution(const ConvolutionJob& job) { HWY_DYNAMIC_DISPATCH(convolve)(job); }
void run_winograd(const WinogradJob& job) { HWY_DYNAMIC_DISPATCH(winograd)(job); }
void run_pool(const PoolJob& job) { HWY_DYNAMIC_DISPATCH(pool)(job); }

WinogradShare winograd_share(std::size_t tile, std::size_t all_tiles, std::size_t inputs,
                             std::size_t outputs) {
  constexpr double kCache = 500e3;  // of 1 MB, where the CPU at hand has that
  const double taps = 4.0 * static_cast<double>(tile_taps(tile));
  const std::size_t panels = (outputs + kPanel - 1) / kPanel;
  const double weights = taps * static_cast<double>(inputs * panels * kPanel);
  const auto bytes = [&](std::size_t tiles, std::size_t channels) {
    return taps * static_cast<double>(tiles * channels);
  };
  // Weights pass once for each group of tiles. Where inputs and products do not stay in the cache, inputs
  // pass once for each group of panels and once when they are made, products when they are made and when they
  // are used.
  const auto cost = [&](const WinogradShare& share) {
    const auto groups = static_cast<double>((all_tiles + share.tiles - 1) / share.tiles);
    const auto turns = static_cast<double>((panels + share.panels - 1) / share.panels);
    const bool stays = bytes(share.tiles, inputs + share.panels * kPanel) <= kCache;
    return groups * weights +
           (stays ? 0 : (turns + 1) * bytes(all_tiles, inputs) + 2 * bytes(all_tiles, outputs));
  };
  WinogradShare best{tile, all_tiles, panels};
  for (std::size_t groups = (all_tiles + 13) / 14; groups > 0; --groups) {
    for (std::size_t turns = 1; turns <= panels; ++turns) {
      const WinogradShare share{tile, (all_tiles + groups - 1) / groups, (panels + turns - 1) / turns};
      if (cost(share) < cost(best)) best = share;
    }
  }
  return best;
}

std::size_t WinogradShare::floats(std::size_t inputs) const {
  return tile_taps(tile) *
         (graph_kernels::tap_step(tiles, inputs) + graph_kernels::tap_step(tiles, panels * kPanel));
}

bool has_quick_kernels() { return HWY_DYNAMIC_DISPATCH(is_quick)(); }

#if HWY_ARCH_X86
namespace {

/// Register `index` (eax, ebx, ecx, edx) of cpuid's leaf 7.
unsigned cpu_features(unsigned subleaf, std::size_t index) {
  unsigned registers[4] = {};
  if (__get_cpuid_count(7, subleaf, &registers[0], &registers[1], &registers[2], &registers[3]) == 0)
    return 0;
  return registers[index];
}

}  // namespace

bool has_bf16_products() {
  return HWY_DYNAMIC_DISPATCH(pairs_of_bf16)() && (cpu_features(1, 0) >> 5 & 1U) != 0;
}
bool has_amx() { return (cpu_features(0, 3) >> 22 & 1U) != 0; }
#else
bool has_bf16_products() { return false; }
bool has_amx() { return false; }
#endif

std::uint16_t to_bf16(float value) {
  std::uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof(bits));
  return static_cast<std::uint16_t>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

}  // namespace likeness
#endif
