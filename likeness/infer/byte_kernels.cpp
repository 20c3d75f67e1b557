#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "likeness/infer/byte_kernels.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
// The file is compiled once per instruction set from here on.
#include <hwy/highway.h>

#include "likeness/infer/byte_vectors-inl.h"
#include "likeness/infer/map_vectors-inl.h"
#include "likeness/infer/pixel_walk-inl.h"

#if HWY_ARCH_X86
#include <cpuid.h>
#endif
#if HWY_COMPILER_GCC_ACTUAL
// Of vectors that the compiler's own headers leave undefined.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include <algorithm>
#include <atomic>

#include "likeness/infer/byte_kernels.h"

// Shared by all instruction sets; foreach_target includes this file several times.
#ifndef LIKENESS_INFER_BYTE_KERNELS_ONCE
#define LIKENESS_INFER_BYTE_KERNELS_ONCE
namespace likeness::byte_kernels {

constexpr std::size_t kMostRows = 14;
// Of one panel, bytes: more does not stay in the second cache beside the next.
constexpr std::size_t kLargeWeights = 256U << 10;
// Of such a panel, bytes ahead that are fetched.
constexpr std::size_t kAhead = 8U << 10;

// Up to kMostRows pixels of up to kPanel outputs.
struct Panel {
  const void* rows[kMostRows];
  void* out[kMostRows];
  const void* add[kMostRows];
  const KernelTap* taps;
  std::size_t tap_count;
  std::size_t run;
  const std::int8_t* weights;
  const std::int32_t* starts;
  const float* factor;
  const float* below;
  std::size_t columns;
  float dither[kMostRows];  // Of each row.
  float add_factor;
  std::uint8_t add_zero, out_zero;
  bool adds;
  bool floats;       // Written as f32.
  const char* next;  // Weights that are needed soon, two lines for every four inputs; null: none.
};

using PanelFunction = void (*)(const Panel&);

}  // namespace likeness::byte_kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace likeness::HWY_NAMESPACE {
namespace {

using byte_kernels::kMostRows;
using byte_kernels::Panel;
using byte_kernels::PanelFunction;

// One vector of finished sums with what few layers have: a summand, or f32 to write.
HWY_INLINE void finish_rarely(const Panel& panel, std::size_t row, std::size_t column, VI sum) {
  const D d;
  if (!panel.adds) {
    const V y = scaled(sum, panel.factor + column, panel.below + column);
    if (panel.floats) return store(y, static_cast<float*>(panel.out[row]) + column);
    return store_bytes(rounded(y, panel.out_zero), static_cast<std::uint8_t*>(panel.out[row]) + column);
  }
  const auto* add = static_cast<const std::uint8_t*>(panel.add[row]) + column;
  V y = hn::Mul(hn::ConvertTo(d, sum), load(panel.factor + column));
  y = hn::Add(y, hn::Mul(from_bytes(add, panel.add_zero), hn::Set(d, panel.add_factor)));
  y = hn::Mul(y, hn::IfThenElse(hn::Lt(y, hn::Zero(d)), load(panel.below + column), hn::Set(d, 1.0F)));
  if (panel.floats) return store(y, static_cast<float*>(panel.out[row]) + column);
  store_bytes(rounded(y, panel.out_zero), static_cast<std::uint8_t*>(panel.out[row]) + column);
}

HWY_NOINLINE void finish_rows_rarely(const Panel& panel, std::size_t column, std::size_t rows,
                                     const VI* sums) {
  const bool both = column + kLanes < panel.columns;
  for (std::size_t r = 0; r < rows; ++r) {
    finish_rarely(panel, r, column, sums[2 * r]);
    if (both) finish_rarely(panel, r, column + kLanes, sums[2 * r + 1]);
  }
}

template <std::size_t kCount>
HWY_INLINE void finish_rows(const Panel& panel, std::size_t column, const VI (&sum)[kCount][2]) {
  if (panel.adds || panel.floats) {
    VI sums[2 * kCount];
    HWY_UNROLL(14)
    for (std::size_t r = 0; r < kCount; ++r) {
      sums[2 * r] = sum[r][0];
      sums[2 * r + 1] = sum[r][1];
    }
    return finish_rows_rarely(panel, column, kCount, sums);
  }
  const bool both = column + kLanes < panel.columns;
  HWY_UNROLL(14)
  for (std::size_t r = 0; r < kCount; ++r) {
    auto* out = static_cast<std::uint8_t*>(panel.out[r]) + column;
    const V place = hn::Set(D(), panel.dither[r]);
    const V y0 = scaled(sum[r][0], panel.factor + column, panel.below + column);
    const V y1 = scaled(sum[r][1], panel.factor + column + kLanes, panel.below + column + kLanes);
    const VI first = rounded(hn::Add(y0, place), panel.out_zero);
    const VI second = rounded(hn::Add(y1, place), panel.out_zero);
    store_two(first, second, out, both);
  }
}

// Four inputs of a pixel are in every lane of a vector, and in a lane of the other four weights of an output.
template <class Products, std::size_t kCount>
HWY_NOINLINE void multiply(const Panel& panel) {
  const DI d;
  // Fetching from nowhere would cost a walk through the page tables.
  std::size_t next_step = panel.next == nullptr ? 0 : kQuad * kPanel;
  const char* next = panel.next == nullptr ? reinterpret_cast<const char*>(panel.weights) : panel.next;
  for (std::size_t column = 0; column < panel.columns; column += 2 * kLanes) {
    VI sum[kCount][2];
    HWY_UNROLL(14)
    for (std::size_t r = 0; r < kCount; ++r) {
      sum[r][0] = hn::LoadU(d, panel.starts + column);
      sum[r][1] = hn::LoadU(d, panel.starts + column + kLanes);
    }
    for (std::size_t t = 0; t < panel.tap_count; ++t) {
      const std::int8_t* w = panel.weights + panel.taps[t].index * kPanel + column * kQuad;
      const std::uint8_t* in[kCount];
      HWY_UNROLL(14)
      for (std::size_t r = 0; r < kCount; ++r)
        in[r] = static_cast<const std::uint8_t*>(panel.rows[r]) + panel.taps[t].offset;
      for (std::size_t k = 0; k < panel.run; k += kQuad, w += kQuad * kPanel) {
        const VI w0 = load_quads(w);
        const VI w1 = load_quads(w + kQuad * kLanes);
        __builtin_prefetch(next, 0, 2);  // into the second cache
        __builtin_prefetch(next + 64, 0, 2);
        next += next_step;
        HWY_UNROLL(14)
        for (std::size_t r = 0; r < kCount; ++r) Products::add_pixel(sum[r][0], sum[r][1], in[r] + k, w0, w1);
      }
    }
    finish_rows<kCount>(panel, column, sum);
    next_step = 0;
  }
}

template <class Products>
HWY_INLINE PanelFunction panel_function(std::size_t rows) {
  static constexpr PanelFunction kSmall[] = {multiply<Products, 1>, multiply<Products, 2>,
                                             multiply<Products, 3>, multiply<Products, 4>,
                                             multiply<Products, 5>};
  if constexpr (Products::kRows == 6) {
    if (rows == 6) return multiply<Products, 6>;
  }
  if constexpr (Products::kRows > 6) {
    static constexpr PanelFunction kMiddle[] = {
        multiply<Products, 6>,  multiply<Products, 7>,  multiply<Products, 8>, multiply<Products, 9>,
        multiply<Products, 10>, multiply<Products, 11>, multiply<Products, 12>};
    if (rows > 5 && rows <= 12) return kMiddle[rows - 6];
  }
  if constexpr (Products::kRows > 12) {
    if (rows > 12) return rows == 13 ? multiply<Products, 13> : multiply<Products, 14>;
  }
  return kSmall[rows - 1];
}

template <class Products, class Out>
HWY_INLINE void convolve_as(const ByteConvolutionJob& job) {
  const ConvolutionJob& maps = job.maps;
  const std::size_t outputs = (maps.outputs + kPanel - 1) / kPanel * kPanel;
  Panel panel{};
  panel.adds = maps.add.data != nullptr;
  panel.floats = sizeof(Out) == sizeof(float);
  panel.add_factor = job.add_factor;
  panel.add_zero = job.add_zero;
  panel.out_zero = job.out_zero;
  const bool large = maps.inputs * kPanel > byte_kernels::kLargeWeights;
  for (std::size_t first = 0; first < maps.outputs; first += kPanel) {
    panel.columns = std::min(kPanel, maps.outputs - first);
    panel.weights = static_cast<const std::int8_t*>(maps.weights) + first * maps.inputs;
    panel.factor = job.factor + first;
    panel.below = job.below + first;
    for (std::size_t g = 0; g < maps.groups->size(); ++g) {
      const PixelGroup& group = (*maps.groups)[g];
      panel.starts = job.starts + g * outputs + first;
      panel.taps = group.taps.data();
      panel.tap_count = group.taps.size();
      panel.run = group.run;
      PixelWalk<std::uint8_t, Out> walk(maps, group, first);
      const std::size_t rows = walk.count();
      const std::size_t panels = (rows + Products::kRows - 1) / Products::kRows;
      for (std::size_t p = 0; p < panels; ++p) {
        // Shared out evenly, so that no panel is left with a row or two.
        const std::size_t count = rows / panels + (p < rows % panels ? 1 : 0);
        for (std::size_t r = 0; r < count; ++r) {
          walk.next(panel, r);
          panel.dither[r] = job.dithers ? dither(walk.y(), walk.x()) : 0.0F;
        }
        // The first rows fetch the next panel of weights, or what comes soon in one that is large.
        panel.next = nullptr;
        if (large || (p == 0 && first + kPanel < maps.outputs))
          panel.next = reinterpret_cast<const char*>(panel.weights) +
                       (large ? byte_kernels::kAhead : maps.inputs * kPanel);
        panel_function<Products>(count)(panel);
      }
    }
  }
}

void convolve(const ByteConvolutionJob& job, bool byte_products) {
  const bool floats = job.maps.out.element == Element::kF32;
  if (!byte_products && job.any_pairs)
    return floats ? convolve_as<AnyProducts, float>(job) : convolve_as<AnyProducts, std::uint8_t>(job);
  if (byte_products)
    return floats ? convolve_as<ByteProducts, float>(job) : convolve_as<ByteProducts, std::uint8_t>(job);
  return floats ? convolve_as<PlainProducts, float>(job) : convolve_as<PlainProducts, std::uint8_t>(job);
}

// Rows of a kernel of 3 x 3: where each row's first column would lie, and how far its columns are apart. Rows
// outside are one pixel again and again.
struct ThreeRows {
  const std::uint8_t* in[3];
  std::size_t pixel[3];
};

// Four neighbouring columns of `kBytes` channels: their bytes of a channel beside each other, four channels
// of every block of 16 in each vector.
template <class D8>
HWY_INLINE void interleave(D8 d8, const hn::Vec<D8> (&column)[4], hn::Vec<D8> (&quads)[4]) {
  const hn::Repartition<std::uint16_t, D8> d16;
  const auto low = hn::BitCast(d16, hn::InterleaveLower(d8, column[0], column[1]));
  const auto high = hn::BitCast(d16, hn::InterleaveUpper(d8, column[0], column[1]));
  const auto next_low = hn::BitCast(d16, hn::InterleaveLower(d8, column[2], column[3]));
  const auto next_high = hn::BitCast(d16, hn::InterleaveUpper(d8, column[2], column[3]));
  quads[0] = hn::BitCast(d8, hn::InterleaveLower(d16, low, next_low));
  quads[1] = hn::BitCast(d8, hn::InterleaveUpper(d16, low, next_low));
  quads[2] = hn::BitCast(d8, hn::InterleaveLower(d16, high, next_high));
  quads[3] = hn::BitCast(d8, hn::InterleaveUpper(d16, high, next_high));
}

// Where a row's outputs go, and their dither.
struct DepthwiseOut {
  std::uint8_t* first;
  std::uint8_t* second;
  float dither[2];
};

// Outputs of one vector of channels: one from column `left` on and, with stride 1, the next, where `second`
// is not null. Columns from `width` on, and those before 0, are bytes in_zero.
template <class Products, std::size_t kBytes, std::size_t kOutputs, bool kEdge>
HWY_INLINE void depthwise_outputs(const ByteDepthwiseJob& job, const ThreeRows& rows, std::size_t c,
                                  std::ptrdiff_t left, const DepthwiseOut& out) {
  const hn::CappedTag<std::uint8_t, kBytes> d8;
  const hn::Repartition<std::int32_t, decltype(d8)> di;
  using Bytes = hn::Vec<decltype(d8)>;
  using Sums = hn::Vec<decltype(di)>;
  // Of the block that `c` lies in, and of its 16 channels.
  const std::size_t at = c / kByteBlock * kByteBlock + c % kByteBlock / kQuad;
  Sums sum[kOutputs][4];
  HWY_UNROLL(4)
  for (std::size_t i = 0; i < 4; ++i) {
    HWY_UNROLL(2)
    for (std::size_t n = 0; n < kOutputs; ++n) sum[n][i] = hn::LoadU(di, job.starts + at + 16 * i);
  }
  const std::int8_t* weights = job.weights + c / kByteBlock * (6 * kByteBlock * kQuad) + c % kByteBlock;
  HWY_UNROLL(3)
  for (std::size_t k = 0; k < 3; ++k) {
    Bytes column[4];
    HWY_UNROLL(4)
    for (std::size_t j = 0; j < 4; ++j) {
      const std::ptrdiff_t x = left + static_cast<std::ptrdiff_t>(j);
      const bool inside = !kEdge || (x >= 0 && static_cast<std::size_t>(x) < job.maps.in_width);
      column[j] = inside ? hn::LoadU(d8, rows.in[k] + x * static_cast<std::ptrdiff_t>(rows.pixel[k]) + c)
                         : hn::Set(d8, job.in_zero);
    }
    Bytes quads[4];
    interleave(d8, column, quads);
    HWY_UNROLL(4)
    for (std::size_t i = 0; i < 4; ++i) {
      HWY_UNROLL(2)
      for (std::size_t n = 0; n < kOutputs; ++n) {
        const std::int8_t* w = weights + ((n * 3 + k) * kByteBlock + 16 * i) * kQuad;
        Products::add_any(sum[n][i], hn::BitCast(di, quads[i]),
                          hn::LoadU(di, reinterpret_cast<const std::int32_t*>(w)));
      }
    }
  }
  HWY_UNROLL(2)
  for (std::size_t n = 0; n < kOutputs; ++n) {
    Sums whole[4];
    const hn::RebindToFloat<decltype(di)> df;
    HWY_UNROLL(4)
    for (std::size_t i = 0; i < 4; ++i) {
      const auto y = scaled(sum[n][i], job.factor + at + 16 * i, job.below + at + 16 * i);
      whole[i] = rounded(hn::Add(y, hn::Set(df, out.dither[n])), job.out_zero);
    }
    if (n == 0) store_four(d8, whole, out.first + c);
    if (n == 1 && out.second != nullptr) store_four(d8, whole, out.second + c);
  }
}

template <class Products, std::size_t kBytes, std::size_t kStride>
HWY_NOINLINE void depthwise_row(const ByteDepthwiseJob& job, const ThreeRows& rows, std::size_t c,
                                std::uint8_t* out, std::size_t y) {
  constexpr std::size_t kOutputs = kStride == 1 ? 2 : 1;
  const DepthwiseJob& maps = job.maps;
  for (std::size_t x = 0; x < maps.out_width; x += kOutputs) {
    const std::ptrdiff_t left =
        static_cast<std::ptrdiff_t>(x * kStride) - static_cast<std::ptrdiff_t>(maps.pad[1]);
    DepthwiseOut to{out + x * maps.out.pixel, nullptr, {}};
    if (x + 1 < maps.out_width) to.second = to.first + maps.out.pixel;
    for (std::size_t n = 0; n < 2; ++n) to.dither[n] = job.dithers ? dither(y, x + n) : 0.0F;
    if (left >= 0 && static_cast<std::size_t>(left) + 4 <= maps.in_width) {
      depthwise_outputs<Products, kBytes, kOutputs, false>(job, rows, c, left, to);
    } else {
      depthwise_outputs<Products, kBytes, kOutputs, true>(job, rows, c, left, to);
    }
  }
}

// kBytes channels from `c` on.
template <class Products, std::size_t kBytes>
HWY_INLINE void depthwise_nine(const ByteDepthwiseJob& job, std::size_t picture, std::size_t c) {
  const DepthwiseJob& maps = job.maps;
  std::uint8_t nothing[kByteBlock];
  std::fill_n(nothing, kByteBlock, job.in_zero);
  for (std::size_t y = maps.rows.first; y < maps.rows.end; ++y) {
    ThreeRows rows;
    for (std::size_t k = 0; k < 3; ++k) {
      const std::size_t at = y * maps.strides[0] + k;
      const bool inside = at >= maps.pad[0] && at - maps.pad[0] < maps.in_height;
      rows.in[k] = inside ? row_at<std::uint8_t>(maps.in, picture, at - maps.pad[0]) : nothing - c;
      rows.pixel[k] = inside ? maps.in.pixel : 0;
    }
    std::uint8_t* out = out_row<std::uint8_t>(maps.out, picture, y);
    if (maps.strides[0] == 1) {
      depthwise_row<Products, kBytes, 1>(job, rows, c, out, y);
    } else {
      depthwise_row<Products, kBytes, 2>(job, rows, c, out, y);
    }
  }
}

// Any window and stride.
HWY_NOINLINE void depthwise_plain(const ByteDepthwiseJob& job, std::size_t picture) {
  const DepthwiseJob& maps = job.maps;
  const DI d;
  const hn::Rebind<std::int8_t, DI> d8;
  const VI zero = hn::Set(d, job.in_zero);
  for (std::size_t y = maps.rows.first; y < maps.rows.end; ++y) {
    for (std::size_t x = 0; x < maps.out_width; ++x) {
      std::uint8_t* out = out_row<std::uint8_t>(maps.out, picture, y) + x * maps.out.pixel;
      for (std::size_t c = 0; c < maps.channels; c += kLanes) {
        VI sum = hn::LoadU(d, job.starts + c);
        for (std::size_t t = 0; t < maps.window[0] * maps.window[1]; ++t) {
          const std::size_t down = y * maps.strides[0] + t / maps.window[1] - maps.pad[0];
          const std::size_t right = x * maps.strides[1] + t % maps.window[1] - maps.pad[1];
          const VI w = hn::PromoteTo(d, hn::LoadU(d8, job.weights + t * maps.channels + c));
          const bool inside = down < maps.in_height && right < maps.in_width;
          const VI in =
              inside ? load_bytes(row_at<std::uint8_t>(maps.in, picture, down) + right * maps.in.pixel + c)
                     : zero;
          sum = hn::Add(sum, hn::Mul(in, w));
        }
        store_bytes(rounded(scaled(sum, job.factor + c, job.below + c), job.out_zero), out + c);
      }
    }
  }
}

template <class Products>
HWY_INLINE void depthwise_as(const ByteDepthwiseJob& job) {
  for (std::size_t n = 0; n < job.maps.pictures; ++n) {
    if (!is_packed_depthwise(job.maps.window, job.maps.strides)) {
      depthwise_plain(job, n);
      continue;
    }
    std::size_t c = 0;
    if constexpr (kLanes >= 16) {
      for (; c + 64 <= job.maps.channels; c += 64) depthwise_nine<Products, 64>(job, n, c);
    }
    if constexpr (kLanes >= 8) {
      for (; c + 32 <= job.maps.channels; c += 32) depthwise_nine<Products, 32>(job, n, c);
    }
    for (; c < job.maps.channels; c += 16) depthwise_nine<Products, 16>(job, n, c);
  }
}

void depthwise(const ByteDepthwiseJob& job, bool byte_products) {
  if (byte_products) return depthwise_as<ByteProducts>(job);
  depthwise_as<PlainProducts>(job);
}

// The mean of a whole map, as f32.
HWY_INLINE void average(const BytePoolJob& job, std::size_t picture) {
  const PoolJob& maps = job.maps;
  const DI d;
  const std::size_t pixels = maps.in_height * maps.in_width;
  float* out = out_row<float>(maps.out, picture, 0);
  const V share = hn::Set(D(), job.in.step / static_cast<float>(pixels));
  for (std::size_t c = 0; c < maps.channels; c += kLanes) {
    VI sum = hn::Set(d, -static_cast<std::int32_t>(pixels) * job.in.zero);
    for (std::size_t y = 0; y < maps.in_height; ++y) {
      const std::uint8_t* row = row_at<std::uint8_t>(maps.in, picture, y) + c;
      for (std::size_t x = 0; x < maps.in_width; ++x) sum = hn::Add(sum, load_bytes(row + x * maps.in.pixel));
    }
    store(hn::Mul(hn::ConvertTo(D(), sum), share), out + c);
  }
}

HWY_INLINE void pool_pixel(const BytePoolJob& job, std::size_t picture, std::size_t y, std::size_t x) {
  const PoolJob& maps = job.maps;
  const hn::Full128<std::uint8_t> d;
  // Windows over padding take what is inside.
  const std::size_t top = std::max(y * maps.strides[0], maps.pad[0]) - maps.pad[0];
  const std::size_t left = std::max(x * maps.strides[1], maps.pad[1]) - maps.pad[1];
  const std::size_t bottom = std::min(maps.in_height, y * maps.strides[0] + maps.window[0] - maps.pad[0]);
  const std::size_t right = std::min(maps.in_width, x * maps.strides[1] + maps.window[1] - maps.pad[1]);
  std::uint8_t* out = out_row<std::uint8_t>(maps.out, picture, y) + x * maps.out.pixel;
  const V factor = hn::Set(D(), job.in.step / job.out.step);
  for (std::size_t c = 0; c < maps.channels; c += 16) {
    auto most = hn::Zero(d);
    for (std::size_t i = top; i < bottom; ++i) {
      const std::uint8_t* row = row_at<std::uint8_t>(maps.in, picture, i) + c;
      for (std::size_t j = left; j < right; ++j) most = hn::Max(most, hn::LoadU(d, row + j * maps.in.pixel));
    }
    hn::StoreU(most, d, out + c);
    if (job.in == job.out) continue;
    for (std::size_t part = 0; part < 16; part += kLanes) {
      std::uint8_t* to = out + c + part;
      store_bytes(rounded(hn::Mul(from_bytes(to, job.in.zero), factor), job.out.zero), to);
    }
  }
}

void pool(const BytePoolJob& job) {
  for (std::size_t n = 0; n < job.maps.pictures; ++n) {
    if (job.maps.average) {
      average(job, n);
      continue;
    }
    for (std::size_t y = job.maps.rows.first; y < job.maps.rows.end; ++y) {
      for (std::size_t x = 0; x < job.maps.out_width; ++x) pool_pixel(job, n, y, x);
    }
  }
}

void sum(const ByteSumJob& job) {
  const SumJob& maps = job.maps;
  const V factor = hn::Set(D(), job.in.step / job.out.step);
  const V add_factor = hn::Set(D(), job.add.step / job.out.step);
  for (std::size_t n = 0; n < maps.pictures; ++n) {
    for (std::size_t y = maps.rows.first; y < maps.rows.end; ++y) {
      const std::uint8_t* in = row_at<std::uint8_t>(maps.in, n, y / maps.block[0]);
      const std::uint8_t* add = maps.add.data == nullptr ? nullptr : row_at<std::uint8_t>(maps.add, n, y);
      std::uint8_t* out = out_row<std::uint8_t>(maps.out, n, y);
      for (std::size_t x = 0; x < maps.width; ++x) {
        const std::uint8_t* from = in + x / maps.block[1] * maps.in.pixel;
        for (std::size_t c = 0; c < maps.channels; c += kLanes) {
          V y_sum = hn::Mul(from_bytes(from + c, job.in.zero), factor);
          if (add != nullptr) {
            y_sum =
                hn::Add(y_sum, hn::Mul(from_bytes(add + x * maps.add.pixel + c, job.add.zero), add_factor));
          }
          if (maps.activation.slope != nullptr) {
            y_sum = hn::Mul(y_sum, hn::IfThenElse(hn::Lt(y_sum, hn::Zero(D())),
                                                  load(maps.activation.slope + c), hn::Set(D(), 1.0F)));
          } else if (maps.activation.relu) {
            y_sum = hn::Max(y_sum, hn::Zero(D()));
          }
          store_bytes(rounded(y_sum, job.out.zero), out + x * maps.out.pixel + c);
        }
      }
    }
  }
}

void round_rows(const ByteRoundJob& job) {
  const D d;
  const V factor = hn::Set(d, 1.0F / job.scale.step);
  const V least = hn::Set(d, -static_cast<float>(job.scale.zero));
  const V most = hn::Set(d, 255.0F - static_cast<float>(job.scale.zero));
  for (std::size_t n = 0; n < job.pictures; ++n) {
    for (std::size_t y = job.rows.first; y < job.rows.end; ++y) {
      const float* in = row_at<float>(job.in, n, y);
      std::uint8_t* out = out_row<std::uint8_t>(job.out, n, y);
      for (std::size_t x = 0; x < job.width; ++x, in += job.in.pixel, out += job.out.pixel) {
        const V place = hn::Set(d, job.dithers ? dither(y, x) : 0.0F);
        for (std::size_t c = 0; c < job.channels; c += kLanes) {
          const V value = hn::Min(hn::Max(hn::Mul(load(in + c), factor), least), most);
          store_bytes(rounded(hn::Add(value, place), job.scale.zero), out + c);
        }
      }
    }
  }
}

int byte_products() { return Kind(); }

}  // namespace
}  // namespace likeness::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace likeness {
namespace {

HWY_EXPORT(convolve);
HWY_EXPORT(depthwise);
HWY_EXPORT(pool);
HWY_EXPORT(sum);
HWY_EXPORT(round_rows);
HWY_EXPORT(byte_products);

std::atomic<bool> held_back{false};

#if HWY_ARCH_X86
/// Bit `bit` of register `index` (eax, ebx, ecx, edx) of cpuid's leaf 7.
bool cpu_has(unsigned subleaf, std::size_t index, unsigned bit) {
  unsigned registers[4] = {};
  if (__get_cpuid_count(7, subleaf, &registers[0], &registers[1], &registers[2], &registers[3]) == 0)
    return false;
  return (registers[index] >> bit & 1U) != 0;
}
#endif

}  // namespace

