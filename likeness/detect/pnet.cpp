#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "likeness/detect/pnet.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
// The file is compiled once per instruction set from here on.
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>

#include "likeness/detect/pnet.h"

// Shared by all instruction sets; foreach_target includes this file several times.
#ifndef LIKENESS_DETECT_PNET_ONCE
#define LIKENESS_DETECT_PNET_ONCE
namespace likeness::pnet_layout {

constexpr int kInputs = 3;
constexpr int kMaps1 = 10;
constexpr int kMaps2 = 16;
constexpr int kMaps3 = 32;
// Columns of a strip that every layer computes; the last four are lost to the two unpadded 3x3 layers. 144 is
// a multiple of three vectors of every width, and the rings of a strip (36 KiB) stay near the core.
constexpr int kColumns = 144;
constexpr int kOutputColumns = kColumns - 4;
// Floats from one map of a ring's row to the next: room for reading one vector beyond the last column.
constexpr int kPlane = kColumns + 16;
// Layers two and three make four rows at once from six: Winograd's F(4, 3) along the columns (Lavin and Gray
// 2016, arXiv:1509.09308), half the products of the plain sum and the same result but for rounding.
constexpr int kGroup = 4;
constexpr int kTaps = 6;
constexpr int kVectors = 3;  // Vectors of columns that are worked on together.
constexpr int kMaxLanes = 16;
// Rings: four rows of pixels split into even and odd columns, eight rows each of the first two layers.
constexpr int kRing = 8;
constexpr std::size_t kPixelRow = std::size_t{kInputs} * 2 * kPlane;
constexpr std::size_t kRow1 = std::size_t{kMaps1} * kPlane;
constexpr std::size_t kRow2 = std::size_t{kMaps2} * kPlane;
// Behind the rings: transformed inputs, products, and finished features of a block of columns.
constexpr std::size_t kInputFloats = std::size_t{kTaps} * kMaps2 * (kVectors + 1) * kMaxLanes;
constexpr std::size_t kProductFloats = std::size_t{kTaps} * 8 * kVectors * kMaxLanes;
constexpr std::size_t kFeatureRow = std::size_t{kMaps3} * kVectors * kMaxLanes;
constexpr std::size_t kFloats =
    4 * kPixelRow + kRing * (kRow1 + kRow2) + kInputFloats + kProductFloats + kGroup * kFeatureRow;

// What the kernel of one instruction set is given.
struct Job {
  const PNet::Weights* weights;
  Level level;
  int first_row;
  int last_row;
  float min_score;
  float min_logit;  // A little below the logit of min_score, so that rounding loses no cell.
  float* strips;    // kFloats
  std::vector<Cell>* cells;
};

// Softmax over two channels, from their difference; both branches as softmax computes them.
inline float face_probability(float logit) {
  if (logit > 0) return 1.0F / (1.0F + std::exp(-logit));
  const float e = std::exp(logit);
  return e / (1.0F + e);
}

}  // namespace likeness::pnet_layout
#endif

HWY_BEFORE_NAMESPACE();
namespace likeness::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using namespace pnet_layout;  // NOLINT: only sizes

using D = hn::CappedTag<float, 16>;
using V = hn::Vec<D>;
constexpr int kLanes = static_cast<int>(hn::MaxLanes(D()));
// Output maps computed at once: as many sums as the registers hold beside the inputs.
constexpr int kBlock1 = HWY_TARGET <= HWY_AVX3 ? 5 : 2;
constexpr int kBlock = HWY_TARGET <= HWY_AVX3 ? 8 : 4;

struct Rings {
  explicit Rings(float* strips)
      : pixels(strips),
        layer1(pixels + 4 * kPixelRow),
        layer2(layer1 + kRing * kRow1),
        inputs(layer2 + kRing * kRow2),
        products(inputs + kInputFloats),
        features(products + kProductFloats) {}
  [[nodiscard]] float* pixel_row(int y) const { return pixels + static_cast<std::size_t>(y % 4) * kPixelRow; }
  // Rows from -2 on.
  [[nodiscard]] float* row1(int y) const {
    return layer1 + static_cast<std::size_t>((y + kRing) % kRing) * kRow1;
  }
  [[nodiscard]] float* row2(int y) const {
    return layer2 + static_cast<std::size_t>((y + kRing) % kRing) * kRow2;
  }
  float* pixels;
  float* layer1;
  float* layer2;
  float* inputs;
  float* products;
  float* features;
};

