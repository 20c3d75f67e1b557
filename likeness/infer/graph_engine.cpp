#include "likeness/infer/graph_engine.h"

#include <hwy/targets.h>

#include <algorithm>
#include <cstdint>
#include <mutex>
#include <stdexcept>
#include <utility>

#include "likeness/infer/byte_ranges.h"
#include "likeness/infer/graph_file.h"
#include "likeness/infer/graph_kernels.h"
#include "likeness/infer/graph_memory.h"
#include "likeness/infer/graph_plan.h"

namespace likeness {
namespace {

/// Pictures of one pass through the network: more would take more memory and save little.
constexpr std::size_t kTogether = 16;

Element element_of(Precision precision) {
  if (precision == Precision::kInt8) return Element::kByte;
  return precision == Precision::kBf16 ? Element::kBf16 : Element::kF32;
}

std::size_t tiles_of(const PlanStep& step, std::size_t pictures) {
  return pictures * tiles_over(step.out_shape[0], step.out_shape[1], step.tile);
}

bool computes(Precision precision) { return precision != Precision::kBf16 || has_bf16_products(); }

/// Rows of a step that are made in f32 before they are rounded: a few, that stay near the core.
std::size_t rows_to_round(const PlanStep& step) {
  constexpr std::size_t kStaying = 24U << 10;
  const std::size_t row = step.out_shape[1] * step.out_shape[2] * sizeof(float);
  return std::clamp<std::size_t>(kStaying / row, 1, step.out_shape[0]);
}

/// Groups of several channels are OpenVINO's.
bool is_ours(const Graph& graph) {
  return std::ranges::all_of(
      graph.layers, [](const GraphLayer& layer) { return layer.groups == 1 || is_depthwise(layer); });
}

/// Memory for calls, shared by the engines of one network for pictures of all sizes.
class ScratchPool {
 public:
  GraphMemory take(std::size_t bytes) {
    {
      const std::lock_guard lock(mutex_);
      for (GraphMemory& memory : idle_) {
        if (memory.bytes().size() < bytes) continue;
        std::swap(memory, idle_.back());
        GraphMemory taken = std::move(idle_.back());
        idle_.pop_back();
        return taken;
      }
      if (!idle_.empty()) idle_.pop_back();  // too small; the larger one takes its place
    }
    return GraphMemory(bytes);
  }
  void give_back(GraphMemory memory) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(memory));
  }

 private:
  std::mutex mutex_;
  std::vector<GraphMemory> idle_;
};

}  // namespace

struct GraphEngine::Parts {
  Plan plan;
  PreparedGraph graph;  ///< Without weights.
  Precision precision = Precision::kF32;
  std::shared_ptr<const GraphMemory> weights;
  std::size_t first_weight = 0;  ///< Bytes from the start of `weights`.
  std::shared_ptr<ScratchPool> scratch = std::make_shared<ScratchPool>();

  [[nodiscard]] std::size_t pictures_of(std::size_t step, std::size_t pictures) const {
    return plan.steps[step].whole ? pictures : 1;
  }
  [[nodiscard]] std::size_t work_bytes(std::size_t pictures) const;
  [[nodiscard]] std::size_t scratch_bytes(std::size_t pictures) const;
  /// `pictures` at `in`, results at `out`; `memory` has scratch_bytes() for as many.
  struct Pass {
    const float* in = nullptr;
    std::size_t pictures = 0;
    float* out = nullptr;
    std::byte* memory = nullptr;
  };
  void run(const Pass& pass) const;
  /// What a step works on: `count` pictures from `picture` on, and some of its rows.
  struct Work {
    const Pass& pass;
    const PlanStep& step;
    RowRange rows;
    std::size_t picture = 0, count = 0;
    Maps in{}, out{}, add{};
    Activation activation{};
  };
  void run_task(const Pass& pass, const PlanTask& task, std::size_t picture, std::size_t count) const;
  void run_convolutions(const Work& work) const;
  void run_winograd_step(const Work& work) const;
  void run_map_step(const Work& work) const;
  void run_rounded(const Work& work) const;
  void run_byte_step(const Work& work) const;
  [[nodiscard]] ConvolutionJob convolution(const Work& work) const;
  [[nodiscard]] PoolJob pool(const Work& work) const;
  [[nodiscard]] DepthwiseJob depthwise(const Work& work) const;
  [[nodiscard]] SumJob sum(const Work& work) const;
  [[nodiscard]] std::byte* work_memory(const Pass& pass) const {
    return pass.memory + plan.whole_bytes * pass.pictures + plan.single_bytes;
  }
  [[nodiscard]] const std::byte* packed() const { return weights->bytes().data() + first_weight; }
  [[nodiscard]] const float* packed_floats(std::size_t place) const {
    return reinterpret_cast<const float*>(packed() + place);
  }
  [[nodiscard]] Maps maps(const Pass& pass, const PlanPlace& place, const std::vector<std::size_t>& shape,
                          std::size_t picture) const;
};

