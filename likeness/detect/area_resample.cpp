#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "likeness/detect/area_resample.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
// The file is compiled once per instruction set from here on.
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "likeness/detect/area_resample.h"

#ifndef LIKENESS_DETECT_AREA_RESAMPLE_ONCE
#define LIKENESS_DETECT_AREA_RESAMPLE_ONCE
namespace likeness::area {

// What one call of the kernel is given. Exactly one of `floats` and `bytes` is set.
struct Job {
  ImageView photo;
  const AreaAxis* columns;
  const AreaAxis* rows;
  int first_column;  // Columns of the photo that any destination pixel needs.
  int last_column;
  int width;  // Of the destination.
  int first_row;
  int last_row;
  float* sums;  // 3 * (last_column - first_column + taps) + 16 floats
  float* floats;
  std::uint8_t* bytes;
  std::size_t stride;  // Of the destination, in floats or bytes.
};

// Values of a row that are summed before the next rows are read: stays in the first-level cache.
constexpr std::size_t kChunk = 3072;
// Rows of bytes that add up in 16 bits: 257 * 255 = 65535.
constexpr std::size_t kWholeRows = 256;

}  // namespace likeness::area
#endif

HWY_BEFORE_NAMESPACE();
namespace likeness::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using D = hn::CappedTag<float, 16>;
using D4 = hn::CappedTag<float, 4>;  // One RGB pixel and the next red.

HWY_INLINE hn::Vec<D> load_bytes(const std::uint8_t* bytes) {
  const D d;
  const hn::Rebind<std::uint8_t, D> d8;
  const hn::Rebind<std::int32_t, D> d32;
  return hn::ConvertTo(d, hn::PromoteTo(d32, hn::LoadU(d8, bytes)));
}

// sums = the weighted sum of kRows rows of `count` bytes.
template <int kRows>
HWY_INLINE void sum_rows(const std::uint8_t* const* rows, const float* weights, std::size_t count,
                         float* sums) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  hn::Vec<D> weight[kRows];
  for (int r = 0; r < kRows; ++r) weight[r] = hn::Set(d, weights[r]);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    auto sum = hn::Mul(load_bytes(rows[0] + i), weight[0]);
    HWY_UNROLL(3)
    for (int r = 1; r < kRows; ++r) sum = hn::MulAdd(load_bytes(rows[r] + i), weight[r], sum);
    hn::StoreU(sum, d, sums + i);
  }
  for (; i < count; ++i) {
    float sum = 0;
    for (int r = 0; r < kRows; ++r) sum += static_cast<float>(rows[r][i]) * weights[r];
    sums[i] = sum;
  }
}

// sums = (or +=) the plain sum of kRows rows of `count` bytes.
template <int kRows, bool kAdd>
HWY_INLINE void add_bytes(const std::uint8_t* top, std::size_t stride, std::size_t count,
                          std::uint16_t* sums) {
  const hn::CappedTag<std::uint16_t, 2 * hn::MaxLanes(D())> d16;
  const hn::Rebind<std::uint8_t, decltype(d16)> d8;
  const std::size_t lanes = hn::Lanes(d16);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    auto sum = hn::PromoteTo(d16, hn::LoadU(d8, top + i));
    HWY_UNROLL(3)
    for (std::size_t r = 1; r < kRows; ++r) {
      sum = hn::Add(sum, hn::PromoteTo(d16, hn::LoadU(d8, top + r * stride + i)));
    }
    if (kAdd) sum = hn::Add(sum, hn::LoadU(d16, sums + i));
    hn::StoreU(sum, d16, sums + i);
  }
  for (; i < count; ++i) {
    int sum = kAdd ? sums[i] : 0;
    for (std::size_t r = 0; r < kRows; ++r) sum += top[r * stride + i];
    sums[i] = static_cast<std::uint16_t>(sum);
  }
}