// IfNegativeThenElse would be shorter, but Highway 1.0.3 gets it wrong for SSSE3.
HWY_INLINE V prelu(V v, V slope) { return hn::IfThenElse(hn::Lt(v, hn::Zero(D())), hn::Mul(v, slope), v); }

// One row of pixels, standardised, as planes: red even columns, red odd columns, green even ...
HWY_INLINE void split_pixels(const std::uint8_t* row, int columns, float* out) {
  const D d;
  const hn::CappedTag<std::uint16_t, kLanes> d16;
  const hn::Rebind<std::int32_t, D> d32;
  const hn::Repartition<std::uint8_t, decltype(d16)> d8;
  const auto low = hn::Set(d16, 0xFF);
  const V scale = hn::Set(d, 1.0F / 128);
  const V shift = hn::Set(d, -127.5F / 128);
  for (int x = 0; x < columns; x += kLanes) {
    hn::Vec<decltype(d8)> rgb[kInputs];
    hn::LoadInterleaved3(d8, row + static_cast<std::size_t>(x) * 6, rgb[0], rgb[1], rgb[2]);
    for (int c = 0; c < kInputs; ++c) {
      const auto pairs = hn::BitCast(d16, rgb[c]);
      const auto even = hn::ConvertTo(d, hn::PromoteTo(d32, hn::And(pairs, low)));
      const auto odd = hn::ConvertTo(d, hn::PromoteTo(d32, hn::ShiftRight<8>(pairs)));
      hn::StoreU(hn::MulAdd(even, scale, shift), d, out + (2 * c) * kPlane + x);
      hn::StoreU(hn::MulAdd(odd, scale, shift), d, out + (2 * c + 1) * kPlane + x);
    }
  }
}

// Layer one with its pooling, kLanes pooled columns of kBlock1 maps at once. The four places of a pooling
// window are four sums over the same 4 x 4 pixels.
HWY_INLINE void conv1_block(const float* const (&rows)[4], int x, const PNet::Weights& weights, int map,
                            bool second_row, int valid_columns, float* out) {
  const D d;
  V sum[kBlock1][4];
  HWY_UNROLL(8)
  for (int m = 0; m < kBlock1; ++m) {
    const V bias = hn::Set(d, weights.bias1[map + m]);
    sum[m][0] = bias;
    sum[m][1] = bias;
    sum[m][2] = bias;
    sum[m][3] = bias;
  }
  const float* w = weights.conv1.data() + map;
  for (int c = 0; c < kInputs; ++c, w += 9 * kMaps1) {
    HWY_UNROLL(4)
    for (int r = 0; r < 4; ++r) {
      const float* even = rows[r] + (2 * c) * kPlane + x;
      const float* odd = even + kPlane;
      const V in[4] = {hn::LoadU(d, even), hn::LoadU(d, odd), hn::LoadU(d, even + 1), hn::LoadU(d, odd + 1)};
      HWY_UNROLL(2)
      for (int dy = 0; dy < 2; ++dy) {
        const int ky = r - dy;
        if (ky < 0 || ky > 2) continue;
        HWY_UNROLL(3)
        for (int kx = 0; kx < 3; ++kx) {
          HWY_UNROLL(8)
          for (int m = 0; m < kBlock1; ++m) {
            const V weight = hn::Set(d, w[(ky * 3 + kx) * kMaps1 + m]);
            sum[m][2 * dy] = hn::MulAdd(weight, in[kx], sum[m][2 * dy]);
            sum[m][2 * dy + 1] = hn::MulAdd(weight, in[kx + 1], sum[m][2 * dy + 1]);
          }
        }
      }
    }
  }
  // Behind the last row or column of an odd map the pooling window is cut: the places outside repeat those
  // inside.
  const bool cut = x + kLanes > valid_columns;
  const auto inside = hn::FirstN(d, static_cast<std::size_t>(std::max(0, valid_columns - x)));
  HWY_UNROLL(8)
  for (int m = 0; m < kBlock1; ++m) {
    const V slope = hn::Set(d, weights.slope1[map + m]);
    V p[4];
    for (int i = 0; i < 4; ++i) p[i] = prelu(sum[m][i], slope);
    if (cut) {
      p[1] = hn::IfThenElse(inside, p[1], p[0]);
      p[3] = hn::IfThenElse(inside, p[3], p[2]);
    }
    V best = hn::Max(p[0], p[1]);
    if (second_row) best = hn::Max(best, hn::Max(p[2], p[3]));
    hn::StoreU(best, d, out + (map + m) * kPlane + x);
  }
}

