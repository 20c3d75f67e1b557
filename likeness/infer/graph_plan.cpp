#include "likeness/infer/graph_plan.h"

#include <algorithm>
#include <array>
#include <map>
#include <numeric>

namespace likeness {
namespace {

constexpr std::size_t kAlign = 64;
// Between pixels: without it those that are read together would meet in few sets of the first cache, for
// channels tend to be powers of two.
constexpr std::size_t kApart = 16;
// With fewer inputs Winograd's products stay in f32 in a bf16 network, with fewer than twice as many the tile
// is the small one. Of the 118 reference faces the worst cosine of bf16 to f32 is .99987 so, .9995 with all
// products in bf16, .99994 with all in f32, and .99982 through OpenVINO, which knows no Winograd.
constexpr std::size_t kManyInputs = 64;
constexpr std::size_t kNone = static_cast<std::size_t>(-1);

std::size_t aligned(std::size_t bytes) { return (bytes + kAlign - 1) / kAlign * kAlign; }
std::size_t panels(std::size_t outputs) { return (outputs + kPanel - 1) / kPanel * kPanel; }

/// What a layer gives: made by a step, or several such side by side, or the network's input.
struct Value {
  std::size_t step = kNone;  // kNone: input or joined
  std::vector<std::size_t> parts{};
  std::vector<std::size_t> shape{};
  std::vector<std::size_t> read_by{};  // steps
  std::optional<PlanPlace> place{};
};

class Planner {
 public:
  Planner(const Graph& graph, Element element) : graph_(graph), element_(element) {}

  std::optional<Plan> plan() {
    if (!collect() || !place_all()) return std::nullopt;
    for (PlanStep& step : plan_.steps) finish(step);
    find_lives();
    lay_out(false, plan_.single_bytes);
    lay_out(true, plan_.whole_bytes);
    return std::move(plan_);
  }

 private:
  bool collect();
  bool collect_layer(std::size_t i);
  bool join_relu(std::size_t i);
  bool join_add(std::size_t i);
  void add_step(std::size_t i, PlanStep::Kind kind);
  bool place_all();
  void place_joined(std::size_t value);
  std::size_t new_buffer(const Value& value, Element element);
  [[nodiscard]] bool in_place(const PlanStep& step, std::size_t add) const;
  [[nodiscard]] std::size_t last_read(const Value& value) const;
  void find_lives();
  void lay_out(bool whole, std::size_t& total);
  void finish(PlanStep& step);
  void find_pixels(PlanStep& step, const GraphLayer& layer, std::size_t pixel);