// sums += weight times the plain sum of `row_count` rows, at most kWholeRows, of `count` bytes, at most
// kChunk. In 16 bits, twice as many values go through a register as in floats, and nothing is rounded.
HWY_INLINE void add_whole_rows(const std::uint8_t* top, std::size_t stride, std::size_t row_count,
                               float weight, std::size_t count, float* sums) {
  HWY_ALIGN std::uint16_t whole[area::kChunk];
  std::size_t r = 0;
  switch (row_count % 4) {
    case 1:
      add_bytes<1, false>(top, stride, count, whole);
      break;
    case 2:
      add_bytes<2, false>(top, stride, count, whole);
      break;
    case 3:
      add_bytes<3, false>(top, stride, count, whole);
      break;
    default:
      add_bytes<4, false>(top, stride, count, whole);
      r = 4;
  }
  for (r = r == 0 ? row_count % 4 : r; r < row_count; r += 4) {
    add_bytes<4, true>(top + r * stride, stride, count, whole);
  }
  const D d;
  const hn::Rebind<std::uint16_t, D> d16;
  const hn::Rebind<std::int32_t, D> d32;
  const std::size_t lanes = hn::Lanes(d);
  const auto scale = hn::Set(d, weight);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto sum = hn::ConvertTo(d, hn::PromoteTo(d32, hn::LoadU(d16, whole + i)));
    hn::StoreU(hn::MulAdd(sum, scale, hn::LoadU(d, sums + i)), d, sums + i);
  }
  for (; i < count; ++i) sums[i] += weight * static_cast<float>(whole[i]);
}

// The rows of the photo under destination row y, weighted and summed column by column. The first and the last
// one may be covered in part, those between are covered whole.
HWY_INLINE void sum_columns(const area::Job& job, int y) {
  const std::size_t count = std::size_t{3} * static_cast<std::size_t>(job.last_column - job.first_column);
  const auto row_count = static_cast<std::size_t>(job.rows->count[y]);
  if (row_count == 0) {
    std::fill_n(job.sums, count, 0.0F);
    return;
  }
  const std::size_t stride = job.photo.stride;
  const float* weights = job.rows->weights.data() + static_cast<std::size_t>(y) * job.rows->taps;
  const std::uint8_t* top =
      job.photo.row(job.rows->first[y]) + std::size_t{3} * static_cast<std::size_t>(job.first_column);
  for (std::size_t chunk = 0; chunk < count; chunk += area::kChunk) {
    const std::size_t values = std::min(area::kChunk, count - chunk);
    float* sums = job.sums + chunk;
    const std::uint8_t* at = top + chunk;
    if (row_count <= 4) {
      const std::uint8_t* rows[4] = {at, at + stride, at + 2 * stride, at + 3 * stride};
      if (row_count == 1) sum_rows<1>(rows, weights, values, sums);
      if (row_count == 2) sum_rows<2>(rows, weights, values, sums);
      if (row_count == 3) sum_rows<3>(rows, weights, values, sums);
      if (row_count == 4) sum_rows<4>(rows, weights, values, sums);
      continue;
    }
    const std::uint8_t* ends[2] = {at, at + (row_count - 1) * stride};
    const float end_weights[2] = {weights[0], weights[row_count - 1]};
    sum_rows<2>(ends, end_weights, values, sums);
    for (std::size_t r = 1; r < row_count - 1; r += area::kWholeRows) {
      add_whole_rows(at + r * stride, stride, std::min(area::kWholeRows, row_count - 1 - r), weights[1],
                     values, sums);
    }
  }
}

// One destination row from the column sums. kTaps is the axis' number of taps, or 0 where it is another one.
template <int kTaps, bool kFloats>
HWY_INLINE void make_row(const area::Job& job, int y) {
  const D4 d;
  const hn::Rebind<std::uint8_t, D4> d8;
  const int taps = kTaps != 0 ? kTaps : job.columns->taps;
  const float* weight = job.columns->weights.data();
  const int* first = job.columns->first.data();
  const float* sums = job.sums - std::ptrdiff_t{3} * job.first_column;
  const std::size_t row = static_cast<std::size_t>(y - job.first_row) * job.stride;
  for (int x = 0; x < job.width; ++x, weight += taps) {
    const float* in = sums + std::ptrdiff_t{3} * first[x];
    auto sum = hn::Mul(hn::LoadU(d, in), hn::Set(d, weight[0]));
    for (int t = 1; t < taps; ++t) sum = hn::MulAdd(hn::LoadU(d, in + 3 * t), hn::Set(d, weight[t]), sum);
    const std::size_t at = row + static_cast<std::size_t>(x) * 3;
    if (kFloats) {
      const auto standardised = hn::Mul(hn::Sub(sum, hn::Set(d, 127.5F)), hn::Set(d, 1.0F / 128));
      hn::StoreU(standardised, d, job.floats + at);
    } else {
      hn::StoreU(hn::DemoteTo(d8, hn::NearestInt(sum)), d8, job.bytes + at);
    }
  }
}

