#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "likeness/detect/pnet_kernel.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
// The file is compiled once per instruction set from here on.
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>

#include "likeness/core/winograd-inl.h"
#include "likeness/detect/pnet_kernel.h"

HWY_BEFORE_NAMESPACE();
namespace likeness::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using namespace pnet_kernel;  // NOLINT: only sizes

using D = hn::CappedTag<float, kMaxLanes>;
constexpr int kLanes = static_cast<int>(hn::MaxLanes(D()));
// Half vectors where no more tiles are left: on 16 lanes a whole one would be 64 columns.
using Half = hn::CappedTag<float, 8>;
// Output maps computed at once: as many sums as the registers hold beside the inputs.
constexpr int kBlock1 = HWY_TARGET <= HWY_AVX3 ? 2 : 1;
constexpr int kBlock = HWY_TARGET <= HWY_AVX3 ? 4 : 2;

struct Rings {
  explicit Rings(float* strips)
      : pixels(strips),
        layer1(pixels + 4 * kPixelRow),
        layer2(layer1 + kRing * kRow1),
        half(layer2 + kRing * kRow2),
        inputs(half + kHalfFloats),
        products(inputs + kInputFloats) {}
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
  float* half;
  float* inputs;
  float* products;
};

// IfNegativeThenElse would be shorter, but Highway 1.0.3 gets it wrong for SSSE3.
template <class DT>
HWY_INLINE hn::Vec<DT> prelu(DT d, hn::Vec<DT> v, hn::Vec<DT> slope) {
  return hn::IfThenElse(hn::Lt(v, hn::Zero(d)), hn::Mul(v, slope), v);
}

// Calls work(tag, first tile) for vectors that cover `tiles` tiles.
template <class Work>
HWY_INLINE void over_tiles(int tiles, const Work& work) {
  int t = 0;
  for (; tiles - t > kLanes / 2; t += kLanes) work(D(), t);
  if (t >= tiles) return;
  if (kLanes == 16) {
    work(Half(), t);
  } else {
    work(D(), t);
  }
}

// 2 * kHalf vectors of bytes, turned: a perfect shuffle again and again, until byte i of each stands in
// vector i.
template <int kHalf, class D8>
HWY_INLINE void turn(D8 d, hn::Vec<D8> (&vectors)[2 * kHalf]) {
  HWY_UNROLL(4)
  for (int stage = 1; stage <= kHalf; stage *= 2) {
    hn::Vec<D8> next[2 * kHalf];
    HWY_UNROLL(8)
    for (int i = 0; i < kHalf; ++i) {
      next[2 * i] = hn::InterleaveLower(d, vectors[i], vectors[i + kHalf]);
      next[2 * i + 1] = hn::InterleaveUpper(d, vectors[i], vectors[i + kHalf]);
    }
    HWY_UNROLL(16)
    for (int i = 0; i < 2 * kHalf; ++i) vectors[i] = next[i];
  }
}