std::size_t GraphEngine::Parts::work_bytes(std::size_t pictures) const {
  std::size_t most = 0;
  for (std::size_t s = 0; s < plan.steps.size(); ++s) {
    const PlanStep& step = plan.steps[s];
    if (step.rounds) {
      most = std::max(most, pictures_of(s, pictures) * rows_to_round(step) * step.out_shape[1] *
                                step.out_shape[2] * sizeof(float));
    }
    if (step.kind != PlanStep::Kind::kWinograd) continue;
    const std::size_t inputs = step.in_shape[2];
    const auto share =
        winograd_share(step.tile, tiles_of(step, pictures_of(s, pictures)), inputs, step.out_shape[2]);
    most = std::max(most, sizeof(float) * share.floats(inputs));
  }
  return most;
}

std::size_t GraphEngine::Parts::scratch_bytes(std::size_t pictures) const {
  std::size_t work = 0;
  for (std::size_t n = 1; n <= pictures; ++n) work = std::max(work, work_bytes(n));
  return plan.single_bytes + plan.whole_bytes * pictures + work;
}

Maps GraphEngine::Parts::maps(const Pass& pass, const PlanPlace& place, const std::vector<std::size_t>& shape,
                              std::size_t picture) const {
  if (place.kind != PlanPlace::Kind::kBuffer) {
    const bool input = place.kind == PlanPlace::Kind::kInput;
    const std::size_t floats = input ? plan.input[0] * plan.input[1] * plan.input[2] : plan.outputs;
    return {.data = (input ? pass.in : pass.out) + picture * floats + place.channel,
            .pixel = shape[2],
            .row = shape[1] * shape[2],
            .picture = floats};
  }
  const PlanBuffer& buffer = plan.buffers[place.buffer];
  const std::byte* data = buffer.whole
                              ? pass.memory + buffer.offset * pass.pictures + buffer.bytes() * picture
                              : pass.memory + plan.whole_bytes * pass.pictures + buffer.offset;
  return {.data = data + place.channel * size_of(buffer.element),
          .pixel = buffer.stride,
          .row = buffer.width * buffer.stride,
          .picture = buffer.bytes() / size_of(buffer.element),
          .ring = buffer.ring(),
          .element = buffer.element};
}

ConvolutionJob GraphEngine::Parts::convolution(const Work& work) const {
  const PlanStep& step = work.step;
  return {.groups = &step.groups,
          .strides = {step.strides[0], step.strides[1]},
          .pad = {step.pad[0], step.pad[1]},
          .inputs = step.inputs,
          .outputs = step.out_shape[2],
          .weights = packed() + step.weights,
          .bias = packed_floats(step.bias),
          .activation = work.activation,
          .rows = {work.rows.first / step.block[0], work.rows.end / step.block[0]},
          .spread = {step.block[0], step.block[1]},
          .in = work.in,
          .out = work.out,
          .add = work.add,
          .pictures = work.count};
}

PoolJob GraphEngine::Parts::pool(const Work& work) const {
  const PlanStep& step = work.step;
  return {.in_height = step.in_shape[0],
          .in_width = step.in_shape[1],
          .channels = step.in_shape[2],
          .out_height = step.out_shape[0],
          .out_width = step.out_shape[1],
          .window = {step.window[0], step.window[1]},
          .strides = {step.strides[0], step.strides[1]},
          .pad = {step.pad[0], step.pad[1]},
          .average = step.average,
          .rows = work.rows,
          .in = work.in,
          .out = work.out,
          .pictures = work.count};
}

