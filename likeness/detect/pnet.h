#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "likeness/core/aligned_vector.h"
#include "likeness/infer/onnx_constants.h"

namespace likeness {

/// One scale of the pyramid: RGB, 8 bits. At least PNet::kPadding bytes behind the last pixel of every row
/// can be read; what they hold does not matter.
struct Level {
  const std::uint8_t* data = nullptr;
  int width = 0;
  int height = 0;
  std::size_t stride = 0;
};

/// A place on P-Net's map that may hold a face: column x and row y, in steps of 2 pixels of the level.
struct Cell {
  int x = 0;
  int y = 0;
  float score = 0;               ///< Probability of a face.
  std::array<float, 4> shift{};  ///< Regression of left, top, right, bottom.
};

/// Where the kernel keeps its strips. One per thread.
struct PNetScratch {
  AlignedVector<float> strips;
};

/// MTCNN's proposal network as one fused kernel: convolution, PReLU, pooling, two more convolutions and both
/// heads strip by strip in cache, from 8-bit pixels to cells, without whole maps in between. The photo need
/// not be transposed: the weights are. Const methods may be called by several threads.
class PNet {
 public:
  static constexpr int kCell = 12;               ///< Pixels of a cell's side.
  static constexpr std::size_t kPadding = 1024;  ///< Readable bytes behind every row of a level.

  /// @throws Error kModelInvalid where a constant is missing or has another shape.
  explicit PNet(const OnnxConstants& constants);

  /// Columns or rows of the map for `pixels` pixels of a level: 0 below 12.
  [[nodiscard]] static int map_size(int pixels) { return pixels < kCell ? 0 : (pixels - 1) / 2 - 4; }

  /// Multiply-adds of the network's plain sums over a level; Winograd's way needs fewer.
  [[nodiscard]] static double products(int width, int height);

  /// Appends the cells of map rows [first_row, last_row) with a score of at least `min_score` to `cells`, in
  /// no particular order.
  void run(const Level& level, int first_row, int last_row, float min_score, PNetScratch& scratch,
           std::vector<Cell>& cells) const;

  /// Weights as the kernel wants them: `plain3` [input channel][row][column][output channel]; those
  /// transformed for Winograd [tap along the row][input channel][tap along the column][output channel], 4
  /// taps each in `conv1`, 6 in `conv2` and `conv3`.
  struct Weights {
    std::vector<float> conv1, bias1, slope1;
    std::vector<float> conv2, bias2, slope2;
    std::vector<float> conv3, plain3, bias3, slope3;
    std::vector<float> score;  ///< 32 weights of logit(face) - logit(no face), then the bias.
    std::vector<float> shift;  ///< 4 x 32 weights, then 4 biases.
  };

 private:
  Weights weights_;
};

}  // namespace likeness