// One row of pixels, standardised, as planes: red, green and blue of phase 0, red of phase 1 and so on. A
// tile is 24 bytes, which are turned so that the same byte of sixteen tiles makes a vector. Of one tile more
// the first pixels are there, which the last column reaches.
HWY_INLINE void split_pixels(const std::uint8_t* row, int tiles, float* out) {
  const D d;
  const hn::FixedTag<std::uint8_t, 16> d8;
  const hn::Rebind<std::uint8_t, D> d8_lanes;
  const hn::Rebind<std::int32_t, D> d32;
  constexpr int kBytes = kInputs * kPixelPhases;
  const auto scale = hn::Set(d, 1.0F / 128);
  const auto shift = hn::Set(d, -127.5F / 128);
  HWY_ALIGN std::uint8_t turned[kBytes * 16];
  for (int t = 0; t < tiles; t += 16) {
    const std::uint8_t* from = row + static_cast<std::size_t>(t) * kBytes;
    hn::Vec<decltype(d8)> first[16];
    for (int i = 0; i < 16; ++i) first[i] = hn::LoadU(d8, from + i * kBytes);
    // Of the last eight bytes of every tile the first stage gives half the vectors.
    hn::Vec<decltype(d8)> last[8];
    for (int i = 0; i < 8; ++i) {
      last[i] = hn::InterleaveUpper(d8, hn::LoadU(d8, from + i * kBytes + 8),
                                    hn::LoadU(d8, from + (i + 8) * kBytes + 8));
    }
    turn<8>(d8, first);
    turn<4>(d8, last);
    for (int i = 0; i < 16; ++i) hn::Store(first[i], d8, turned + i * 16);
    for (int i = 0; i < 8; ++i) hn::Store(last[i], d8, turned + (16 + i) * 16);
    for (int byte = 0; byte < kBytes; ++byte) {
      for (int lane = 0; lane < 16; lane += kLanes) {
        const auto value =
            hn::ConvertTo(d, hn::PromoteTo(d32, hn::LoadU(d8_lanes, turned + byte * 16 + lane)));
        hn::StoreU(hn::MulAdd(value, scale, shift), d, out + byte * kPlane + t + lane);
      }
    }
  }
  if (tiles % 16 != 0) return;
  for (int byte = 0; byte < 2 * kInputs; ++byte) {
    out[byte * kPlane + tiles] = std::fma(row[tiles * kBytes + byte], 1.0F / 128, -127.5F / 128);
  }
}

// Winograd's F(2x2, 3x3) for layer one: the four places of a pooling window are one tile of 4 x 4 pixels, and
// a vector holds windows of phase `phase`. Transformed: out[tap along the row][channel][tap along the
// column].
template <class DT>
HWY_INLINE void transform_pixels(DT d, const float* const (&rows)[4], int tile, int phase, float* out) {
  using V = hn::Vec<DT>;
  for (int c = 0; c < kInputs; ++c) {
    V taps[4][4];  // [column][tap along the column]
    HWY_UNROLL(4)
    for (int k = 0; k < 4; ++k) {
      const int pixel = 2 * phase + k;
      const int at = (pixel % kPixelPhases * kInputs + c) * kPlane + pixel / kPixelPhases + tile;
      const V in[4] = {hn::LoadU(d, rows[0] + at), hn::LoadU(d, rows[1] + at), hn::LoadU(d, rows[2] + at),
                       hn::LoadU(d, rows[3] + at)};
      winograd_inputs(d, in, taps[k]);
    }
    HWY_UNROLL(4)
    for (int r = 0; r < 4; ++r) {
      const V in[4] = {taps[0][r], taps[1][r], taps[2][r], taps[3][r]};
      V both[4];
      winograd_inputs(d, in, both);
      for (int k = 0; k < 4; ++k) hn::StoreU(both[k], d, out + ((k * kInputs + c) * 4 + r) * kLanes);
    }
  }
}

