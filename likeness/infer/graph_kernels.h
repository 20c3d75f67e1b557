#pragma once

// Inside infer/ only: what GraphEngine's steps do with numbers, for every instruction set (Google Highway).

#include <cstddef>
#include <cstdint>
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

enum class Element { kF32, kBf16 };
constexpr std::size_t size_of(Element element) { return element == Element::kF32 ? 4 : 2; }

/// Several pictures' maps: height x width x channels, `pixel` elements from pixel to pixel (a slice of a
/// wider map has more than its channels), `picture` from picture to picture.
struct Maps {
  const void* data = nullptr;
  std::size_t pixel = 0;
  std::size_t picture = 0;
  Element element = Element::kF32;
};

/// One place of the kernel's window: how far its inputs are from the pixel's first, in elements, and which
/// part of the weights belongs to it.
struct KernelTap {
  std::ptrdiff_t offset = 0;
  std::size_t index = 0;
};

/// Output pixels over which the same places of the window lie inside the picture: products with padding are
/// not made at all.
struct PixelGroup {
  struct Pixel {
    std::ptrdiff_t in;  ///< Elements from the input's first to the window's first; negative over padding.
    std::size_t out;    ///< Which pixel of the output.
  };
  std::vector<KernelTap> taps;
  std::vector<Pixel> pixels;
};

/// A matrix product whose left side is gathered from maps.
struct ConvolutionJob {
  const std::vector<PixelGroup>* groups = nullptr;
  std::size_t run = 0;            ///< Neighbouring inputs of one tap.
  std::size_t taps = 0;           ///< Of the whole window.
  std::size_t outputs = 0;        ///< A multiple of kVector.
  const void* weights = nullptr;  ///< [outputs / kPanel][taps][run][kPanel]; bf16: pairs of inputs together.
  const float* bias = nullptr;    ///< As many as the panels have.
  bool relu = false;
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
  bool relu = false;
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
  Maps in, out;
  std::size_t pictures = 0;
};

void run_convolution(const ConvolutionJob& job);
void run_winograd(const WinogradJob& job);
void run_pool(const PoolJob& job);

/// Whether this CPU multiplies pairs of bf16 (AVX512-BF16) and the kernels for it are those in use.
[[nodiscard]] bool has_bf16_products();
/// Whether this CPU multiplies tiles of bf16, which is much quicker still.
[[nodiscard]] bool has_amx();
/// Whether the kernels in use are known to be quicker than OpenVINO's: those for AVX-512 (19.6 ms a face
/// to 26.8), AVX2 (26.5 to 32.3) and SSE4 (60 to 113). On ARM nobody has measured.
[[nodiscard]] bool has_quick_kernels();

/// The nearest bf16, ties to even.
[[nodiscard]] std::uint16_t to_bf16(float value);

}  // namespace likeness