bool has_byte_products() {
#if HWY_ARCH_X86
  static const bool wide = cpu_has(0, 2, 11);   // AVX512-VNNI
  static const bool narrow = cpu_has(1, 0, 4);  // AVX-VNNI
  if (held_back.load(std::memory_order_relaxed)) return false;
  const int kind = HWY_DYNAMIC_DISPATCH(byte_products)();
  return kind == 2 ? wide : kind == 1 && narrow;
#else
  return false;
#endif
}

WithoutByteProducts::WithoutByteProducts() { held_back = true; }
WithoutByteProducts::~WithoutByteProducts() { held_back = false; }

void run_byte_convolution(const ByteConvolutionJob& job) {
  HWY_DYNAMIC_DISPATCH(convolve)(job, has_byte_products());
}
void run_byte_depthwise(const ByteDepthwiseJob& job) {
  HWY_DYNAMIC_DISPATCH(depthwise)(job, has_byte_products());
}
void run_byte_pool(const BytePoolJob& job) { HWY_DYNAMIC_DISPATCH(pool)(job); }
void run_byte_sum(const ByteSumJob& job) { HWY_DYNAMIC_DISPATCH(sum)(job); }
void run_byte_round(const ByteRoundJob& job) { HWY_DYNAMIC_DISPATCH(round_rows)(job); }

}  // namespace likeness
#endif