// Layer one with its pooling: kBlock1 maps of a vector of pooling windows.
template <class DT>
HWY_INLINE void conv1_block(DT d, const float* in, int tile, int phase, const PNet::Weights& weights, int map,
                            bool second_row, int valid_columns, float* out) {
  using V = hn::Vec<DT>;
  V places[kBlock1][4];  // Of the window: [row][column].
  const float* w = weights.conv1.data() + map;
  HWY_UNROLL(4)
  for (int tap = 0; tap < 4; ++tap) {
    V sum[kBlock1][4];
    HWY_UNROLL(8)
    for (int m = 0; m < kBlock1; ++m) {
      HWY_UNROLL(4)
      for (int r = 0; r < 4; ++r) sum[m][r] = hn::Zero(d);
      // What is added to the product of both second taps is added to all places.
      if (tap == 1) sum[m][1] = hn::Set(d, weights.bias1[static_cast<std::size_t>(map + m)]);
    }
    HWY_UNROLL(3)
    for (int c = 0; c < kInputs; ++c) {
      HWY_UNROLL(4)
      for (int r = 0; r < 4; ++r, w += kMaps1) {
        const V value = hn::LoadU(d, in + ((tap * kInputs + c) * 4 + r) * kLanes);
        HWY_UNROLL(8)
        for (int m = 0; m < kBlock1; ++m) sum[m][r] = hn::MulAdd(hn::Set(d, w[m]), value, sum[m][r]);
      }
    }
    HWY_UNROLL(8)
    for (int m = 0; m < kBlock1; ++m) {
      V rows[2];
      winograd_outputs(d, sum[m], rows);
      if (tap == 0) {
        places[m][0] = rows[0];
        places[m][2] = rows[1];
      } else if (tap == 1) {
        places[m][0] = hn::Add(places[m][0], rows[0]);
        places[m][2] = hn::Add(places[m][2], rows[1]);
        places[m][1] = rows[0];
        places[m][3] = rows[1];
      } else {
        if (tap == 2) {
          places[m][0] = hn::Add(places[m][0], rows[0]);
          places[m][2] = hn::Add(places[m][2], rows[1]);
        }
        places[m][1] = hn::Sub(places[m][1], rows[0]);
        places[m][3] = hn::Sub(places[m][3], rows[1]);
      }
    }
  }
  // Behind the last row or column of an odd map the pooling window is cut: the places outside repeat those
  // inside.
  const int whole = (valid_columns - phase + kTile - 1) / kTile - tile;
  const bool cut = whole < static_cast<int>(hn::MaxLanes(d));
  const auto inside = hn::FirstN(d, static_cast<std::size_t>(std::max(0, whole)));
  HWY_UNROLL(8)
  for (int m = 0; m < kBlock1; ++m) {
    const V slope = hn::Set(d, weights.slope1[static_cast<std::size_t>(map + m)]);
    V p[4];
    for (int i = 0; i < 4; ++i) p[i] = prelu(d, places[m][i], slope);
    if (cut) {
      p[1] = hn::IfThenElse(inside, p[1], p[0]);
      p[3] = hn::IfThenElse(inside, p[3], p[2]);
    }
    V best = hn::Max(p[0], p[1]);
    if (second_row) best = hn::Max(best, hn::Max(p[2], p[3]));
    hn::StoreU(best, d, out + (map + m) * kMap + phase * kPlane + tile);
  }
}

// Six rows of kIn maps, `tiles` tiles of which are needed, transformed in both directions:
// out[vector of tiles][tap along the row][map][tap along the column].
template <int kIn>
HWY_NOINLINE void transform_inputs(const float* const (&rows)[kTaps], int tiles_in, int tiles_out,
                                   float* half, float* out) {
  for (int c = 0; c < kIn; ++c) {
    for (int phase = 0; phase < kTile; ++phase) {
      over_tiles(phase < 2 ? tiles_in : tiles_out, [&](auto d, int tile) {
        hn::Vec<decltype(d)> in[kTaps], taps[kTaps];
        const int at = c * kMap + phase * kPlane + tile;
        for (int r = 0; r < kTaps; ++r) in[r] = hn::LoadU(d, rows[r] + at);
        winograd_inputs(d, in, taps);
        for (int r = 0; r < kTaps; ++r) hn::StoreU(taps[r], d, half + r * kMap + phase * kPlane + tile);
      });
    }
    over_tiles(tiles_out, [&](auto d, int tile) {
      float* to = out + static_cast<std::size_t>(tile) * kInputsOfTile + c * kTaps * kLanes;
      for (int r = 0; r < kTaps; ++r) {
        const float* from = half + r * kMap + tile;
        const hn::Vec<decltype(d)> in[kTaps] = {hn::LoadU(d, from),
                                                hn::LoadU(d, from + kPlane),
                                                hn::LoadU(d, from + 2 * kPlane),
                                                hn::LoadU(d, from + 3 * kPlane),
                                                hn::LoadU(d, from + 1),
                                                hn::LoadU(d, from + kPlane + 1)};
        hn::Vec<decltype(d)> taps[kTaps];
        winograd_inputs(d, in, taps);
        for (int k = 0; k < kTaps; ++k) {
          hn::StoreU(taps[k], d, to + (k * kIn * kTaps + r) * kLanes);
        }
      }
    });
  }
}

