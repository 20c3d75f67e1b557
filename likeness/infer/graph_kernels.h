#pragma once

// Inside infer/ only: what GraphEngine's steps do with numbers, for every instruction set (Google Highway).

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace likeness {

/// Outputs that weights are packed by: a panel holds for each input kPanel neighbouring outputs, so that one
/// packing suits vectors of every length.
constexpr std::size_t kPanel = 32;
/// Channels are worked on in vectors of at most this many.
constexpr std::size_t kVector = 16;
/// Winograd's F(4x4, 3x3) and F(6x6, 3x3): 6 x 6 products make 4 x 4 outputs, 8 x 8 make 6 x 6.
constexpr std::size_t kTiles[] = {4, 6};
constexpr std::size_t tile_taps(std::size_t tile) { return (tile + 2) * (tile + 2); }
/// Tiles of one picture.
constexpr std::size_t tiles_over(std::size_t height, std::size_t width, std::size_t tile) {
  return ((height + tile - 1) / tile) * ((width + tile - 1) / tile);
}

enum class Element { kF32, kBf16, kByte };
constexpr std::size_t size_of(Element element) {
  return element == Element::kF32 ? 4 : element == Element::kBf16 ? 2 : 1;
}

/// Several pictures' maps: height x width x channels, `pixel` elements from pixel to pixel (a slice of a
/// wider map has more than its channels), `row` from row to row, `picture` from picture to picture.
struct Maps {
  const void* data = nullptr;
  std::size_t pixel = 0;
  std::size_t row = 0;
  std::size_t picture = 0;
  std::size_t ring = 0;  ///< Rows there is room for: row y lies where row y - ring lay.
  Element element = Element::kF32;
};

/// Which rows of the output to compute.
struct RowRange {
  std::size_t first = 0;
  std::size_t end = 0;
};

/// What happens to a finished sum.
struct Activation {
  bool relu = false;
  const float* slope = nullptr;  ///< For each output what it is multiplied by below 0; or nothing.
};

/// One place of the kernel's window: how far its inputs are from the pixel's first, in elements, and which
/// input of the weights it begins with.
struct KernelTap {
  std::ptrdiff_t offset = 0;
  std::size_t index = 0;
};

/// A rectangle of output pixels over which the same places of the window lie inside the picture: products
/// with padding are not made at all.
struct PixelGroup {
  std::vector<KernelTap> taps;
  std::size_t run = 0;  ///< Neighbouring inputs of one tap.
  std::size_t top = 0, bottom = 0, left = 0, right = 0;
};

/// A matrix product whose left side is gathered from maps.
struct ConvolutionJob {
  const std::vector<PixelGroup>* groups = nullptr;
  std::size_t strides[2] = {1, 1}, pad[2] = {};
  std::size_t inputs = 0;         ///< Of the whole window.
  std::size_t outputs = 0;        ///< A multiple of kVector.
  const void* weights = nullptr;  ///< [outputs / kPanel][inputs][kPanel]; bf16: pairs of inputs together.
  const float* bias = nullptr;    ///< As many as the panels have.
  Activation activation{};
  RowRange rows{};
  /// Output pixel (y, x) is written to (y, x) * spread + offset of `out`: a part of a transposed convolution.
  std::size_t spread[2] = {1, 1}, offset[2] = {};
  Maps in;
  Maps out;  ///< Written.
  Maps add;  ///< Added before ReLU; no data: nothing.
  std::size_t pictures = 0;
};

/// What of a layer Winograd's steps (transform inputs, multiply, finish outputs) work on at a time.
struct WinogradShare {
  std::size_t tile = 4;  ///< Side of a tile's outputs, of kTiles.
  std::size_t tiles = 0;
  std::size_t panels = 0;  ///< Panels of outputs.
  [[nodiscard]] std::size_t floats(std::size_t inputs) const;
};

/// The share that moves the fewest bytes past the second cache.
[[nodiscard]] WinogradShare winograd_share(std::size_t tile, std::size_t all_tiles, std::size_t inputs,
                                           std::size_t outputs);

/// A 3x3 convolution of stride 1 by Winograd's method. Sums are made in f32 whatever the maps and products
/// are.
struct WinogradJob {
  std::size_t in_height = 0, in_width = 0, inputs = 0;  ///< inputs: a multiple of kVector.
  std::size_t out_height = 0, out_width = 0, outputs = 0;
  std::size_t pad = 0;  ///< Zeros above and left: 0 or 1.
  const void* weights =
      nullptr;  ///< [outputs / kPanel][tap][inputs][kPanel]; bf16: pairs of inputs together.
  Element products = Element::kF32;  ///< What transformed inputs and weights are.
  const float* bias = nullptr;
  Activation activation{};
  Maps in, out;
  std::size_t pictures = 0;
  WinogradShare share;
  float* work = nullptr;  ///< share.floats(inputs): transformed inputs, then products.
};

/// Max pooling, or with `average` the mean of a window that covers the whole map.
struct PoolJob {
  std::size_t in_height = 0, in_width = 0, channels = 0;
  std::size_t out_height = 0, out_width = 0;
  std::size_t window[2] = {}, strides[2] = {}, pad[2] = {};
  bool average = false;
  RowRange rows{};
  Maps in, out;
  std::size_t pictures = 0;
};

/// Every channel convolved by itself.
struct DepthwiseJob {
  std::size_t in_height = 0, in_width = 0, channels = 0;  ///< channels: a multiple of kVector.
  std::size_t out_width = 0;
  std::size_t window[2] = {}, strides[2] = {}, pad[2] = {};
  const float* weights = nullptr;  ///< [window][channels]
  const float* bias = nullptr;
  Activation activation{};
  RowRange rows{};
  Maps in, out;
  std::size_t pictures = 0;
};

/// A sum of two maps, or one alone, of which the first may be enlarged: each pixel a block.
struct SumJob {
  std::size_t width = 0, channels = 0;  ///< Of the sum.
  std::size_t block[2] = {1, 1};        ///< Of the first.
  Activation activation{};
  RowRange rows{};
  Maps in, out;
  Maps add;  ///< No data: nothing.
  std::size_t pictures = 0;
};

/// in * factor + shift, channel by channel, of channels that need be no whole vectors; f32 only.
struct AffineJob {
  std::size_t width = 0, channels = 0;
  const float* factor = nullptr;
  const float* shift = nullptr;
  RowRange rows{};
  Maps in, out;
  std::size_t pictures = 0;
};

/// Some channels of a map as f32 without gaps.
struct OutputJob {
  std::size_t width = 0, channels = 0;
  bool sigmoid = false;
  RowRange rows{};
  Maps in, out;
  std::size_t pictures = 0;
};

void run_convolution(const ConvolutionJob& job);
void run_winograd(const WinogradJob& job);
void run_pool(const PoolJob& job);
void run_depthwise(const DepthwiseJob& job);
void run_sum(const SumJob& job);
void run_affine(const AffineJob& job);
void run_output(const OutputJob& job);

/// Whether this CPU multiplies pairs of bf16 (AVX512-BF16) and the kernels for it are those in use.
[[nodiscard]] bool has_bf16_products();
/// Whether this CPU multiplies tiles of bf16, which is much quicker still.
[[nodiscard]] bool has_amx();
/// Whether the kernels in use are known to be quicker than OpenVINO's: those for AVX-512 (19.6 ms a face
/// to 26.8), AVX2 (26.5 to 32.3) and SSE4 (60 to 113). On ARM nobody has measured.
[[nodiscard]] bool has_quick_kernels();

/// The nearest bf16, ties to even.
[[nodiscard]] std::uint16_t to_bf16(float value);
[[nodiscard]] inline float from_bf16(std::uint16_t value) {
  const std::uint32_t bits = static_cast<std::uint32_t>(value) << 16;
  float number = 0;
  std::memcpy(&number, &bits, sizeof(number));
  return number;
}

}  // namespace likeness
