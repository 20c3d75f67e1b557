#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <vector>

#include "likeness/core/aligned_vector.h"
#include "likeness/infer/onnx_constants.h"

namespace likeness {

/// A convolution or fully connected layer with optional PReLU, laid out for the kernel:
/// weights[(ky * kernel + kx) * in + i][outputs], outputs padded with zeros to a multiple of 16. With `tile`
/// a 3x3 kernel is transformed for Winograd's F(tile x tile, 3x3), whose tiles are made at once: weights[(tap
/// along the row * taps + tap along the column) * in + i][outputs] of `tile` + 2 taps.
struct RefineLayer {
  int kernel = 1;   ///< Rows and columns of the kernel; a fully connected layer has 1.
  int in = 0;       ///< Values of an input pixel.
  int out = 0;      ///< Values of an output pixel.
  int padded = 0;   ///< `out` rounded up to 16.
  int size_in = 1;  ///< Rows and columns of the input.
  int pool = 0;     ///< Side of the max pooling behind the layer, stride 2; 0: none.
  int pooled = 0;   ///< Rows and columns behind the pooling.
  int tile = 0;     ///< Side of Winograd's tiles; 0: plain sums.
  AlignedVector<float> weights{};
  std::vector<float> bias{};   ///< `padded` values.
  std::vector<float> slope{};  ///< `padded` values of PReLU; empty: none.

  [[nodiscard]] int size_out() const { return size_in - kernel + 1; }  ///< Before pooling.
  /// Tiles side by side that cover the output before pooling.
  [[nodiscard]] int tiles() const { return (size_out() + tile - 1) / tile; }
  /// Floats of the output of one patch before pooling.
  [[nodiscard]] std::size_t unpooled_floats() const {
    return static_cast<std::size_t>(size_out() * size_out()) * static_cast<std::size_t>(padded);
  }
  /// Patches that go through a layer of tiles together.
  [[nodiscard]] std::size_t patches_together() const;
  /// Floats of the layer's output for one patch, with room for a vector more.
  [[nodiscard]] std::size_t map_floats() const {
    const int size = pool != 0 ? pooled : size_out();
    return static_cast<std::size_t>(size * size) * static_cast<std::size_t>(pool != 0 ? out : padded) + 16;
  }
};

/// Room that a network keeps between calls, so that it does not allocate. One per thread.
struct RefineScratch {
  AlignedVector<float> maps[2];
  AlignedVector<float> rows;  // Unpooled rows.
  AlignedVector<float>
      half;  // A row of tiles, transformed along its columns; and along its rows; its products.
  AlignedVector<float> inputs;
  AlignedVector<float> products;
};

/// MTCNN's second or third network over any number of patches at once, by kernels of its own. The patches
/// need not be transposed: the weights are. Const methods may be called by several threads.
class RefineNet {
 public:
  /// The network of 24x24 patches, or that of 48x48, from the constants of rnet.onnx or onet.onnx.
  /// @throws Error kModelInvalid where a constant is missing or has another shape.
  static RefineNet rnet(const OnnxConstants& constants);
  static RefineNet onet(const OnnxConstants& constants);

  /// Values of one result: [0] probability of a face, [1..4] regression of x1, y1, x2, y2; the 48x48 network
  /// also [5..9] x and [10..14] y of the landmarks, in widths and heights of the box.
  static constexpr std::size_t kResult = 16;

  [[nodiscard]] int side() const { return layers_.front().size_in; }
  /// Floats from one patch to the next: side * side * 3 and room for a vector more.
  [[nodiscard]] std::size_t patch_floats() const {
    return static_cast<std::size_t>(side()) * static_cast<std::size_t>(side()) * 3 + 16;
  }

  /// Multiply-adds of the network's plain sums for one patch; Winograd's way needs fewer.
  [[nodiscard]] double products() const;

  /// `patches`: `count` patches, rows of RGB, standardised, patch_floats() apart. `results`: count * kResult.
  void run(const float* patches, std::size_t count, float* results, RefineScratch& scratch) const;

 private:
  std::vector<RefineLayer> layers_;  // Convolutions, the hidden fully connected layer, all heads as one.
};

}  // namespace likeness
