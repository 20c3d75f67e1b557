#pragma once

// Inside infer/ only: a Graph as GraphEngine's steps want it.

#include <cstddef>
#include <vector>

#include "likeness/infer/graph.h"

namespace likeness {

/// One of a network's outputs: some of a layer's channels.
struct OutputSlice {
  std::size_t layer = 0;
  std::size_t first = 0;  ///< Channel.
  std::size_t channels = 0;
  bool sigmoid = false;  ///< Of each number, when it is given out.
};

/// What a layer's numbers lie between; 0 among them.
struct ValueRange {
  float low = 0;
  float high = 0;
};

struct PreparedGraph {
  Graph graph;
  std::vector<OutputSlice> outputs;         ///< As Graph::all_outputs().
  std::vector<ValueRange> ranges{};         ///< Of a network in bytes: of each layer.
  std::vector<std::vector<float>> means{};  ///< As ranges, of each channel; only until weights are packed.
};

/// The same function in fewer steps: normalisations become part of the layers beside them (see fold()),
/// outputs that are convolved from one value are convolved together, a picture's dense layer becomes a
/// convolution, and channels that are no whole vectors get some of zeros beside them. No outputs where that
/// does not fit together.
/// @throws std::runtime_error as output_shape().
[[nodiscard]] PreparedGraph prepare(Graph graph);

/// Whether each channel is convolved by itself.
[[nodiscard]] bool is_depthwise(const GraphLayer& layer);

}  // namespace likeness