DepthwiseJob GraphEngine::Parts::depthwise(const Work& work) const {
  const PlanStep& step = work.step;
  return {.in_height = step.in_shape[0],
          .in_width = step.in_shape[1],
          .channels = step.out_shape[2],
          .out_width = step.out_shape[1],
          .window = {step.window[0], step.window[1]},
          .strides = {step.strides[0], step.strides[1]},
          .pad = {step.pad[0], step.pad[1]},
          .weights = packed_floats(step.weights),
          .bias = packed_floats(step.bias),
          .activation = work.activation,
          .rows = work.rows,
          .in = work.in,
          .out = work.out,
          .pictures = work.count};
}

SumJob GraphEngine::Parts::sum(const Work& work) const {
  const PlanStep& step = work.step;
  return {.width = step.out_shape[1],
          .channels = step.out_shape[2],
          .block = {step.block[0], step.block[1]},
          .activation = work.activation,
          .rows = work.rows,
          .in = work.in,
          .out = work.out,
          .add = work.add,
          .pictures = work.count};
}

void GraphEngine::Parts::run_convolutions(const Work& work) const {
  const PlanStep& step = work.step;
  ConvolutionJob job = convolution(work);
  const std::size_t parts = step.block[0] * step.block[1];
  for (std::size_t part = 0; part < parts; ++part) {
    job.offset[0] = part / step.block[1];
    job.offset[1] = part % step.block[1];
    job.weights = packed() + step.weights + part * step.weight_bytes / parts;
    run_convolution(job);
  }
}

void GraphEngine::Parts::run_winograd_step(const Work& work) const {
  const PlanStep& step = work.step;
  run_winograd(
      {.in_height = step.in_shape[0],
       .in_width = step.in_shape[1],
       .inputs = step.in_shape[2],
       .out_height = step.out_shape[0],
       .out_width = step.out_shape[1],
       .outputs = step.out_shape[2],
       .pad = step.pad[0],
       .weights = packed() + step.weights,
       .products = step.weight_element,
       .bias = packed_floats(step.bias),
       .activation = work.activation,
       .in = work.in,
       .out = work.out,
       .pictures = work.count,
       .share = winograd_share(step.tile, tiles_of(step, work.count), step.in_shape[2], step.out_shape[2]),
       .work = reinterpret_cast<float*>(work_memory(work.pass))});
}

/// Steps that are no matrix products.
void GraphEngine::Parts::run_map_step(const Work& work) const {
  const PlanStep& step = work.step;
  switch (step.kind) {
    case PlanStep::Kind::kPool:
      return run_pool(pool(work));
    case PlanStep::Kind::kDepthwise:
      return run_depthwise(depthwise(work));
    case PlanStep::Kind::kSum:
      return run_sum(sum(work));
    case PlanStep::Kind::kAffine:
      return run_affine({.width = step.out_shape[1],
                         .channels = step.out_shape[2],
                         .factor = packed_floats(step.weights),
                         .shift = packed_floats(step.bias),
                         .rows = work.rows,
                         .in = work.in,
                         .out = work.out,
                         .pictures = work.count});
    default:
      return run_output({.width = step.out_shape[1],
                         .channels = step.out_shape[2],
                         .sigmoid = step.sigmoid,
                         .rows = work.rows,
                         .in = work.in,
                         .out = work.out,
                         .pictures = work.count});
  }
}

/// Rows are made in f32, a few at a time, and rounded.
void GraphEngine::Parts::run_rounded(const Work& work) const {
  const PlanStep& step = work.step;
  const std::size_t together = rows_to_round(step), row = step.out_shape[1] * step.out_shape[2];
  Work part = work;
  part.out = {.data = work_memory(work.pass),
              .pixel = step.out_shape[2],
              .row = row,
              .picture = together * row,
              .ring = together};
  for (std::size_t y = work.rows.first; y < work.rows.end; y += together) {
    part.rows = {y, std::min(work.rows.end, y + together)};
    run_convolutions(part);
    run_byte_round({.width = step.out_shape[1],
                    .channels = step.out_shape[2],
                    .rows = part.rows,
                    .in = part.out,
                    .out = work.out,
                    .scale = step.out.scale,
                    .dithers = step.dithers(),
                    .pictures = work.count});
  }
}