// Of one tap along the row and kBlock maps: the six sums along the column over all input maps, transformed
// back to four rows. `out` has kTaps vectors a map and kOut maps a row.
template <int kIn, int kOut, class DT>
HWY_INLINE void multiply(DT d, const float* in, const float* w, const float* bias, float* out) {
  using V = hn::Vec<DT>;
  V sum[kBlock][kTaps];
  HWY_UNROLL(4)
  for (int m = 0; m < kBlock; ++m) {
    HWY_UNROLL(6)
    for (int r = 0; r < kTaps; ++r) sum[m][r] = hn::Zero(d);
    // What is added to the product of both second taps is added to all values of the tile.
    if (bias != nullptr) sum[m][1] = hn::Set(d, bias[m]);
  }
  for (int c = 0; c < kIn; ++c, in += kTaps * kLanes, w += kTaps * kOut) {
    HWY_UNROLL(6)
    for (int r = 0; r < kTaps; ++r) {
      const V value = hn::LoadU(d, in + r * kLanes);
      HWY_UNROLL(4)
      for (int m = 0; m < kBlock; ++m) {
        sum[m][r] = hn::MulAdd(hn::Set(d, w[r * kOut + m]), value, sum[m][r]);
      }
    }
  }
  HWY_UNROLL(4)
  for (int m = 0; m < kBlock; ++m) {
    V rows[kTile];
    winograd_outputs(d, sum[m], rows);
    HWY_UNROLL(4)
    for (int y = 0; y < kTile; ++y) hn::StoreU(rows[y], d, out + (y * kOut + m) * kTaps * kLanes);
  }
}

// The products of a vector of tiles: out[row][map][tap along the row].
template <int kIn, int kOut, class DT>
HWY_NOINLINE void multiply_tiles(DT d, const float* in, const float* w, const float* bias, float* out) {
  for (int tap = 0; tap < kTaps; ++tap) {
    for (int map = 0; map < kOut; map += kBlock) {
      multiply<kIn, kOut>(d, in, w + map, tap == 1 ? bias + map : nullptr,
                          out + (map * kTaps + tap) * kLanes);
    }
    in += kIn * kTaps * kLanes;
    w += kIn * kTaps * kOut;
  }
}

// From the products of one row and map to four columns of it, with PReLU.
template <class DT>
HWY_INLINE void finish(DT d, const float* products, float slope, hn::Vec<DT> (&out)[kTile]) {
  hn::Vec<DT> taps[kTaps];
  for (int k = 0; k < kTaps; ++k) taps[k] = hn::LoadU(d, products + k * kLanes);
  winograd_outputs(d, taps, out);
  const auto s = hn::Set(d, slope);
  for (int x = 0; x < kTile; ++x) out[x] = prelu(d, out[x], s);
}

// Everything that depends on the level's width only, for one strip.
struct Strip {
  int left;            // First column of the map.
  int columns;         // Columns of the map in this strip.
  int tiles1;          // Tiles of layer one: of columns + 4.
  int tiles2;          // Tiles of layer two: of columns + 2.
  int tiles3;          // Tiles of the map.
  int valid_columns1;  // Columns of layer one whose pooling window is whole.
};

HWY_INLINE int tiles_of(int columns) { return (columns + kTile - 1) / kTile; }

// Row y of layer one, pooled, counted from the first row of this call; rows come in order.
HWY_INLINE void make_row1(const Job& job, const Strip& strip, const Rings& rings, int y) {
  const std::uint8_t* data = job.level.data + static_cast<std::size_t>(strip.left) * 6;
  // Each pooled row needs four rows of pixels and shares two with the row before; rows behind the end of an
  // odd map are read only for sums that are not used.
  for (int r = y == 0 ? 0 : 2 * y + 2; r < 2 * y + 4; ++r) {
    const int row = std::min(r + 2 * job.first_row, job.level.height - 1);
    split_pixels(data + static_cast<std::size_t>(row) * job.level.stride, strip.tiles1, rings.pixel_row(r));
  }
  const float* rows[4] = {rings.pixel_row(2 * y), rings.pixel_row(2 * y + 1), rings.pixel_row(2 * y + 2),
                          rings.pixel_row(2 * y + 3)};
  const bool second_row = 2 * (y + job.first_row) + 3 < job.level.height;
  for (int phase = 0; phase < kTile; ++phase) {
    over_tiles(strip.tiles1, [&](auto d, int tile) {
      transform_pixels(d, rows, tile, phase, rings.inputs);
      for (int map = 0; map < kMaps1; map += kBlock1) {
        conv1_block(d, rings.inputs, tile, phase, *job.weights, map, second_row, strip.valid_columns1,
                    rings.row1(y));
      }
    });
  }
}

