#include "likeness/infer/graph_engine.h"

#include <hwy/targets.h>

#include <algorithm>
#include <mutex>
#include <stdexcept>
#include <utility>

#include "likeness/infer/graph_file.h"
#include "likeness/infer/graph_kernels.h"
#include "likeness/infer/graph_memory.h"
#include "likeness/infer/graph_plan.h"

namespace likeness {
namespace {

/// Pictures of one pass through the network: more would take more memory and save little.
constexpr std::size_t kTogether = 16;

Element element_of(Precision precision) {
  return precision == Precision::kBf16 ? Element::kBf16 : Element::kF32;
}

std::size_t tiles_of(const PlanStep& step, std::size_t pictures) {
  return pictures * tiles_over(step.out_shape[0], step.out_shape[1], step.tile);
}

bool computes(Precision precision) {
  return precision == Precision::kF32 || (precision == Precision::kBf16 && has_bf16_products());
}

/// Memory for one call.
struct Scratch {
  std::size_t pictures = 0;  ///< That it is large enough for.
  GraphMemory memory;
};

}  // namespace

struct GraphEngine::Parts {
  Plan plan;
  Graph graph;  ///< Without weights.
  Precision precision = Precision::kF32;
  GraphMemory weights;
  std::size_t first_weight = 0;  ///< Bytes from the start of `weights`.
  std::mutex mutex;              ///< Guards `idle`.
  std::vector<Scratch> idle;

