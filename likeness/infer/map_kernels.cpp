#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "likeness/infer/map_kernels.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
// The file is compiled once per instruction set from here on.
#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>

#include "likeness/infer/graph_kernels.h"
#include "likeness/infer/map_vectors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace likeness::HWY_NAMESPACE {
namespace {

// A kernel of 3 x 3 for one vector of channels.
struct Nine {
  V weights[9];
  V bias;
  const float* slope;
  bool relu;
};

// A row of one vector of channels: what is read, null over padding, and what is written.
template <class In, class Out>
struct NineRow {
  const In* in[3];
  std::size_t width, pixel;
  std::ptrdiff_t left;  // Column of the first output's window.
  Out* out;
  std::size_t out_pixel;
};

constexpr std::size_t kAhead = 8;

// kCount neighbouring outputs from output `x` on; kEdge: some columns may lie outside.
template <std::size_t kStride, std::size_t kCount, bool kEdge, class In, class Out>
HWY_INLINE void nine_outputs(const Nine& nine, const NineRow<In, Out>& row, std::size_t x) {
  constexpr std::size_t kColumns = (kCount - 1) * kStride + 3;
  const std::ptrdiff_t first = row.left + static_cast<std::ptrdiff_t>(x * kStride);
  V sum[kCount];
  HWY_UNROLL(4)
  for (std::size_t i = 0; i < kCount; ++i) {
    sum[i] = nine.bias;
    __builtin_prefetch(row.out + (x + kAhead + i) * row.out_pixel, 1);  // To be written soon.
  }
  HWY_UNROLL(3)
  for (std::size_t k = 0; k < 3; ++k) {
    if (row.in[k] == nullptr) continue;
    V column[kColumns];
    HWY_UNROLL(9)
    for (std::size_t j = 0; j < kColumns; ++j) {
      const std::ptrdiff_t at = first + static_cast<std::ptrdiff_t>(j);
      const bool inside = !kEdge || (at >= 0 && static_cast<std::size_t>(at) < row.width);
      column[j] = inside ? load(row.in[k] + at * static_cast<std::ptrdiff_t>(row.pixel)) : hn::Zero(D());
    }
    HWY_UNROLL(3)
    for (std::size_t t = 0; t < 3; ++t) {
      HWY_UNROLL(4)
      for (std::size_t i = 0; i < kCount; ++i)
        sum[i] = hn::MulAdd(column[i * kStride + t], nine.weights[3 * k + t], sum[i]);
    }
  }
  HWY_UNROLL(4)
  for (std::size_t i = 0; i < kCount; ++i)
    store(activated(sum[i], nine.relu, nine.slope), row.out + (x + i) * row.out_pixel);
}

template <std::size_t kStride, std::size_t kCount, class In, class Out>
HWY_INLINE void nine_outputs(const Nine& nine, const NineRow<In, Out>& row, std::size_t x) {
  const std::ptrdiff_t first = row.left + static_cast<std::ptrdiff_t>(x * kStride);
  if (first >= 0 && static_cast<std::size_t>(first) + (kCount - 1) * kStride + 3 <= row.width) {
    nine_outputs<kStride, kCount, false>(nine, row, x);
  } else {
    nine_outputs<kStride, kCount, true>(nine, row, x);
  }
}

// Outputs `x` to `end`.
template <std::size_t kStride, class In, class Out>
HWY_INLINE void nine_row(const Nine& nine, const NineRow<In, Out>& row, std::size_t x, std::size_t end) {
  for (; x + 4 <= end; x += 4) nine_outputs<kStride, 4>(nine, row, x);
  if (x + 2 <= end) {
    nine_outputs<kStride, 2>(nine, row, x);
    x += 2;
  }
  if (x < end) nine_outputs<kStride, 1>(nine, row, x);
}

// Columns of which all rows that are read stay in the first cache.
constexpr std::size_t kStayingLines = (24U << 10) / 64;

// One vector of channels at a time: of each pixel one line of the cache is read, so that a map's fit the
// first cache, and weights stay in registers.
template <std::size_t kStride, class In, class Out>
HWY_INLINE void depthwise_nine(const DepthwiseJob& job, std::size_t picture) {
  for (std::size_t c = 0; c < job.channels; c += kLanes) {
    Nine nine;
    for (std::size_t t = 0; t < 9; ++t) nine.weights[t] = load(job.weights + t * job.channels + c);
    nine.bias = load(job.bias + c);
    nine.relu = job.activation.relu;
    nine.slope = job.activation.slope == nullptr ? nullptr : job.activation.slope + c;
    NineRow<In, Out> row;
    row.width = job.in_width;
    row.pixel = job.in.pixel;
    row.left = -static_cast<std::ptrdiff_t>(job.pad[1]);
    row.out_pixel = job.out.pixel;
    const std::size_t lines = ((job.rows.end - job.rows.first) * kStride + 2) * kStride;
    const std::size_t columns = std::max<std::size_t>(16, kStayingLines / lines / 4 * 4);
    for (std::size_t x = 0; x < job.out_width; x += columns) {
      for (std::size_t y = job.rows.first; y < job.rows.end; ++y) {
        for (std::size_t k = 0; k < 3; ++k) {
          const std::size_t at = y * kStride + k;
          const bool inside = at >= job.pad[0] && at - job.pad[0] < job.in_height;
          row.in[k] = inside ? row_at<In>(job.in, picture, at - job.pad[0]) + c : nullptr;
        }
        row.out = out_row<Out>(job.out, picture, y) + c;
        nine_row<kStride>(nine, row, x, std::min(job.out_width, x + columns));
      }
    }
  }
}

// Any window and stride.
template <class In, class Out>
HWY_INLINE void depthwise_plain(const DepthwiseJob& job, std::size_t picture) {
  for (std::size_t y = job.rows.first; y < job.rows.end; ++y) {
    for (std::size_t x = 0; x < job.out_width; ++x) {
      Out* out = out_row<Out>(job.out, picture, y) + x * job.out.pixel;
      for (std::size_t c = 0; c < job.channels; c += kLanes) {
        V sum = load(job.bias + c);
        for (std::size_t i = 0; i < job.window[0]; ++i) {
          const std::size_t down = y * job.strides[0] + i;
          if (down < job.pad[0] || down - job.pad[0] >= job.in_height) continue;
          const In* row = row_at<In>(job.in, picture, down - job.pad[0]) + c;
          for (std::size_t j = 0; j < job.window[1]; ++j) {
            const std::size_t right = x * job.strides[1] + j;
            if (right < job.pad[1] || right - job.pad[1] >= job.in_width) continue;
            const float* weights = job.weights + (i * job.window[1] + j) * job.channels + c;
            sum = hn::MulAdd(load(row + (right - job.pad[1]) * job.in.pixel), load(weights), sum);
          }
        }
        const float* slope = job.activation.slope == nullptr ? nullptr : job.activation.slope + c;
        store(activated(sum, job.activation.relu, slope), out + c);
      }
    }
  }
}

template <class In, class Out>
HWY_INLINE void depthwise_as(const DepthwiseJob& job) {
  const bool nine = job.window[0] == 3 && job.window[1] == 3 && job.strides[0] == job.strides[1];
  for (std::size_t n = 0; n < job.pictures; ++n) {
    if (nine && job.strides[0] == 1) {
      depthwise_nine<1, In, Out>(job, n);
    } else if (nine && job.strides[0] == 2) {
      depthwise_nine<2, In, Out>(job, n);
    } else {
      depthwise_plain<In, Out>(job, n);
    }
  }
}

void depthwise(const DepthwiseJob& job) {
  if (job.in.element == Element::kF32) return depthwise_as<float, float>(job);
  return depthwise_as<std::uint16_t, std::uint16_t>(job);
}

template <class T>
HWY_INLINE void sum_as(const SumJob& job) {
  for (std::size_t n = 0; n < job.pictures; ++n) {
    for (std::size_t y = job.rows.first; y < job.rows.end; ++y) {
      const T* in = row_at<T>(job.in, n, y / job.block[0]);
      const T* add = job.add.data == nullptr ? nullptr : row_at<T>(job.add, n, y);
      T* out = out_row<T>(job.out, n, y);
      for (std::size_t x = 0; x < job.width; ++x) {
        const T* from = in + x / job.block[1] * job.in.pixel;
        for (std::size_t c = 0; c < job.channels; c += kLanes) {
          V sum = load(from + c);
          if (add != nullptr) sum = hn::Add(sum, load(add + x * job.add.pixel + c));
          const float* slope = job.activation.slope == nullptr ? nullptr : job.activation.slope + c;
          store(activated(sum, job.activation.relu, slope), out + x * job.out.pixel + c);
        }
      }
    }
  }
}

void sum(const SumJob& job) {
  if (job.in.element == Element::kF32) return sum_as<float>(job);
  sum_as<std::uint16_t>(job);
}

void affine(const AffineJob& job) {
  for (std::size_t n = 0; n < job.pictures; ++n) {
    for (std::size_t y = job.rows.first; y < job.rows.end; ++y) {
      const float* in = row_at<float>(job.in, n, y);
      float* out = out_row<float>(job.out, n, y);
      for (std::size_t x = 0; x < job.width; ++x, in += job.in.pixel, out += job.out.pixel) {
        for (std::size_t c = 0; c < job.channels; ++c) out[c] = in[c] * job.factor[c] + job.shift[c];
      }
    }
  }
}

template <class In>
HWY_INLINE void output_as(const OutputJob& job) {
  const std::size_t count = job.width * job.channels;
  for (std::size_t n = 0; n < job.pictures; ++n) {
    for (std::size_t y = job.rows.first; y < job.rows.end; ++y) {
      const In* in = row_at<In>(job.in, n, y);
      float* out = out_row<float>(job.out, n, y);
      for (std::size_t x = 0; x < job.width; ++x, in += job.in.pixel) {
        for (std::size_t c = 0; c < job.channels; ++c) {
          if constexpr (sizeof(In) == 4) {
            out[x * job.channels + c] = in[c];
          } else {
            out[x * job.channels + c] = from_bf16(in[c]);
          }
        }
      }
      if (!job.sigmoid) continue;
      const V one = hn::Set(D(), 1.0F);
      const auto sigmoid = [&](V v) { return hn::Div(one, hn::Add(one, hn::Exp(D(), hn::Neg(v)))); };
      std::size_t i = 0;
      for (; i + kLanes <= count; i += kLanes) store(sigmoid(load(out + i)), out + i);
      for (; i < count; ++i) out[i] = hn::GetLane(sigmoid(hn::Set(D(), out[i])));
    }
  }
}

void output(const OutputJob& job) {
  if (job.in.element == Element::kF32) return output_as<float>(job);
  output_as<std::uint16_t>(job);
}

}  // namespace
}  // namespace likeness::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace likeness {

HWY_EXPORT(depthwise);
HWY_EXPORT(sum);
HWY_EXPORT(affine);
HWY_EXPORT(output);

void run_depthwise(const DepthwiseJob& job) { HWY_DYNAMIC_DISPATCH(depthwise)(job); }
void run_sum(const SumJob& job) { HWY_DYNAMIC_DISPATCH(sum)(job); }
void run_affine(const AffineJob& job) { HWY_DYNAMIC_DISPATCH(affine)(job); }
void run_output(const OutputJob& job) { HWY_DYNAMIC_DISPATCH(output)(job); }

}  // namespace likeness
#endif