// Rows y to y + 3 of layer two.
HWY_INLINE void make_rows2(const Job& job, const Strip& strip, const Rings& rings, int y) {
  const float* rows[kTaps];
  for (int r = 0; r < kTaps; ++r) rows[r] = rings.row1(y + r);
  const PNet::Weights& w = *job.weights;
  transform_inputs<kMaps1>(rows, strip.tiles1, strip.tiles2, rings.half, rings.inputs);
  over_tiles(strip.tiles2, [&](auto d, int tile) {
    multiply_tiles<kMaps1, kMaps2>(d, rings.inputs + static_cast<std::size_t>(tile) * kInputsOfTile,
                                   w.conv2.data(), w.bias2.data(), rings.products);
    const float* products = rings.products;
    for (int r = 0; r < kTile; ++r) {
      float* out = rings.row2(y + r) + tile;
      for (std::size_t map = 0; map < kMaps2; ++map, products += kTaps * kLanes, out += kMap) {
        hn::Vec<decltype(d)> columns[kTile];
        finish(d, products, w.slope2[map], columns);
        for (int x = 0; x < kTile; ++x) hn::StoreU(columns[x], d, out + x * kPlane);
      }
    }
  });
}

// The cell at column x of the strip from the plain sums of layer three, which begins at `rows`; appended
// where it passes. Winograd's logit only says where to look.
HWY_NOINLINE void add_cell(const Job& job, const Strip& strip, const float* const (&rows)[3], int x, int y) {
  const D d;
  using V = hn::Vec<D>;
  constexpr int kVectors = kMaps3 / kLanes;
  const PNet::Weights& weights = *job.weights;
  V sum[kVectors];
  for (int v = 0; v < kVectors; ++v) sum[v] = hn::LoadU(d, weights.bias3.data() + v * kLanes);
  const float* w = weights.plain3.data();
  for (int c = 0; c < kMaps2; ++c) {
    for (int ky = 0; ky < 3; ++ky) {
      for (int kx = 0; kx < 3; ++kx, w += kMaps3) {
        const int column = x + kx;
        const V value = hn::Set(d, rows[ky][c * kMap + column % kTile * kPlane + column / kTile]);
        for (int v = 0; v < kVectors; ++v) sum[v] = hn::MulAdd(value, hn::LoadU(d, w + v * kLanes), sum[v]);
      }
    }
  }
  for (int v = 0; v < kVectors; ++v) {
    sum[v] = prelu(d, sum[v], hn::LoadU(d, weights.slope3.data() + v * kLanes));
  }
  const auto head = [&](const float* head_weights) {
    V products = hn::Zero(d);
    for (int v = 0; v < kVectors; ++v) {
      products = hn::MulAdd(sum[v], hn::LoadU(d, head_weights + v * kLanes), products);
    }
    return hn::GetLane(hn::SumOfLanes(d, products));
  };
  const float probability = face_probability(head(weights.score.data()) + weights.score[kMaps3]);
  if (!(probability >= job.min_score)) return;
  Cell cell{.x = strip.left + x, .y = job.first_row + y, .score = probability};
  for (std::size_t k = 0; k < cell.shift.size(); ++k) {
    cell.shift[k] = head(weights.shift.data() + k * kMaps3) + weights.shift[4 * kMaps3 + k];
  }
  job.cells->push_back(cell);
}

