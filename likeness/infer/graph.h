#pragma once

#include <array>
#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "likeness/infer/network.h"

namespace likeness {

enum class LayerKind {
  kInput,
  kConvolution,
  kAffine,  ///< x * factor + shift, channel by channel: batch normalisation after training.
  kScale,   ///< x * scale, one number.
  kRelu,
  kMaxPool,
  kConcatenate,  ///< Along the channels.
  kAdd,
  kGlobalAverage,  ///< height x width x channels to channels.
  kDense,
  kPad,            ///< Zeros around a picture.
  kLeaky,          ///< What is below 0 times a slope.
  kAtMost,         ///< min(x, most).
  kFlatten,        ///< A picture to one row, row by row, channels side by side.
  kGlobalMax,      ///< height x width x channels to channels.
  kUnitLength,     ///< A row over its length, or over 1e-6 where that is more.
  kUpsample,       ///< Every pixel of a picture becomes a block of `strides` equal ones (nearest neighbour).
  kDeconvolution,  ///< A transposed convolution whose window is its stride: every pixel becomes a block.
  kSigmoid,
};

/// One step of a Graph. Pictures are height x width x channels. Fields that a kind does not name stay as they
/// are.
struct GraphLayer {
  LayerKind kind = LayerKind::kInput;
  std::string name;
  std::vector<std::size_t> inputs{};          ///< Earlier layers, by their place in Graph::layers.
  std::vector<std::size_t> shape{};           ///< kInput: height, width, channels.
  std::array<std::size_t, 2> window{};        ///< kMaxPool: height, width.
  std::array<std::size_t, 2> strides{1, 1};   ///< Windows', or a block's size: down, right.
  std::array<std::size_t, 2> dilation{1, 1};  ///< kConvolution.
  std::size_t groups = 1;  ///< kConvolution: parts of the channels that are convolved by themselves.
  bool same = false;       ///< kConvolution, kMaxPool: padded as TensorFlow's SAME; else not at all.
  Tensor kernel{};  ///< kConvolution, kDeconvolution: height, width, in / groups, out. kDense: in, out.
  std::vector<float> bias{};             ///< Beside a kernel: one for each output, or none.
  std::vector<float> factor{};           ///< kAffine: one for each channel.
  std::vector<float> shift{};            ///< kAffine: one for each channel.
  float scale = 1;                       ///< kScale.
  std::array<std::size_t, 4> borders{};  ///< kPad: top, bottom, left, right.
  std::vector<float> slope{};            ///< kLeaky: one for each channel, or for each number of the picture.
  float most = 0;                        ///< kAtMost.
};

/// A feed-forward network in plain numbers, for importers of foreign formats. Layers stand after their
/// inputs; the output is one row of numbers a picture, or, of a detector, several rows or pictures.
struct Graph {
  std::vector<GraphLayer> layers;
  std::size_t output = 0;
  std::vector<std::size_t> outputs{};  ///< Of a network with several; then `output` says nothing.

  [[nodiscard]] std::vector<std::size_t> all_outputs() const {
    return outputs.empty() ? std::vector<std::size_t>{output} : outputs;
  }
};

/// What layer `i` gives for one picture: height, width, channels, or just channels; `before` holds the same
/// of the layers before it. @throws std::runtime_error saying what does not fit.
[[nodiscard]] std::vector<std::size_t> output_shape(const Graph& graph, std::size_t i,
                                                    const std::vector<std::vector<std::size_t>>& before);

/// Multiplies kAffine and kScale layers into the convolution or dense layer before them where nobody else
/// reads that one. Same function, fewer steps; sums are made in double.
void fold(Graph& graph);

/// Writes the graph as OpenVINO IR: `xml` and, beside it, the weights as .bin. Input batch x height x width x
/// channels. @throws Error kModelInvalid, kOutputUnwritable.
void write_network(const Graph& graph, const std::filesystem::path& xml);

}  // namespace likeness
