#pragma once

// Inside infer/ only: what GraphEngine's steps do with bytes, for every instruction set (Google Highway). A
// map's byte b stands for step * (b - zero). Products and their sums are whole numbers, and what follows them
// are single roundings of f32 that no compiler joins, so that results are the same bytes on every instruction
// set.

#include <cstddef>
#include <cstdint>

#include "likeness/infer/graph_kernels.h"

namespace likeness {

/// What a map's bytes stand for: step * (byte - zero).
struct ByteScale {
  float step = 1;
  std::uint8_t zero = 0;
  bool operator==(const ByteScale&) const = default;
};

/// Inputs of which each vector of products adds up as many.
constexpr std::size_t kQuad = 4;
/// Channels of a depthwise layer that are packed together.
constexpr std::size_t kByteBlock = 64;
/// Two neighbouring weights of an output that have one sign sum up to at most this: then both products with
/// bytes fit 16 bits, which is all that CPUs without VNNI have room for.
constexpr int kMostPair = 128;
/// Maps at least so wide are dithered: a pixel's place decides where between two bytes rounding turns, by
/// dither(). Over a region of one colour (a crop beyond the photo's edge) every pixel would else be rounded
/// the same way, and what is lost would add up in the layers after it: of 118 faces the worst cosine of SFace
/// to f32 was .970 so, .993 with dither.
constexpr std::size_t kLeastDithered = 28;
/// In steps, of the pixel (y, x); its mean over 2 x 2 pixels is 0.
[[nodiscard]] constexpr float dither(std::size_t y, std::size_t x) {
  constexpr float kPlaces[2][2] = {{-0.375F, 0.125F}, {0.375F, -0.125F}};
  return kPlaces[y & 1][x & 1];
}

/// Finished numbers stay below this, so that adding 1.5 * 2^23 rounds them.
constexpr double kMostRounded = 1 << 21;

/// A convolution of bytes. Sums begin at `starts`, and are multiplied by `factor`, or by `below` where they
/// are negative. With a summand they are multiplied by `factor`, the summand by `add_factor`, and their sum
/// by `below` where it is negative.
struct ByteConvolutionJob {
  /// `weights`: signed bytes [outputs / kPanel][inputs / kQuad][kPanel][kQuad]; no bias and no activation.
  ConvolutionJob maps;
  const std::int32_t* starts = nullptr;  ///< [group][whole panels of outputs]
  const float* factor = nullptr;         ///< Of each output; as many as the panels have.
  const float* below = nullptr;
  bool any_pairs = false;  ///< Weights keep to no kMostPair; without VNNI that is slower.
  bool dithers = false;
  float add_factor = 1;  ///< What a step of the summand is, in steps of the output.
  std::uint8_t add_zero = 0, out_zero = 0;
};

/// Every channel of bytes convolved by itself; outside of the picture are bytes `in_zero`.
struct ByteDepthwiseJob {
  /// Of 3 x 3 and strides of 1 or 2, `weights` are signed bytes [channels / kByteBlock][2][3][kByteBlock][4],
  /// channels in byte_order(): four neighbouring places of a row, of which the kernel's row is the first
  /// three, then of which it is the last three. Of other windows [window][channels]. No bias and no
  /// activation.
  DepthwiseJob maps;
  const std::int8_t* weights = nullptr;
  const std::int32_t* starts = nullptr;  ///< In the weights' order, as are:
  const float* factor = nullptr;
  const float* below = nullptr;
  bool dithers = false;
  std::uint8_t in_zero = 0, out_zero = 0;
};

/// Whether a window has the kernel that takes the packed order.
[[nodiscard]] constexpr bool is_packed_depthwise(const std::size_t (&window)[2],
                                                 const std::size_t (&strides)[2]) {
  return window[0] == 3 && window[1] == 3 && strides[0] == strides[1] && strides[0] <= 2;
}

/// Where channel `c` stands among its kByteBlock: fours of neighbours, as interleaving bytes leaves them.
[[nodiscard]] constexpr std::size_t byte_order(std::size_t c) {
  return c / kByteBlock * kByteBlock + c % 16 / 4 * 16 + c % kByteBlock / 16 * 4 + c % 4;
}

/// Pools of bytes. With `average` the output is f32.
struct BytePoolJob {
  PoolJob maps;
  ByteScale in, out;
};

/// A sum of two maps of bytes, or one alone.
struct ByteSumJob {
  SumJob maps;
  ByteScale in, add, out;
};

/// Rows of f32 as bytes.
struct ByteRoundJob {
  std::size_t width = 0, channels = 0;
  RowRange rows{};
  Maps in, out;
  ByteScale scale;
  bool dithers = false;
  std::size_t pictures = 0;
};

void run_byte_convolution(const ByteConvolutionJob& job);
void run_byte_depthwise(const ByteDepthwiseJob& job);
void run_byte_pool(const BytePoolJob& job);
void run_byte_sum(const ByteSumJob& job);
void run_byte_round(const ByteRoundJob& job);

/// Whether this CPU sums four products of bytes at once (AVX512-VNNI with the kernels for AVX-512, AVX-VNNI
/// with those for AVX2).
[[nodiscard]] bool has_byte_products();

/// For tests and measurements: leaves has_byte_products() unused while there is one. Not to be made or ended
/// while anything is computed.
class WithoutByteProducts {
 public:
  WithoutByteProducts();
  ~WithoutByteProducts();
  WithoutByteProducts(const WithoutByteProducts&) = delete;
  WithoutByteProducts& operator=(const WithoutByteProducts&) = delete;
};

}  // namespace likeness