// Cells among four columns of a vector of tiles in row y, from their logits.
template <class DT>
HWY_INLINE void add_cells(DT d, const Job& job, const Strip& strip, const Rings& rings,
                          const hn::Vec<DT> (&logits)[kTile], int tile, int y) {
  const auto least = hn::Set(d, job.min_logit);
  const auto best = hn::Max(hn::Max(logits[0], logits[1]), hn::Max(logits[2], logits[3]));
  if (hn::AllFalse(d, hn::Ge(best, least))) return;
  const float* rows[3] = {rings.row2(y), rings.row2(y + 1), rings.row2(y + 2)};
  HWY_ALIGN float values[kTile][kLanes];
  for (int x = 0; x < kTile; ++x) hn::Store(logits[x], d, values[x]);
  const int columns = std::min(static_cast<int>(hn::MaxLanes(d)) * kTile, strip.columns - tile * kTile);
  for (int x = 0; x < columns; ++x) {
    if (values[x % kTile][x / kTile] >= job.min_logit) {
      add_cell(job, strip, rows, tile * kTile + x, y);
    }
  }
}

// Rows y to y + 3 of layer three, and the cells found there.
HWY_INLINE void make_cells(const Job& job, const Strip& strip, const Rings& rings, int y) {
  const float* rows[kTaps];
  for (int r = 0; r < kTaps; ++r) rows[r] = rings.row2(y + r);
  const PNet::Weights& w = *job.weights;
  transform_inputs<kMaps2>(rows, strip.tiles2, strip.tiles3, rings.half, rings.inputs);
  over_tiles(strip.tiles3, [&](auto d, int tile) {
    multiply_tiles<kMaps2, kMaps3>(d, rings.inputs + static_cast<std::size_t>(tile) * kInputsOfTile,
                                   w.conv3.data(), w.bias3.data(), rings.products);
    const float* products = rings.products;
    for (int r = 0; r < std::min(kTile, job.last_row - job.first_row - y); ++r) {
      hn::Vec<decltype(d)> logits[kTile];
      for (int x = 0; x < kTile; ++x) logits[x] = hn::Set(d, w.score[kMaps3]);
      for (std::size_t map = 0; map < kMaps3; ++map, products += kTaps * kLanes) {
        hn::Vec<decltype(d)> columns[kTile];
        finish(d, products, w.slope3[map], columns);
        const auto score = hn::Set(d, w.score[map]);
        for (int x = 0; x < kTile; ++x) logits[x] = hn::MulAdd(score, columns[x], logits[x]);
      }
      add_cells(d, job, strip, rings, logits, tile, y + r);
    }
  });
}

void run_kernel(const Job& job) {
  const Rings rings(job.strips);
  const int map_width = PNet::map_size(job.level.width);
  for (int left = 0; left < map_width; left += kOutputColumns) {
    const int columns = std::min(kOutputColumns, map_width - left);
    const Strip strip{.left = left,
                      .columns = columns,
                      .tiles1 = tiles_of(columns + 4),
                      .tiles2 = tiles_of(columns + 2),
                      .tiles3 = tiles_of(columns),
                      .valid_columns1 = (job.level.width - 2) / 2 - left};
    // Rows are counted from the first one of this call. Two rows above it and some below the last one exist
    // only because four are made at once; they are zeros, so that the result depends on nothing else.
    const int rows = job.last_row - job.first_row;
    for (int y = -2; y < rows + kTile; y += y < 0 ? 2 : kTile) {
      const int end = y < 0 ? 0 : y + kTile;
      for (int r = y; r < end; ++r) {
        if (r < 0 || r >= rows + 4) {
          std::fill_n(rings.row1(r), kRow1, 0.0F);
        } else {
          make_row1(job, strip, rings, r);
        }
      }
      if (y < 0) continue;
      make_rows2(job, strip, rings, y - 2);
      if (y >= kTile) make_cells(job, strip, rings, y - kTile);
    }
  }
}

}  // namespace
}  // namespace likeness::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace likeness {
namespace {

HWY_EXPORT(run_kernel);

}  // namespace

void pnet_kernel::run(const Job& job) { HWY_DYNAMIC_DISPATCH(run_kernel)(job); }

}  // namespace likeness
#endif