// Six rows of kIn maps, transformed, kCount vectors of columns and one more for the kernel's reach:
// out[tap][map][column].
template <int kIn, int kCount>
HWY_INLINE void transform_inputs(const float* const (&rows)[kTaps], int x, float* out) {
  const D d;
  constexpr std::size_t kWidth = std::size_t{kCount + 1} * kLanes;
  const V two = hn::Set(d, 2.0F);
  const V four = hn::Set(d, 4.0F);
  const V five = hn::Set(d, 5.0F);
  for (int c = 0; c < kIn; ++c) {
    for (int v = 0; v <= kCount; ++v) {
      const std::size_t at = static_cast<std::size_t>(c * kPlane + x + v * kLanes);
      const V r0 = hn::LoadU(d, rows[0] + at);
      const V r1 = hn::LoadU(d, rows[1] + at);
      const V r2 = hn::LoadU(d, rows[2] + at);
      const V r3 = hn::LoadU(d, rows[3] + at);
      const V r4 = hn::LoadU(d, rows[4] + at);
      const V r5 = hn::LoadU(d, rows[5] + at);
      const V sum = hn::NegMulAdd(four, r2, r4);         // r4 - 4 r2
      const V difference = hn::NegMulAdd(four, r1, r3);  // r3 - 4 r1
      const V near = hn::Sub(r4, r2);
      const V far = hn::Mul(two, hn::Sub(r3, r1));
      float* to = out + static_cast<std::size_t>(c) * kWidth + static_cast<std::size_t>(v) * kLanes;
      constexpr std::size_t kTap = kIn * kWidth;
      hn::StoreU(hn::NegMulAdd(five, r2, hn::MulAdd(four, r0, r4)), d, to);
      hn::StoreU(hn::Add(sum, difference), d, to + kTap);
      hn::StoreU(hn::Sub(sum, difference), d, to + 2 * kTap);
      hn::StoreU(hn::Add(near, far), d, to + 3 * kTap);
      hn::StoreU(hn::Sub(near, far), d, to + 4 * kTap);
      hn::StoreU(hn::NegMulAdd(five, r3, hn::MulAdd(four, r1, r5)), d, to + 5 * kTap);
    }
  }
}

// One tap of kBlock maps: the sums over all input maps and three columns, kCount vectors of them.
template <int kIn, int kOut, int kCount>
HWY_INLINE void multiply_tap(const float* in, const float* w, float* out) {
  const D d;
  V sum[kBlock][kCount];
  HWY_UNROLL(8)
  for (int m = 0; m < kBlock; ++m) {
    HWY_UNROLL(3)
    for (int v = 0; v < kCount; ++v) sum[m][v] = hn::Zero(d);
  }
  for (int c = 0; c < kIn; ++c, in += (kCount + 1) * kLanes) {
    HWY_UNROLL(3)
    for (int kx = 0; kx < 3; ++kx, w += kOut) {
      V value[kCount];
      HWY_UNROLL(3)
      for (int v = 0; v < kCount; ++v) value[v] = hn::LoadU(d, in + kx + v * kLanes);
      HWY_UNROLL(8)
      for (int m = 0; m < kBlock; ++m) {
        const V weight = hn::Set(d, w[m]);
        HWY_UNROLL(3)
        for (int v = 0; v < kCount; ++v) sum[m][v] = hn::MulAdd(weight, value[v], sum[m][v]);
      }
    }
  }
  HWY_UNROLL(8)
  for (int m = 0; m < kBlock; ++m) {
    HWY_UNROLL(3)
    for (int v = 0; v < kCount; ++v) hn::StoreU(sum[m][v], d, out + (m * kCount + v) * kLanes);
  }
}