  const Graph& graph_;
  Element element_;
  Plan plan_;
  std::vector<std::vector<std::size_t>> shapes_;  // of layers, as output_shape() gives them
  std::vector<std::size_t> readers_;              // of layers
  std::vector<Value> values_;
  std::vector<std::size_t> value_of_;  // of layers
  // Of steps: the values they read and write.
  std::vector<std::size_t> reads_, writes_, adds_;
  bool fits_ = true;
};

std::vector<std::size_t> as_picture(std::vector<std::size_t> shape) {
  if (shape.size() == 1) shape = {1, 1, shape[0]};
  return shape;
}

void Planner::add_step(std::size_t i, PlanStep::Kind kind) {
  const std::size_t from = value_of_[graph_.layers[i].inputs[0]];
  PlanStep step{.kind = kind, .layer = i};
  step.in_shape = values_[from].shape;
  step.out_shape = as_picture(shapes_[i]);
  reads_.push_back(from);
  adds_.push_back(kNone);
  writes_.push_back(values_.size());
  value_of_[i] = values_.size();
  values_.push_back({.step = plan_.steps.size(), .shape = step.out_shape});
  plan_.steps.push_back(std::move(step));
}

bool Planner::join_relu(std::size_t i) {
  const std::size_t from = graph_.layers[i].inputs[0];
  const std::size_t made_by = values_[value_of_[from]].step;
  if (made_by == kNone || readers_[from] != 1) return false;
  PlanStep& step = plan_.steps[made_by];
  if (step.kind == PlanStep::Kind::kPool || step.relu) return false;
  step.relu = true;
  value_of_[i] = value_of_[from];
  return true;
}

/// The sum becomes part of the later of its two convolutions.
bool Planner::join_add(std::size_t i) {
  const auto& inputs = graph_.layers[i].inputs;
  if (inputs.size() != 2 || inputs[0] == inputs[1]) return false;
  const auto step_of = [&](std::size_t layer) { return values_[value_of_[layer]].step; };
  std::size_t later = inputs[1];
  std::size_t other = inputs[0];
  if (step_of(later) == kNone || (step_of(other) != kNone && step_of(other) > step_of(later)))
    std::swap(later, other);
  if (step_of(later) == kNone || readers_[later] != 1) return false;
  PlanStep& step = plan_.steps[step_of(later)];
  const Value& added = values_[value_of_[other]];
  const bool before =
      std::ranges::all_of(added.parts, [&](std::size_t part) { return values_[part].step < step_of(later); });
  if (step.kind != PlanStep::Kind::kConvolution || step.relu || adds_[step_of(later)] != kNone ||
      (added.step == kNone && added.parts.empty()) || !before) {
    return false;
  }
  adds_[step_of(later)] = value_of_[other];
  value_of_[i] = value_of_[later];
  return true;
}

bool Planner::collect_layer(std::size_t i) {
  const GraphLayer& layer = graph_.layers[i];
  switch (layer.kind) {
    case LayerKind::kInput:
      value_of_[i] = values_.size();
      values_.push_back({.shape = shapes_[i]});
      values_.back().place = PlanPlace{.kind = PlanPlace::Kind::kInput};
      return i == 0 && shapes_[i].size() == 3;
    case LayerKind::kConvolution: {
      if (layer.groups != 1) return false;
      const auto& k = layer.kernel.shape;
      const bool winograd = k[0] == 3 && k[1] == 3 && layer.strides == std::array<std::size_t, 2>{1, 1} &&
                            layer.dilation == std::array<std::size_t, 2>{1, 1} && k[2] % kVector == 0 &&
                            shapes_[i][0] >= kTiles[0] && shapes_[i][1] >= kTiles[0];
      // A residual is added by plain convolutions only; which layers have one is not known yet.
      add_step(i, winograd && !std::ranges::any_of(graph_.layers,
                                                   [&](const GraphLayer& reader) {
                                                     return reader.kind == LayerKind::kAdd &&
                                                            std::ranges::find(reader.inputs, i) !=
                                                                reader.inputs.end();
                                                   })
                      ? PlanStep::Kind::kWinograd
                      : PlanStep::Kind::kConvolution);
      return k[3] % kVector == 0 && (k[2] % kVector == 0 || layer.inputs[0] == 0);
    }
    case LayerKind::kDense:
      add_step(i, PlanStep::Kind::kConvolution);
      return layer.kernel.shape[1] % kVector == 0 && layer.kernel.shape[0] % kVector == 0;
    case LayerKind::kMaxPool:
    case LayerKind::kGlobalAverage:
      add_step(i, PlanStep::Kind::kPool);
      return shapes_[i].back() % kVector == 0;
    case LayerKind::kRelu:
      return join_relu(i);
    case LayerKind::kAdd:
      return join_add(i);
    case LayerKind::kConcatenate: {
      Value joined{.shape = shapes_[i]};
      for (const std::size_t from : layer.inputs) joined.parts.push_back(value_of_[from]);
      value_of_[i] = values_.size();
      values_.push_back(std::move(joined));
      return true;
    }
    default:
      return false;
  }
}

bool Planner::collect() {
  const std::size_t count = graph_.layers.size();
  readers_.assign(count, 0);
  value_of_.assign(count, kNone);
  for (std::size_t i = 0; i < count; ++i) {
    for (const std::size_t from : graph_.layers[i].inputs) {
      if (from >= i) return false;
      ++readers_[from];
    }
  }
  if (count < 2 || graph_.output >= count) return false;
  ++readers_[graph_.output];
  for (std::size_t i = 0; i < count; ++i) {
    shapes_.push_back(output_shape(graph_, i, shapes_));
    if (!collect_layer(i)) return false;
  }
  const Value& output = values_[value_of_[graph_.output]];
  if (output.step == kNone || plan_.steps[output.step].kind == PlanStep::Kind::kPool ||
      readers_[graph_.output] != 1 || output.shape[0] != 1 || output.shape[1] != 1) {
    return false;
  }
  plan_.input = shapes_[0];
  plan_.outputs = output.shape[2];
  for (std::size_t s = 0; s < plan_.steps.size(); ++s) {
    values_[reads_[s]].read_by.push_back(s);
    if (adds_[s] != kNone) values_[adds_[s]].read_by.push_back(s);
  }
  return true;
}

std::size_t Planner::new_buffer(const Value& value, Element element) {
  plan_.buffers.push_back({.pixels = value.shape[0] * value.shape[1],
                           .channels = value.shape[2],
                           .stride = value.shape[2] + kApart,
                           .element = element});
  return plan_.buffers.size() - 1;
}

/// A joined value's parts are written side by side where it lies.
void Planner::place_joined(std::size_t value) {
  if (!values_[value].place) values_[value].place = PlanPlace{.buffer = new_buffer(values_[value], element_)};
  PlanPlace place = *values_[value].place;
  for (const std::size_t part : values_[value].parts) {
    if (values_[part].place || values_[part].shape[2] % kVector != 0) {
      fits_ = false;
      return;
    }
    values_[part].place = place;
    place.channel += values_[part].shape[2];
  }
}

std::size_t Planner::last_read(const Value& value) const {
  std::size_t last = 0;
  for (const std::size_t step : value.read_by) last = std::max(last, step);
  for (const std::size_t part : value.parts) last = std::max(last, last_read(values_[part]));
  return last;
}

/// Whether a step may write its sum over the summand `add`.
bool Planner::in_place(const PlanStep& step, std::size_t add) const {
  const Value& value = values_[add];
  if (value.place->kind != PlanPlace::Kind::kBuffer) return false;
  const auto s = static_cast<std::size_t>(&step - plan_.steps.data());
  const Value& read = values_[reads_[s]];
  return last_read(value) == s && value.shape[2] == plan_.buffers[value.place->buffer].channels &&
         (read.place->kind != PlanPlace::Kind::kBuffer || read.place->buffer != value.place->buffer);
}

bool Planner::place_all() {
  values_[value_of_[graph_.output]].place = PlanPlace{.kind = PlanPlace::Kind::kOutput};
  for (std::size_t v = values_.size(); v-- > 0;) {
    if (!values_[v].parts.empty()) place_joined(v);
  }
  if (!fits_) return false;
  for (std::size_t s = 0; s < plan_.steps.size(); ++s) {
    PlanStep& step = plan_.steps[s];
    Value& made = values_[writes_[s]];
    if (!made.place && adds_[s] != kNone && in_place(step, adds_[s])) made.place = values_[adds_[s]].place;
    const bool average = graph_.layers[step.layer].kind == LayerKind::kGlobalAverage;
    if (!made.place) made.place = PlanPlace{.buffer = new_buffer(made, average ? Element::kF32 : element_)};
    step.in = *values_[reads_[s]].place;
    step.out = *made.place;
    if (adds_[s] != kNone) step.add = *values_[adds_[s]].place;
  }
  return true;
}

void Planner::find_lives() {
  auto& steps = plan_.steps;
  for (PlanBuffer& buffer : plan_.buffers) buffer.first = steps.size();
  const auto touch = [&](const PlanPlace& place, std::size_t s) {
    if (place.kind != PlanPlace::Kind::kBuffer) return;
    PlanBuffer& buffer = plan_.buffers[place.buffer];
    buffer.first = std::min(buffer.first, s);
    buffer.last = std::max(buffer.last, s);
  };
  for (std::size_t s = 0; s < steps.size(); ++s) {
    touch(steps[s].in, s);
    touch(steps[s].out, s);
    if (steps[s].add) touch(*steps[s].add, s);
  }
  // Large maps go through the first layers one picture after the other and stay near the core; from the first
  // layer on that has more weights than twice its maps, all pictures share each reading of the weights.
  bool whole = false;
  for (PlanStep& step : steps) {
    const auto count = [](const std::vector<std::size_t>& shape) {
      return std::accumulate(shape.begin(), shape.end(), std::size_t{1}, std::multiplies<>());
    };
    const auto& kernel = graph_.layers[step.layer].kernel.shape;
    whole |= !kernel.empty() && count(kernel) > 2 * (count(step.in_shape) + count(step.out_shape));
    step.whole = whole;
  }
  for (PlanBuffer& buffer : plan_.buffers) {
    for (std::size_t s = buffer.first; s <= buffer.last; ++s) buffer.whole |= steps[s].whole;
  }
}

/// Largest first, each as low as those it lives beside allow.
void Planner::lay_out(bool whole, std::size_t& total) {
  std::vector<PlanBuffer*> order;
  for (PlanBuffer& buffer : plan_.buffers) {
    if (buffer.whole == whole) order.push_back(&buffer);
  }
  std::ranges::stable_sort(order, std::greater<>(), [](const PlanBuffer* b) { return b->bytes(); });
  for (std::size_t i = 0; i < order.size(); ++i) {
    std::vector<std::pair<std::size_t, std::size_t>> taken;
    for (std::size_t j = 0; j < i; ++j) {
      if (order[j]->first <= order[i]->last && order[i]->first <= order[j]->last)
        taken.emplace_back(order[j]->offset, order[j]->offset + order[j]->bytes());
    }
    std::ranges::sort(taken);
    std::size_t at = 0;
    for (const auto& [from, to] : taken) {
      if (at + order[i]->bytes() <= from) break;
      at = std::max(at, to);
    }
    order[i]->offset = at;
    total = std::max(total, at + order[i]->bytes());
  }
}

/// Pixels by the part of the window that lies inside the picture.
void Planner::find_pixels(PlanStep& step, const GraphLayer& layer, std::size_t pixel) {
  const bool dense = layer.kind == LayerKind::kDense;
  const std::size_t height = step.in_shape[0], width = step.in_shape[1];
  const std::array<std::size_t, 2> window =
      dense ? std::array<std::size_t, 2>{1, 1}
            : std::array<std::size_t, 2>{layer.kernel.shape[0], layer.kernel.shape[1]};
  // Without padding a row of the window is one run of numbers where pixels stand side by side.
  const bool rows = !layer.same && pixel == step.in_shape[2] && layer.dilation[1] == 1;
  step.run = rows ? window[1] * pixel : step.in_shape[2];
  step.taps = rows ? window[0] : window[0] * window[1];
  std::map<std::array<std::size_t, 4>, std::size_t> groups;
  const auto inside = [&](std::size_t at, std::size_t axis, std::size_t side) {
    std::pair<std::size_t, std::size_t> range{window[axis], 0};
    for (std::size_t k = 0; k < window[axis]; ++k) {
      const std::size_t place = at * layer.strides[axis] + k * layer.dilation[axis];
      if (place < step.pad[axis] || place - step.pad[axis] >= side) continue;
      range.first = std::min(range.first, k);
      range.second = k + 1;
    }
    return range;
  };
  const auto offset = [&](std::size_t y, std::size_t x) {
    return static_cast<std::ptrdiff_t>((y * width + x) * pixel);
  };
  for (std::size_t y = 0; y < step.out_shape[0]; ++y) {
    const auto down = inside(y, 0, height);
    for (std::size_t x = 0; x < step.out_shape[1]; ++x) {
      const auto across = inside(x, 1, width);
      const auto [found, is_new] =
          groups.try_emplace({down.first, down.second, across.first, across.second}, step.groups.size());
      if (is_new) {
        PixelGroup group;
        for (std::size_t ky = down.first; ky < down.second; ++ky) {
          if (rows) group.taps.push_back({offset(ky * layer.dilation[0], 0), ky});
          for (std::size_t kx = across.first; kx < across.second && !rows; ++kx) {
            group.taps.push_back(
                {offset(ky * layer.dilation[0], kx * layer.dilation[1]), ky * window[1] + kx});
          }
        }
        step.groups.push_back(std::move(group));
      }
      step.groups[found->second].pixels.push_back(
          {offset(y * layer.strides[0], x * layer.strides[1]) - offset(step.pad[0], step.pad[1]),
           y * step.out_shape[1] + x});
    }
  }
}

void Planner::finish(PlanStep& step) {
  const GraphLayer& layer = graph_.layers[step.layer];
  if (layer.same) {
    const std::array<std::size_t, 2> window =
        layer.kind == LayerKind::kConvolution
            ? std::array<std::size_t, 2>{(layer.kernel.shape[0] - 1) * layer.dilation[0] + 1,
                                         (layer.kernel.shape[1] - 1) * layer.dilation[1] + 1}
            : layer.window;
    for (std::size_t axis = 0; axis < 2; ++axis) {
      const std::size_t covered = (step.out_shape[axis] - 1) * layer.strides[axis] + window[axis];
      step.pad[axis] = covered > step.in_shape[axis] ? (covered - step.in_shape[axis]) / 2 : 0;
    }
  }
  if (step.kind == PlanStep::Kind::kPool) return;
  const bool input = step.in.kind == PlanPlace::Kind::kInput;
  const std::size_t outputs = panels(step.out_shape[2]);
  if (step.kind == PlanStep::Kind::kWinograd) {
    step.tile = *std::ranges::min_element(kTiles, {}, [&](std::size_t tile) {
      return tiles_over(step.out_shape[0], step.out_shape[1], tile) * tile_taps(tile);
    });
    // In bf16 what is transformed is rounded once more. Many inputs make up for it; few would show it.
    if (step.in_shape[2] >= kManyInputs) step.weight_element = plan_.buffers[step.in.buffer].element;
    if (step.weight_element == Element::kBf16 && step.in_shape[2] < 2 * kManyInputs) step.tile = kTiles[0];
    step.weight_bytes = tile_taps(step.tile) * outputs * step.in_shape[2] * size_of(step.weight_element);
  } else {
    find_pixels(step, layer, input ? step.in_shape[2] : plan_.buffers[step.in.buffer].stride);
    step.weight_element = input ? Element::kF32 : plan_.buffers[step.in.buffer].element;
    step.weight_bytes = step.taps * step.run * outputs * size_of(step.weight_element);
  }
  step.weights = plan_.packed_bytes;
  plan_.packed_bytes += aligned(step.weight_bytes);
  step.bias = plan_.packed_bytes;
  plan_.packed_bytes += aligned(outputs * 4);
}

}  // namespace

std::size_t PlanBuffer::bytes() const { return aligned(pixels * stride * size_of(element)); }

std::optional<Plan> make_plan(const Graph& graph, Element element) { return Planner(graph, element).plan(); }

}  // namespace likeness