template <bool kFloats>
HWY_INLINE void make_any_row(const area::Job& job, int y) {
  switch (job.columns->taps) {
    case 2:
      return make_row<2, kFloats>(job, y);
    case 3:
      return make_row<3, kFloats>(job, y);
    case 4:
      return make_row<4, kFloats>(job, y);
    default:
      return make_row<0, kFloats>(job, y);
  }
}

void resample(const area::Job& job) {
  for (int y = job.first_row; y < job.last_row; ++y) {
    sum_columns(job, y);
    if (job.floats != nullptr) {
      make_any_row<true>(job, y);
    } else {
      make_any_row<false>(job, y);
    }
  }
}

}  // namespace
}  // namespace likeness::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace likeness {
namespace {

HWY_EXPORT(resample);

// Weights of `out` destination pixels over source pixels [begin, begin + size) of which [0, limit) exist.
void make_axis(int begin, int size, int limit, int out, AreaAxis& axis) {
  const double ratio = static_cast<double>(size) / out;
  axis.taps = static_cast<int>(std::ceil(ratio)) + 1;
  axis.first.resize(static_cast<std::size_t>(out));
  axis.count.resize(static_cast<std::size_t>(out));
  axis.weights.assign(static_cast<std::size_t>(out) * static_cast<std::size_t>(axis.taps), 0.0F);
  float* weight = axis.weights.data();
  for (int i = 0; i < out; ++i, weight += axis.taps) {
    const double from = i * ratio;
    const double to = (i + 1) * ratio;
    const int first = std::max(begin + static_cast<int>(from), 0);
    const int last =
        std::min({begin + static_cast<int>(std::ceil(to)), begin + size, limit, first + axis.taps});
    axis.first[static_cast<std::size_t>(i)] = std::min(first, limit - 1);
    axis.count[static_cast<std::size_t>(i)] = std::max(0, last - first);
    for (int j = first; j < last; ++j) {
      const double covered = std::min(j - begin + 1.0, to) - std::max<double>(j - begin, from);
      weight[j - first] = static_cast<float>(std::max(0.0, covered) / ratio);
    }
  }
}

// Sets up the job's columns and sums and runs it; the caller fills in the rest.
void run(area::Job& job, int left, int width, AreaScratch& scratch) {
  job.first_column = std::clamp(left, 0, job.photo.width - 1);
  job.last_column = std::clamp(left + width, job.first_column + 1, job.photo.width);
  const std::size_t values =
      std::size_t{3} * static_cast<std::size_t>(job.last_column - job.first_column + job.columns->taps) + 16;
  // Taps of weight 0 may read behind the sums; what they find must be a number, so old sums will do.
  if (scratch.sums.size() < values) scratch.sums.resize(values);
  job.sums = scratch.sums.data();
  HWY_DYNAMIC_DISPATCH(resample)(job);
}

void check_sizes(ImageView photo, int region_width, int region_height, int width, int height) {
  if (region_width <= 0 || region_height <= 0 || width <= 0 || height <= 0 || photo.empty()) {
    throw std::invalid_argument("resampling needs pixels to read and pixels to write");
  }
}

}  // namespace

void resample_standardised(ImageView photo, const PixelRegion& region, int width, int height, float* out,
                           AreaScratch& scratch) {
  check_sizes(photo, region.width, region.height, width, height);
  make_axis(region.left, region.width, photo.width, width, scratch.axes.columns);
  make_axis(region.top, region.height, photo.height, height, scratch.axes.rows);
  area::Job job{};
  job.photo = photo;
  job.columns = &scratch.axes.columns;
  job.rows = &scratch.axes.rows;
  job.width = width;
  job.floats = out;
  job.stride = std::size_t{3} * static_cast<std::size_t>(width);
  job.first_row = 0;
  job.last_row = height;
  run(job, region.left, region.width, scratch);
}

void make_axes(ImageView photo, int width, int height, AreaAxes& axes) {
  check_sizes(photo, photo.width, photo.height, width, height);
  make_axis(0, photo.width, photo.width, width, axes.columns);
  make_axis(0, photo.height, photo.height, height, axes.rows);
}

void resample_rounded(ImageView photo, const AreaAxes& axes, int first_row, int last_row, std::uint8_t* out,
                      std::size_t stride, AreaScratch& scratch) {
  area::Job job{};
  job.photo = photo;
  job.columns = &axes.columns;
  job.rows = &axes.rows;
  job.width = static_cast<int>(axes.columns.first.size());
  job.bytes = out;
  job.stride = stride;
  job.first_row = first_row;
  job.last_row = last_row;
  run(job, 0, photo.width, scratch);
}

}  // namespace likeness
#endif