// From six products of one map to four rows of it, with bias and PReLU.
template <int kCount>
HWY_INLINE void finish_rows(const float* products, float bias, float slope, float* const (&out)[kGroup],
                            std::size_t at) {
  const D d;
  constexpr std::size_t kTap = std::size_t{kBlock} * kCount * kLanes;
  const V b = hn::Set(d, bias);
  const V s = hn::Set(d, slope);
  const V two = hn::Set(d, 2.0F);
  const V four = hn::Set(d, 4.0F);
  const V eight = hn::Set(d, 8.0F);
  HWY_UNROLL(3)
  for (int v = 0; v < kCount; ++v) {
    const float* p = products + v * kLanes;
    const V p1 = hn::LoadU(d, p + kTap);
    const V p2 = hn::LoadU(d, p + 2 * kTap);
    const V p3 = hn::LoadU(d, p + 3 * kTap);
    const V p4 = hn::LoadU(d, p + 4 * kTap);
    const V even1 = hn::Add(hn::Add(p1, p2), b);
    const V odd1 = hn::Add(hn::Sub(p1, p2), b);
    const V even2 = hn::Add(p3, p4);
    const V odd2 = hn::Sub(p3, p4);
    const V y0 = hn::Add(hn::Add(hn::LoadU(d, p), even1), even2);
    const V y1 = hn::MulAdd(two, odd2, odd1);
    const V y2 = hn::MulAdd(four, even2, even1);
    const V y3 = hn::Add(hn::MulAdd(eight, odd2, odd1), hn::LoadU(d, p + 5 * kTap));
    hn::StoreU(prelu(y0, s), d, out[0] + at + v * kLanes);
    hn::StoreU(prelu(y1, s), d, out[1] + at + v * kLanes);
    hn::StoreU(prelu(y2, s), d, out[2] + at + v * kLanes);
    hn::StoreU(prelu(y3, s), d, out[3] + at + v * kLanes);
  }
}

// Four rows of a 3x3 layer with PReLU from six rows of the layer before: kCount vectors of columns from `x`
// on, all maps, `plane` floats from map to map of the output.
template <int kIn, int kOut, int kCount>
HWY_NOINLINE void conv3x3(const float* const (&rows)[kTaps], int x, const float* w, const float* bias,
                          const float* slope, const Rings& rings, float* const (&out)[kGroup],
                          std::size_t plane) {
  transform_inputs<kIn, kCount>(rows, x, rings.inputs);
  constexpr std::size_t kTap = std::size_t{kBlock} * kCount * kLanes;
  for (int map = 0; map < kOut; map += kBlock) {
    for (int tap = 0; tap < kTaps; ++tap) {
      multiply_tap<kIn, kOut, kCount>(rings.inputs + std::size_t{kIn} * tap * (kCount + 1) * kLanes,
                                      w + std::size_t{kIn} * 3 * kOut * tap + map,
                                      rings.products + tap * kTap);
    }
    for (int m = 0; m < kBlock; ++m) {
      finish_rows<kCount>(rings.products + m * kCount * kLanes, bias[map + m], slope[map + m], out,
                          static_cast<std::size_t>(map + m) * plane);
    }
  }
}

// Both heads over up to three vectors of finished features; appends the cells that pass.
HWY_INLINE void heads(const Job& job, const float* features, int columns, int x, int y) {
  const D d;
  const float* score = job.weights->score.data();
  const float* shift = job.weights->shift.data();
  for (int v = 0; v * kLanes < columns; ++v) {
    const float* in = features + v * kLanes;
    V logit = hn::Set(d, score[kMaps3]);
    for (int m = 0; m < kMaps3; ++m) {
      logit = hn::MulAdd(hn::Set(d, score[m]), hn::LoadU(d, in + m * kVectors * kLanes), logit);
    }
    const int lanes = std::min(kLanes, columns - v * kLanes);
    const auto passes =
        hn::And(hn::Ge(logit, hn::Set(d, job.min_logit)), hn::FirstN(d, static_cast<std::size_t>(lanes)));
    if (hn::AllFalse(d, passes)) continue;
    HWY_ALIGN float logits[16];
    HWY_ALIGN float shifts[4][16];
    hn::Store(logit, d, logits);
    for (int k = 0; k < 4; ++k) {
      V sum = hn::Set(d, shift[4 * kMaps3 + k]);
      for (int m = 0; m < kMaps3; ++m) {
        sum = hn::MulAdd(hn::Set(d, shift[k * kMaps3 + m]), hn::LoadU(d, in + m * kVectors * kLanes), sum);
      }
      hn::Store(sum, d, shifts[k]);
    }
    for (int lane = 0; lane < lanes; ++lane) {
      const float probability = face_probability(logits[lane]);
      if (!(probability >= job.min_score)) continue;
      job.cells->push_back({.x = x + v * kLanes + lane,
                            .y = y,
                            .score = probability,
                            .shift = {shifts[0][lane], shifts[1][lane], shifts[2][lane], shifts[3][lane]}});
    }
  }
}

