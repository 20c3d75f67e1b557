#pragma once

// Inside infer/ only: from a Graph to the steps that GraphEngine takes.

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "likeness/infer/graph.h"
#include "likeness/infer/graph_kernels.h"

namespace likeness {

/// Memory that one value, or several beside each other along the channels, lie in for a while.
struct PlanBuffer {
  std::size_t pixels = 0;
  std::size_t channels = 0;
  std::size_t stride = 0;  ///< Elements from pixel to pixel.
  Element element = Element::kF32;
  std::size_t first = 0;   ///< Step that first writes it.
  std::size_t last = 0;    ///< Step that last reads it.
  bool whole = false;      ///< Holds all pictures of a run at once; else one at a time.
  std::size_t offset = 0;  ///< Bytes from the start of the memory for whole ones (times the pictures) or for
                           ///< single ones.
  [[nodiscard]] std::size_t bytes() const;  ///< Of one picture, rounded up to 64.
};

/// Where a value lies. The network's input and output are the caller's memory.
struct PlanPlace {
  enum class Kind { kBuffer, kInput, kOutput } kind = Kind::kBuffer;
  std::size_t buffer = 0;
  std::size_t channel = 0;  ///< First one.
};

struct PlanStep {
  enum class Kind { kConvolution, kWinograd, kPool } kind = Kind::kConvolution;
  std::size_t layer = 0;  ///< Of the graph: the convolution, dense layer or pool.
  PlanPlace in, out;
  std::optional<PlanPlace> add{};
  bool relu = false;
  bool whole = false;  ///< Takes all pictures of a run at once; else, with its neighbours, one by one.
  std::vector<std::size_t> in_shape{}, out_shape{};  ///< height, width, channels
  std::size_t pad[2] = {};                           ///< Above, left.
  // kConvolution
  std::vector<PixelGroup> groups{};
  std::size_t run = 0, taps = 0;
  // kWinograd: of kTiles the side that makes the fewest products.
  std::size_t tile = 0;
  // kConvolution, kWinograd: bytes from the start of the packed weights.
  std::size_t weights = 0, weight_bytes = 0, bias = 0;
  Element weight_element = Element::kF32;
};

struct Plan {
  std::vector<PlanStep> steps;
  std::vector<PlanBuffer> buffers;
  std::size_t single_bytes = 0;    ///< Memory for buffers that hold one picture.
  std::size_t whole_bytes = 0;     ///< Memory for the others, for each picture.
  std::size_t packed_bytes = 0;    ///< All packed weights.
  std::vector<std::size_t> input;  ///< height, width, channels
  std::size_t outputs = 0;         ///< Numbers a picture.
};

/// Plans a graph (see fold()) whose kernels need only shapes. Empty where it has something that the steps
/// cannot do: channels that are no multiple of 16, layers that nothing can be joined with.
/// @throws std::runtime_error as output_shape().
[[nodiscard]] std::optional<Plan> make_plan(const Graph& graph, Element element);

/// Weights in the order and layout of the steps' kernels. `packed` has plan.packed_bytes zeros and starts at
/// a multiple of 64. Kernels are freed as they are packed.
void pack_weights(const Plan& plan, Graph& graph, std::span<std::byte> packed);

}  // namespace likeness