void GraphEngine::Parts::run_byte_step(const Work& work) const {
  const PlanStep& step = work.step;
  const ByteScale add = step.add ? step.add->scale : ByteScale{};
  const auto* starts = reinterpret_cast<const std::int32_t*>(packed() + step.bias);
  const float* factor = packed_floats(step.factors);
  switch (step.kind) {
    case PlanStep::Kind::kPool:
      return run_byte_pool({.maps = pool(work), .in = step.in.scale, .out = step.out.scale});
    case PlanStep::Kind::kSum:
      return run_byte_sum({.maps = sum(work), .in = step.in.scale, .add = add, .out = step.out.scale});
    case PlanStep::Kind::kDepthwise:
      return run_byte_depthwise({.maps = depthwise(work),
                                 .weights = reinterpret_cast<const std::int8_t*>(packed() + step.weights),
                                 .starts = starts,
                                 .factor = factor,
                                 .below = factor + byte_room(step).factors,
                                 .dithers = step.dithers(),
                                 .in_zero = step.in.scale.zero,
                                 .out_zero = step.out.scale.zero});
    default:
      return run_byte_convolution({.maps = convolution(work),
                                   .starts = starts,
                                   .factor = factor,
                                   .below = factor + byte_room(step).factors,
                                   .any_pairs = step.any_pairs,
                                   .dithers = step.dithers(),
                                   .add_factor = add.step / step.out.scale.step,
                                   .add_zero = add.zero,
                                   .out_zero = step.out.scale.zero});
  }
}

void GraphEngine::Parts::run_task(const Pass& pass, const PlanTask& task, std::size_t picture,
                                  std::size_t count) const {
  const PlanStep& step = plan.steps[task.step];
  Work work{.pass = pass, .step = step, .rows = task.rows, .picture = picture, .count = count};
  work.in = maps(pass, step.in, step.in_shape, picture);
  work.out = maps(pass, step.out, step.out_shape, picture);
  if (step.add) work.add = maps(pass, *step.add, step.out_shape, picture);
  work.activation.relu = step.relu;
  if (step.leaky) work.activation.slope = packed_floats(step.slope);
  if (work.in.element == Element::kByte) return run_byte_step(work);
  if (step.rounds) return run_rounded(work);
  if (step.kind == PlanStep::Kind::kConvolution) return run_convolutions(work);
  if (step.kind == PlanStep::Kind::kWinograd) return run_winograd_step(work);
  run_map_step(work);
}

void GraphEngine::Parts::run(const Pass& pass) const {
  const auto whole = [&](const PlanTask& task) { return plan.steps[task.step].whole; };
  const auto first_whole = std::find_if(plan.tasks.begin(), plan.tasks.end(), whole);
  for (std::size_t picture = 0; picture < pass.pictures; ++picture) {
    for (auto task = plan.tasks.begin(); task != first_whole; ++task) run_task(pass, *task, picture, 1);
  }
  for (auto task = first_whole; task != plan.tasks.end(); ++task) run_task(pass, *task, 0, pass.pictures);
}