// Everything that depends on the level's width only, for one strip.
struct Strip {
  int left;            // First column of the map.
  int columns;         // Columns of the map in this strip.
  int columns1;        // Columns of layer one: columns + 4, rounded up to vectors.
  int columns2;        // Columns of layer two: columns + 2, rounded up.
  int valid_columns1;  // Columns of layer one whose pooling window is whole.
};

// Row y of layer one, pooled, counted from the first row of this call; rows come in order.
HWY_INLINE void make_row1(const Job& job, const Strip& strip, const Rings& rings, int y) {
  const std::uint8_t* data = job.level.data + static_cast<std::size_t>(strip.left) * 6;
  // Each pooled row needs four rows of pixels and shares two with the row before; rows behind the end of an
  // odd map are read only for sums that are not used.
  for (int r = y == 0 ? 0 : 2 * y + 2; r < 2 * y + 4; ++r) {
    const int row = std::min(r + 2 * job.first_row, job.level.height - 1);
    split_pixels(data + static_cast<std::size_t>(row) * job.level.stride, strip.columns1 + 1,
                 rings.pixel_row(r));
  }
  const float* rows[4] = {rings.pixel_row(2 * y), rings.pixel_row(2 * y + 1), rings.pixel_row(2 * y + 2),
                          rings.pixel_row(2 * y + 3)};
  const bool second_row = 2 * (y + job.first_row) + 3 < job.level.height;
  for (int map = 0; map < kMaps1; map += kBlock1) {
    for (int x = 0; x < strip.columns1; x += kLanes) {
      conv1_block(rows, x, *job.weights, map, second_row, strip.valid_columns1, rings.row1(y));
    }
  }
}

template <int kIn, int kOut>
HWY_INLINE void conv_vectors(int vectors, const float* const (&rows)[kTaps], int x,
                             const std::vector<float>& w, const std::vector<float>& bias,
                             const std::vector<float>& slope, const Rings& rings, float* const (&out)[kGroup],
                             std::size_t plane) {
  if (vectors >= 3) conv3x3<kIn, kOut, 3>(rows, x, w.data(), bias.data(), slope.data(), rings, out, plane);
  if (vectors == 2) conv3x3<kIn, kOut, 2>(rows, x, w.data(), bias.data(), slope.data(), rings, out, plane);
  if (vectors == 1) conv3x3<kIn, kOut, 1>(rows, x, w.data(), bias.data(), slope.data(), rings, out, plane);
}

// Rows y to y + 3 of layer two.
HWY_INLINE void make_rows2(const Job& job, const Strip& strip, const Rings& rings, int y) {
  const float* rows[kTaps];
  for (int r = 0; r < kTaps; ++r) rows[r] = rings.row1(y + r);
  const PNet::Weights& w = *job.weights;
  for (int x = 0; x < strip.columns2; x += kVectors * kLanes) {
    float* out[kGroup];
    for (int r = 0; r < kGroup; ++r) out[r] = rings.row2(y + r) + x;
    conv_vectors<kMaps1, kMaps2>((strip.columns2 - x) / kLanes, rows, x, w.conv2, w.bias2, w.slope2, rings,
                                 out, kPlane);
  }
}

// Rows y to y + 3 of layer three, and the cells found there.
HWY_INLINE void make_cells(const Job& job, const Strip& strip, const Rings& rings, int y) {
  const float* rows[kTaps];
  for (int r = 0; r < kTaps; ++r) rows[r] = rings.row2(y + r);
  float* out[kGroup];
  for (int r = 0; r < kGroup; ++r) out[r] = rings.features + static_cast<std::size_t>(r) * kFeatureRow;
  const PNet::Weights& w = *job.weights;
  for (int x = 0; x < strip.columns; x += kVectors * kLanes) {
    const int columns = std::min(kVectors * kLanes, strip.columns - x);
    conv_vectors<kMaps2, kMaps3>((columns + kLanes - 1) / kLanes, rows, x, w.conv3, w.bias3, w.slope3, rings,
                                 out, std::size_t{kVectors} * kLanes);
    for (int r = 0; r < std::min(kGroup, job.last_row - job.first_row - y); ++r) {
      heads(job, out[r], columns, strip.left + x, job.first_row + y + r);
    }
  }
}