  [[nodiscard]] std::size_t pictures_of(std::size_t step, std::size_t pictures) const {
    return plan.steps[step].whole ? pictures : 1;
  }
  [[nodiscard]] std::size_t work_bytes(std::size_t pictures) const;
  [[nodiscard]] Scratch take(std::size_t pictures);
  void give_back(Scratch scratch) {
    const std::lock_guard lock(mutex);
    idle.push_back(std::move(scratch));
  }
  /// `pictures` at `in`, results at `out`; `memory` is of a Scratch for as many.
  struct Pass {
    const float* in = nullptr;
    std::size_t pictures = 0;
    float* out = nullptr;
    std::byte* memory = nullptr;
  };
  void run(const Pass& pass) const;
  /// One step, on `count` pictures from `picture` on.
  void run_step(const Pass& pass, const PlanStep& step, std::size_t picture, std::size_t count) const;
  [[nodiscard]] Maps maps(const Pass& pass, const PlanPlace& place, std::size_t picture) const;
};

std::size_t GraphEngine::Parts::work_bytes(std::size_t pictures) const {
  std::size_t most = 0;
  for (std::size_t s = 0; s < plan.steps.size(); ++s) {
    const PlanStep& step = plan.steps[s];
    if (step.kind != PlanStep::Kind::kWinograd) continue;
    const std::size_t inputs = step.in_shape[2];
    const auto share =
        winograd_share(step.tile, tiles_of(step, pictures_of(s, pictures)), inputs, step.out_shape[2]);
    most = std::max(most, sizeof(float) * share.floats(inputs));
  }
  return most;
}

Scratch GraphEngine::Parts::take(std::size_t pictures) {
  {
    const std::lock_guard lock(mutex);
    for (Scratch& scratch : idle) {
      if (scratch.pictures < pictures) continue;
      std::swap(scratch, idle.back());
      Scratch taken = std::move(idle.back());
      idle.pop_back();
      return taken;
    }
    if (!idle.empty()) idle.pop_back();  // too small; the larger one takes its place
  }
  std::size_t work = 0;
  for (std::size_t n = 1; n <= pictures; ++n) work = std::max(work, work_bytes(n));
  return {pictures, GraphMemory(plan.single_bytes + plan.whole_bytes * pictures + work)};
}

Maps GraphEngine::Parts::maps(const Pass& pass, const PlanPlace& place, std::size_t picture) const {
  const std::size_t input_floats = plan.input[0] * plan.input[1] * plan.input[2];
  if (place.kind == PlanPlace::Kind::kInput)
    return {pass.in + picture * input_floats, plan.input[2], input_floats, Element::kF32};
  if (place.kind == PlanPlace::Kind::kOutput)
    return {pass.out + picture * plan.outputs, plan.outputs, plan.outputs, Element::kF32};
  const PlanBuffer& buffer = plan.buffers[place.buffer];
  const std::byte* data = buffer.whole
                              ? pass.memory + buffer.offset * pass.pictures + buffer.bytes() * picture
                              : pass.memory + plan.whole_bytes * pass.pictures + buffer.offset;
  return {data + place.channel * size_of(buffer.element), buffer.stride,
          buffer.bytes() / size_of(buffer.element), buffer.element};
}

void GraphEngine::Parts::run_step(const Pass& pass, const PlanStep& step, std::size_t picture,
                                  std::size_t count) const {
  const std::byte* packed = weights.bytes().data() + first_weight;
  const Maps from = maps(pass, step.in, picture);
  const Maps to = maps(pass, step.out, picture);
  const auto* bias = reinterpret_cast<const float*>(packed + step.bias);
  std::byte* work = pass.memory + plan.whole_bytes * pass.pictures + plan.single_bytes;
  switch (step.kind) {
    case PlanStep::Kind::kConvolution:
      run_convolution({.groups = &step.groups,
                       .run = step.run,
                       .taps = step.taps,
                       .outputs = step.out_shape[2],
                       .weights = packed + step.weights,
                       .bias = bias,
                       .relu = step.relu,
                       .in = from,
                       .out = to,
                       .add = step.add ? maps(pass, *step.add, picture) : Maps{},
                       .pictures = count});
      break;
    case PlanStep::Kind::kWinograd:
      run_winograd(
          {.in_height = step.in_shape[0],
           .in_width = step.in_shape[1],
           .inputs = step.in_shape[2],
           .out_height = step.out_shape[0],
           .out_width = step.out_shape[1],
           .outputs = step.out_shape[2],
           .pad = step.pad[0],
           .weights = packed + step.weights,
           .products = step.weight_element,
           .bias = bias,
           .relu = step.relu,
           .in = from,
           .out = to,
           .pictures = count,
           .share = winograd_share(step.tile, tiles_of(step, count), step.in_shape[2], step.out_shape[2]),
           .work = reinterpret_cast<float*>(work)});
      break;
    case PlanStep::Kind::kPool: {
      const GraphLayer& layer = graph.layers[step.layer];
      const bool average = layer.kind == LayerKind::kGlobalAverage;
      run_pool({.in_height = step.in_shape[0],
                .in_width = step.in_shape[1],
                .channels = step.in_shape[2],
                .out_height = step.out_shape[0],
                .out_width = step.out_shape[1],
                .window = {average ? step.in_shape[0] : layer.window[0],
                           average ? step.in_shape[1] : layer.window[1]},
                .strides = {layer.strides[0], layer.strides[1]},
                .pad = {step.pad[0], step.pad[1]},
                .average = average,
                .in = from,
                .out = to,
                .pictures = count});
      break;
    }
  }
}

void GraphEngine::Parts::run(const Pass& pass) const {
  for (std::size_t first = 0; first < plan.steps.size();) {
    const bool whole = plan.steps[first].whole;
    std::size_t end = first + 1;
    while (end < plan.steps.size() && plan.steps[end].whole == whole) ++end;
    for (std::size_t picture = 0; picture < (whole ? 1 : pass.pictures); ++picture) {
      for (std::size_t s = first; s < end; ++s)
        run_step(pass, plan.steps[s], picture, whole ? pass.pictures : 1);
    }
    first = end;
  }
}

GraphEngine::GraphEngine(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
void GraphEngine::to_large_pages() noexcept { parts_->weights.to_large_pages(); }

GraphEngine::~GraphEngine() = default;
GraphEngine::GraphEngine(GraphEngine&&) noexcept = default;
GraphEngine& GraphEngine::operator=(GraphEngine&&) noexcept = default;

const std::vector<std::size_t>& GraphEngine::input() const { return parts_->plan.input; }
std::size_t GraphEngine::outputs() const { return parts_->plan.outputs; }

std::string GraphEngine::identity() {
  return "own kernels " + std::to_string(hwy::SupportedTargets()) + (has_bf16_products() ? " bf16" : "");
}

bool GraphEngine::pays_off(Precision precision) {
  if (precision == Precision::kBf16) return has_bf16_products() && !has_amx();
  return precision == Precision::kF32 && has_quick_kernels();
}

std::optional<GraphEngine> GraphEngine::make(Graph graph, Precision precision) {
  if (!computes(precision)) return std::nullopt;
  fold(graph);
  auto plan = make_plan(graph, element_of(precision));
  if (!plan) return std::nullopt;
  auto parts = std::make_unique<Parts>();
  parts->weights = GraphMemory(plan->packed_bytes);
  pack_weights(*plan, graph, parts->weights.bytes());
  parts->plan = std::move(*plan);
  parts->graph = std::move(graph);
  parts->precision = precision;
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
    parts->weights = std::move(kept->memory);
    return GraphEngine(std::move(parts));
  } catch (const std::runtime_error&) {
    return std::nullopt;  // sizes that do not fit together
  }
}

bool GraphEngine::store(const std::filesystem::path& file, const std::string& key) const {
  const Parts& p = *parts_;
  return store_graph_file(file, key, p.graph, p.precision,
                          p.weights.bytes().subspan(p.first_weight, p.plan.packed_bytes));
}

void GraphEngine::run(std::span<const float> pictures, std::size_t count, std::span<float> out) const {
  Parts& p = *parts_;
  const std::size_t floats = p.plan.input[0] * p.plan.input[1] * p.plan.input[2];
  if (pictures.size() != count * floats || out.size() != count * p.plan.outputs) {
    throw std::invalid_argument("pictures or results of another size than the network's");
  }
  for (std::size_t first = 0; first < count; first += kTogether) {
    const std::size_t together = std::min(kTogether, count - first);
    Scratch scratch = p.take(together);
    p.run({.in = pictures.data() + first * floats,
           .pictures = together,
           .out = out.data() + first * p.plan.outputs,
           .memory = scratch.memory.bytes().data()});
    p.give_back(std::move(scratch));
  }
}

}  // namespace likeness