GraphEngine::GraphEngine(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
void GraphEngine::to_large_pages() const noexcept { parts_->weights->to_large_pages(); }

GraphEngine::~GraphEngine() = default;
GraphEngine::GraphEngine(GraphEngine&&) noexcept = default;
GraphEngine& GraphEngine::operator=(GraphEngine&&) noexcept = default;

Precision GraphEngine::precision() const { return parts_->precision; }
const std::vector<std::size_t>& GraphEngine::input() const { return parts_->plan.input; }
std::size_t GraphEngine::outputs() const { return parts_->plan.outputs; }
const std::vector<std::vector<std::size_t>>& GraphEngine::output_shapes() const {
  return parts_->plan.output_shapes;
}

std::string GraphEngine::identity() {
  return "own kernels " + std::to_string(hwy::SupportedTargets()) + (has_bf16_products() ? " bf16" : "");
}

bool GraphEngine::pays_off(Precision precision) {
  if (precision == Precision::kBf16) return has_bf16_products() && !has_amx();
  return precision == Precision::kInt8 || has_quick_kernels();
}

std::optional<GraphEngine> GraphEngine::packed(PreparedGraph prepared, Precision precision) {
  auto plan = make_plan(prepared, element_of(precision));
  if (!plan) return std::nullopt;
  auto parts = std::make_unique<Parts>();
  GraphMemory weights(plan->packed_bytes);
  if (!pack_weights(*plan, prepared, weights.bytes())) return std::nullopt;
  parts->weights = std::make_shared<const GraphMemory>(std::move(weights));
  parts->plan = std::move(*plan);
  parts->graph = std::move(prepared);
  parts->precision = precision;
  return GraphEngine(std::move(parts));
}

std::optional<GraphEngine> GraphEngine::make(Graph graph, Precision precision) {
  // What is kept in bytes needs ranges: make_bytes().
  if (precision == Precision::kInt8 || !computes(precision) || !is_ours(graph)) return std::nullopt;
  return packed(prepare(std::move(graph)), precision);
}

std::optional<GraphEngine> GraphEngine::make_prepared(Graph graph) {
  PreparedGraph prepared{std::move(graph), {}};
  std::vector<std::vector<std::size_t>> shapes;
  for (std::size_t i = 0; i < prepared.graph.layers.size(); ++i)
    shapes.push_back(output_shape(prepared.graph, i, shapes));
  for (const std::size_t layer : prepared.graph.all_outputs())
    prepared.outputs.push_back({.layer = layer, .channels = shapes.at(layer).back()});
  return packed(std::move(prepared), Precision::kF32);
}

std::optional<GraphEngine> GraphEngine::make_bytes(Graph graph, std::span<const float> pictures,
                                                   std::size_t count) {
  if (!is_ours(graph)) return std::nullopt;
  PreparedGraph prepared = prepare(std::move(graph));
  const auto plan = make_plan(prepared, Element::kByte);
  if (!plan || plan->byte_layers.empty()) return std::nullopt;
  if (count == 0 || pictures.size() != count * plan->input[0] * plan->input[1] * plan->input[2])
    throw std::invalid_argument("ranges need pictures of the network's size");
  if (!measure(prepared, plan->byte_layers, pictures, count)) return std::nullopt;
  return packed(std::move(prepared), Precision::kInt8);
}

std::optional<GraphEngine> GraphEngine::for_size(std::size_t height, std::size_t width) const {
  const Parts& p = *parts_;
  auto parts = std::make_unique<Parts>();
  parts->graph = p.graph;
  parts->precision = p.precision;
  parts->weights = p.weights;
  parts->scratch = p.scratch;
  parts->first_weight = p.first_weight;
  auto& shape = parts->graph.graph.layers[0].shape;
  shape = {height, width, shape[2]};
  try {
    auto plan = make_plan(parts->graph, element_of(p.precision), &p.plan);
    // A dense layer over a larger map would give several rows.
    if (!plan || plan->packed_bytes != p.plan.packed_bytes || plan->steps.size() != p.plan.steps.size())
      return std::nullopt;
    parts->plan = std::move(*plan);
  } catch (const std::runtime_error&) {
    return std::nullopt;  // sizes that do not fit together
  }
  return GraphEngine(std::move(parts));
}

std::optional<GraphEngine> GraphEngine::load(const std::filesystem::path& file, const std::string& key) {
  auto kept = load_graph_file(file, key);
  if (!kept || !computes(kept->precision)) return std::nullopt;
  try {
    auto plan = make_plan(kept->graph, element_of(kept->precision));
    if (!plan || plan->packed_bytes != kept->weights) return std::nullopt;
    auto parts = std::make_unique<Parts>();
    parts->plan = std::move(*plan);
    parts->graph = std::move(kept->graph);
    parts->precision = kept->precision;
    parts->first_weight = kept->first_weight;
    parts->weights = std::make_shared<const GraphMemory>(std::move(kept->memory));
    return GraphEngine(std::move(parts));
  } catch (const std::runtime_error&) {
    return std::nullopt;  // sizes that do not fit together
  }
}

bool GraphEngine::store(const std::filesystem::path& file, const std::string& key) const {
  const Parts& p = *parts_;
  return store_graph_file(file, key, p.graph, p.precision,
                          p.weights->bytes().subspan(p.first_weight, p.plan.packed_bytes));
}

void GraphEngine::run(std::span<const float> pictures, std::size_t count, std::span<float> out) const {
  Parts& p = *parts_;
  const std::size_t floats = p.plan.input[0] * p.plan.input[1] * p.plan.input[2];
  if (pictures.size() != count * floats || out.size() != count * p.plan.outputs) {
    throw std::invalid_argument("pictures or results of another size than the network's");
  }
  for (std::size_t first = 0; first < count; first += kTogether) {
    const std::size_t together = std::min(kTogether, count - first);
    GraphMemory memory = p.scratch->take(p.scratch_bytes(together));
    p.run({.in = pictures.data() + first * floats,
           .pictures = together,
           .out = out.data() + first * p.plan.outputs,
           .memory = memory.bytes().data()});
    p.scratch->give_back(std::move(memory));
  }
}

}  // namespace likeness