HWY_INLINE int up_to_lanes(int columns) { return (columns + kLanes - 1) / kLanes * kLanes; }

void run_kernel(const Job& job) {
  const Rings rings(job.strips);
  const int map_width = PNet::map_size(job.level.width);
  for (int left = 0; left < map_width; left += kOutputColumns) {
    const int columns = std::min(kOutputColumns, map_width - left);
    const Strip strip{.left = left,
                      .columns = columns,
                      .columns1 = up_to_lanes(columns + 4),
                      .columns2 = up_to_lanes(columns + 2),
                      .valid_columns1 = (job.level.width - 2) / 2 - left};
    // Rows are counted from the first one of this call. Two rows above it and some below the last one exist
    // only because four are made at once; they are zeros, so that the result depends on nothing else.
    const int rows = job.last_row - job.first_row;
    for (int y = -2; y < rows + kGroup; y += y < 0 ? 2 : kGroup) {
      const int end = y < 0 ? 0 : y + kGroup;
      for (int r = y; r < end; ++r) {
        if (r < 0 || r >= rows + 4) {
          std::fill_n(rings.row1(r), kRow1, 0.0F);
        } else {
          make_row1(job, strip, rings, r);
        }
      }
      if (y < 0) continue;
      make_rows2(job, strip, rings, y - 2);
      if (y >= kGroup) make_cells(job, strip, rings, y - kGroup);
    }
  }
}

}  // namespace
}  // namespace likeness::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
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

// The same, transformed for Winograd's F(4, 3) over the rows of the kernel: [tap][in][x][out].
std::vector<float> transformed(const std::vector<float>& kernel, int in, int out) {
  constexpr double kTransform[6][3] = {{1.0 / 4, 0, 0},
                                       {-1.0 / 6, -1.0 / 6, -1.0 / 6},
                                       {-1.0 / 6, 1.0 / 6, -1.0 / 6},
                                       {1.0 / 24, 1.0 / 12, 1.0 / 6},
                                       {1.0 / 24, -1.0 / 12, 1.0 / 6},
                                       {0, 0, 1}};
  std::vector<float> result(kernel.size() * 2);
  for (int o = 0; o < out; ++o) {
    for (int i = 0; i < in; ++i) {
      for (int x = 0; x < 3; ++x) {
        const float* w = kernel.data() + ((o * in + i) * 3 + x) * 3;
        for (int tap = 0; tap < 6; ++tap) {
          result[((tap * in + i) * 3 + x) * out + o] = static_cast<float>(
              kTransform[tap][0] * w[0] + kTransform[tap][1] * w[1] + kTransform[tap][2] * w[2]);
        }
      }
    }
  }
  return result;
}

}  // namespace

HWY_EXPORT(run_kernel);

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
  w.conv1 = arranged(constants.get("conv2d/kernel:0", {10, 3, 3, 3}), 3, 10);
  w.bias1 = constants.get("conv2d/bias:0", {10});
  w.slope1 = constants.get("p_re_lu_initializer_8", {1, 10, 1, 1});
  w.conv2 = transformed(constants.get("conv2d_1/kernel:0", {16, 10, 3, 3}), 10, 16);
  w.bias2 = constants.get("conv2d_1/bias:0", {16});
  w.slope2 = constants.get("p_re_lu_1_initializer_6", {1, 16, 1, 1});
  w.conv3 = transformed(constants.get("conv2d_2/kernel:0", {32, 16, 3, 3}), 16, 32);
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
  scratch.strips.resize(pnet_layout::kFloats);
  last_row = std::min(last_row, map_size(level.height));
  if (first_row >= last_row || map_size(level.width) == 0) return;
  const float p = std::clamp(min_score, 1e-6F, 1 - 1e-6F);
  const float min_logit = min_score <= 0 ? -1e30F : std::log(p / (1 - p)) - 1e-3F;
  HWY_DYNAMIC_DISPATCH(run_kernel)
  ({.weights = &weights_,
    .level = level,
    .first_row = first_row,
    .last_row = last_row,
    .min_score = min_score,
    .min_logit = min_logit,
    .strips = scratch.strips.data(),
    .cells = &cells});
}

}  // namespace likeness
#endif
