#pragma once

// Inside infer/ only: from a Graph to the steps that GraphEngine takes.

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "likeness/infer/byte_kernels.h"
#include "likeness/infer/graph.h"
#include "likeness/infer/graph_kernels.h"
#include "likeness/infer/graph_prepare.h"

namespace likeness {

/// Memory that one value, or several beside each other along the channels, lie in for a while.
struct PlanBuffer {
  std::size_t rows = 0;  ///< Room for so many.
  std::size_t height = 0, width = 0, channels = 0;
  std::size_t stride = 0;  ///< Elements from pixel to pixel.
  Element element = Element::kF32;
  bool all_rows = false;   ///< Somebody reads across rows as they lie.
  std::size_t first = 0;   ///< Task that first writes it.
  std::size_t last = 0;    ///< Task that last reads it.
  bool whole = false;      ///< Holds all pictures of a run at once; else one at a time.
  std::size_t offset = 0;  ///< Bytes from the start of the memory for whole ones (times the pictures) or for
                           ///< single ones.
  [[nodiscard]] std::size_t bytes() const;  ///< Of one picture, rounded up to 64.
  [[nodiscard]] std::size_t ring() const { return rows < height ? rows : 0; }
};

/// Where a value lies. The network's input and output are the caller's memory.
struct PlanPlace {
  enum class Kind { kBuffer, kInput, kOutput } kind = Kind::kBuffer;
  std::size_t buffer = 0;
  std::size_t channel = 0;  ///< First one; of kOutput: floats before it.
  ByteScale scale{};        ///< Of bytes.
};

struct PlanStep {
  enum class Kind {
    kConvolution,
    kWinograd,
    kPool,
    kDepthwise,
    kSum,
    kAffine,
    kOutput
  } kind = Kind::kConvolution;
  std::size_t layer = 0;  ///< Of the graph: the convolution, dense layer or pool.
  PlanPlace in, out;
  std::optional<PlanPlace> add{};
  bool relu = false;
  bool leaky = false;         ///< With a slope for each output.
  std::size_t slopes_of = 0;  ///< The layer that has them.
  bool average = false;       ///< kPool.
  bool sigmoid = false;       ///< kOutput.
  bool whole = false;         ///< Takes all pictures of a run at once; else, with its neighbours, one by one.
  bool streamed = false;      ///< Makes rows as soon as there is what they need; else all at once.
  std::vector<std::size_t> in_shape{}, out_shape{};  ///< height, width, channels
  std::size_t pad[2] = {};                           ///< Above, left.
  std::size_t window[2] = {1, 1}, strides[2] = {1, 1};
  std::size_t block[2] = {1, 1};                  ///< kSum, kConvolution: what a pixel of the input becomes.
  std::vector<std::size_t> after{}, add_after{};  ///< Steps that make what is read, and what is added.
  // kConvolution
  std::vector<PixelGroup> groups{};
  std::size_t inputs = 0;  ///< Of the window, or of each pixel of a block.
  // kWinograd: of kTiles the side that makes the fewest products.
  std::size_t tile = 0;
  // Bytes from the start of the packed weights.
  std::size_t weights = 0, weight_bytes = 0, bias = 0, slope = 0;
  std::size_t factors = 0;  ///< Of weights in bytes, whose `bias` are ByteConvolutionJob::starts: all
                            ///< `factor`, then all `below`.
  Element weight_element = Element::kF32;
  bool rounds = false;     ///< Computes in f32 what is kept in bytes.
  bool any_pairs = false;  ///< ByteConvolutionJob::any_pairs.
  [[nodiscard]] bool dithers() const { return out_shape[1] >= kLeastDithered; }

  /// Rows of the input (or of what is added) that lie before all that output row `y` and those after it need.
  [[nodiscard]] std::size_t first_row(std::size_t y) const;
  /// Rows of the output that `rows` of the input suffice for.
  [[nodiscard]] std::size_t rows_of(std::size_t rows) const;
};

/// Some rows of a step.
struct PlanTask {
  std::size_t step = 0;
  RowRange rows;
};

struct Plan {
  std::vector<PlanStep> steps;
  std::vector<PlanTask> tasks;
  std::vector<PlanBuffer> buffers;
  std::size_t single_bytes = 0;    ///< Memory for buffers that hold one picture.
  std::size_t whole_bytes = 0;     ///< Memory for the others, for each picture.
  std::size_t packed_bytes = 0;    ///< All packed weights.
  std::vector<std::size_t> input;  ///< height, width, channels
  std::vector<std::vector<std::size_t>> output_shapes;
  std::size_t outputs = 0;               ///< Numbers a picture.
  std::vector<std::size_t> byte_layers;  ///< Of a network in bytes: whose ranges it needs.
};

/// Plans a graph whose kernels need only shapes. Empty where it has something that the steps cannot do, such
/// as layers that nothing can be joined with. With `like`, a plan of the same graph for pictures of another
/// size, packed weights are those of `like`.
/// With Element::kByte convolutions of maps are computed in bytes, the first layer and what follows an
/// average in f32; without ranges the plan says only which layers need them.
/// @throws std::runtime_error as output_shape().
[[nodiscard]] std::optional<Plan> make_plan(const PreparedGraph& graph, Element element,
                                            const Plan* like = nullptr);

/// A convolution's pixels by the part of the window that lies inside the picture; `pixel`: elements from one
/// input pixel to the next.
void find_pixels(PlanStep& step, const GraphLayer& layer, std::size_t pixel);

/// In which order rows are made, and how many of each buffer are kept: with depthwise layers maps of one
/// picture go through the network by bands that stay near the core.
void make_tasks(Plan& plan);

/// Weights in the order and layout of the steps' kernels. `packed` has plan.packed_bytes zeros and starts at
/// a multiple of 64. Kernels are freed as they are packed.
/// @returns false where a layer in bytes could leave the numbers that its kernel rounds.
[[nodiscard]] bool pack_weights(const Plan& plan, PreparedGraph& prepared, std::span<std::byte> packed);

/// Bytes of a layer's packed weights where they are bytes, and how many starts and factors it has.
struct ByteRoom {
  std::size_t weights = 0, starts = 0, factors = 0;
};
[[nodiscard]] ByteRoom byte_room(const PlanStep& step);
/// What one layer's bytes are made of.
struct ByteLayer {
  const GraphLayer& layer;
  const std::vector<float>* slopes = nullptr;  ///< Null: none.
  const std::vector<float>* means = nullptr;   ///< Of the input's channels: what rounded weights shift is
                                               ///< taken from the bias. Null or empty: not known.
};
/// As pack_weights() for one layer.
[[nodiscard]] bool pack_bytes(const PlanStep& step, const ByteLayer& from, std::span<std::byte> packed);

}  // namespace likeness
