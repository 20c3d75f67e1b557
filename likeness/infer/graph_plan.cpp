#include "likeness/infer/graph_plan.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <map>
#include <numeric>

namespace likeness {
namespace {

constexpr std::size_t kAlign = 64;
// Between pixels: without it those that are read together would meet in few sets of the first cache, for
// channels tend to be powers of two.
constexpr std::size_t kApart = 16;
constexpr std::size_t kWide = 64;  // Pixels of fewer channels are in sets of their own.
// Weights of a layer that are read again for every band of rows.
constexpr std::size_t kMostStreamed = 72U << 10;
// With fewer inputs Winograd's products stay in f32 in a bf16 network, with fewer than twice as many the tile
// is the small one. Of the 118 reference faces the worst cosine of bf16 to f32 is .99987 so, .9995 with all
// products in bf16, .99994 with all in f32, and .99982 through OpenVINO, which knows no Winograd.
constexpr std::size_t kManyInputs = 64;
constexpr float kLeastStep = 1e-9F;  // Of a value that is always 0.
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
  std::size_t layer = kNone;  // the last that is it
};

class Planner {
 public:
  Planner(const PreparedGraph& graph, Element element, const Plan* like)
      : graph_(graph.graph), outputs_(graph.outputs), ranges_(graph.ranges), element_(element), like_(like) {}

  std::optional<Plan> plan() {
    if (!collect() || !place_all()) return std::nullopt;
    for (PlanStep& step : plan_.steps) finish(step);
    find_streams();
    make_tasks(plan_);
    find_lives();
    lay_out(false, plan_.single_bytes);
    lay_out(true, plan_.whole_bytes);
    return std::move(plan_);
  }

 private:
  bool collect();
  bool collect_layer(std::size_t i);
  bool convolve(std::size_t i);
  bool join_activation(std::size_t i);
  bool join_add(std::size_t i);
  bool add(std::size_t i);
  PlanStep& add_step(std::size_t i, PlanStep::Kind kind);
  bool give_outputs();
  /// Whether a value is of the network's own element, not what is made of the pictures before all else.
  [[nodiscard]] bool is_map(std::size_t value) const {
    const std::size_t step = values_[value].step;
    return step == kNone ? !values_[value].parts.empty() : plan_.steps[step].kind != PlanStep::Kind::kAffine;
  }
  void find_makers();
  void find_streams();
  bool place_all();
  void place_joined(std::size_t value);
  std::size_t new_buffer(const Value& value, Element element);
  [[nodiscard]] bool in_place(const PlanStep& step, std::size_t add) const;
  [[nodiscard]] bool is_exact(std::size_t s) const;
  [[nodiscard]] ByteScale scale_of(std::size_t value);
  [[nodiscard]] bool fits_bytes(const PlanStep& step) const;
  [[nodiscard]] std::size_t last_read(const Value& value) const;
  void find_lives();
  void lay_out(bool whole, std::size_t& total);
  void finish(PlanStep& step);

  const Graph& graph_;
  const std::vector<OutputSlice>& outputs_;
  const std::vector<ValueRange>& ranges_;
  Element element_;
  const Plan* like_;
  Plan plan_;
  std::vector<std::vector<std::size_t>> shapes_;  // of layers, as output_shape() gives them
  std::vector<std::size_t> readers_;              // of layers
  std::vector<Value> values_;
  std::vector<std::size_t> value_of_;                  // of layers
  std::map<std::size_t, std::size_t> first_channels_;  // of steps that give outputs
  // Of steps: the values they read and write.
  std::vector<std::size_t> reads_, writes_, adds_;
  bool fits_ = true;
  bool streams_ = false;
};

bool deconvolves(const PlanStep& step) {
  return step.kind == PlanStep::Kind::kConvolution && step.block[0] * step.block[1] > 1;
}

std::vector<std::size_t> as_picture(std::vector<std::size_t> shape) {
  if (shape.size() == 1) shape = {1, 1, shape[0]};
  return shape;
}

PlanStep& Planner::add_step(std::size_t i, PlanStep::Kind kind) {
  const GraphLayer& layer = graph_.layers[i];
  std::size_t before = layer.inputs[0];
  PlanStep step{.kind = kind, .layer = i};
  if (graph_.layers[before].kind == LayerKind::kPad) {
    step.pad[0] = graph_.layers[before].borders[0];
    step.pad[1] = graph_.layers[before].borders[2];
  }
  const std::size_t from = value_of_[before];
  step.in_shape = values_[from].shape;
  step.out_shape = as_picture(shapes_[i]);
  reads_.push_back(from);
  adds_.push_back(kNone);
  writes_.push_back(values_.size());
  value_of_[i] = values_.size();
  values_.push_back({.step = plan_.steps.size(), .shape = step.out_shape});
  plan_.steps.push_back(std::move(step));
  return plan_.steps.back();
}

bool Planner::join_activation(std::size_t i) {
  const GraphLayer& layer = graph_.layers[i];
  const std::size_t from = layer.inputs[0];
  const std::size_t made_by = values_[value_of_[from]].step;
  if (made_by == kNone || readers_[from] != 1) return false;
  PlanStep& step = plan_.steps[made_by];
  if (step.kind == PlanStep::Kind::kPool || step.kind == PlanStep::Kind::kAffine || step.relu || step.leaky)
    return false;
  if (layer.kind == LayerKind::kRelu) {
    step.relu = true;
  } else {
    if (layer.slope.size() != step.out_shape[2]) return false;
    step.leaky = true;
    step.slopes_of = i;
  }
  value_of_[i] = value_of_[from];
  return true;
}

/// The sum becomes part of the later of its two convolutions, or of the enlarging of one summand.
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
  const bool sums = step.kind == PlanStep::Kind::kConvolution || step.kind == PlanStep::Kind::kSum;
  if (!sums || step.relu || step.leaky || deconvolves(step) || adds_[step_of(later)] != kNone ||
      (added.step == kNone && added.parts.empty()) || !before) {
    return false;
  }
  adds_[step_of(later)] = value_of_[other];
  value_of_[i] = value_of_[later];
  return true;
}

/// Joined with a step before, or a step of its own.
bool Planner::add(std::size_t i) {
  if (join_add(i)) return true;
  const auto& inputs = graph_.layers[i].inputs;
  if (inputs.size() != 2 || inputs[0] == inputs[1] || shapes_[i].size() != 3) return false;
  if (!is_map(value_of_[inputs[0]]) || !is_map(value_of_[inputs[1]])) return false;
  add_step(i, PlanStep::Kind::kSum);
  adds_.back() = value_of_[inputs[1]];
  return shapes_[i].back() % kVector == 0;
}

bool Planner::convolve(std::size_t i) {
  const GraphLayer& layer = graph_.layers[i];
  const GraphLayer& before = graph_.layers[layer.inputs[0]];
  const bool padded = before.kind == LayerKind::kPad;
  if (padded && layer.same) return false;
  const auto& k = layer.kernel.shape;
  const bool close = layer.dilation == std::array<std::size_t, 2>{1, 1};
  if (layer.groups != 1) {
    add_step(i, PlanStep::Kind::kDepthwise);
    return is_depthwise(layer) && close && k[3] % kVector == 0 && is_map(reads_.back());
  }
  const bool even = !padded || (before.borders[0] == before.borders[2] && before.borders[0] <= 1);
  bool winograd = k[0] == 3 && k[1] == 3 && layer.strides == std::array<std::size_t, 2>{1, 1} && close &&
                  even && k[2] % kVector == 0 && shapes_[i][0] >= kTiles[0] && shapes_[i][1] >= kTiles[0];
  // A residual is added by plain convolutions only; which layers have one is not known yet.
  winograd =
      winograd && !std::ranges::any_of(graph_.layers, [&](const GraphLayer& reader) {
        return reader.kind == LayerKind::kAdd && std::ranges::find(reader.inputs, i) != reader.inputs.end();
      });
  winograd = winograd && element_ != Element::kByte;
  if (like_ != nullptr) winograd = like_->steps.at(plan_.steps.size()).kind == PlanStep::Kind::kWinograd;
  add_step(i, winograd ? PlanStep::Kind::kWinograd : PlanStep::Kind::kConvolution);
  return k[3] % kVector == 0 && (k[2] % kVector == 0 || !is_map(reads_.back()));
}

bool Planner::collect_layer(std::size_t i) {
  const GraphLayer& layer = graph_.layers[i];
  for (const std::size_t from : layer.inputs) {
    if (graph_.layers[from].kind == LayerKind::kPad && layer.kind != LayerKind::kConvolution) return false;
  }
  switch (layer.kind) {
    case LayerKind::kInput:
      value_of_[i] = values_.size();
      values_.push_back({.shape = shapes_[i]});
      values_.back().place = PlanPlace{.kind = PlanPlace::Kind::kInput};
      return i == 0 && shapes_[i].size() == 3;
    case LayerKind::kConvolution:
      return convolve(i);
    case LayerKind::kDense:
      add_step(i, PlanStep::Kind::kConvolution);
      return layer.kernel.shape[1] % kVector == 0 && layer.kernel.shape[0] % kVector == 0;
    case LayerKind::kDeconvolution: {
      PlanStep& step = add_step(i, PlanStep::Kind::kConvolution);
      std::ranges::copy(layer.strides, step.block);
      return layer.kernel.shape[2] % kVector == 0 && layer.kernel.shape[3] % kVector == 0;
    }
    case LayerKind::kMaxPool:
    case LayerKind::kGlobalAverage:
      add_step(i, PlanStep::Kind::kPool);
      return shapes_[i].back() % kVector == 0;
    case LayerKind::kUpsample: {
      PlanStep& step = add_step(i, PlanStep::Kind::kSum);
      std::ranges::copy(layer.strides, step.block);
      return shapes_[i].back() % kVector == 0 && is_map(reads_.back());
    }
    case LayerKind::kAffine:
      add_step(i, PlanStep::Kind::kAffine);
      return layer.inputs[0] == 0;
    case LayerKind::kPad:
      value_of_[i] = value_of_[layer.inputs[0]];
      return true;
    case LayerKind::kRelu:
    case LayerKind::kLeaky:
      return join_activation(i);
    case LayerKind::kAdd:
      return add(i);
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

/// One row that a convolution makes lies with the caller at once; anything else is copied there.
bool Planner::give_outputs() {
  const OutputSlice& only = outputs_[0];
  const Value& value = values_[value_of_[only.layer]];
  if (outputs_.size() == 1 && !only.sigmoid && value.step != kNone && readers_[only.layer] == 1 &&
      plan_.steps[value.step].kind == PlanStep::Kind::kConvolution &&
      value.shape == std::vector<std::size_t>{1, 1, only.channels}) {
    plan_.outputs = only.channels;
    plan_.output_shapes = {{only.channels}};
    values_[value_of_[only.layer]].place = PlanPlace{.kind = PlanPlace::Kind::kOutput};
    return true;
  }
  for (const OutputSlice& output : outputs_) {
    const std::size_t from = value_of_[output.layer];
    const Value& given = values_[from];
    if (given.step == kNone && given.parts.empty()) return false;
    PlanStep step{.kind = PlanStep::Kind::kOutput, .layer = output.layer, .sigmoid = output.sigmoid};
    step.in_shape = given.shape;
    step.out_shape = {given.shape[0], given.shape[1], output.channels};
    plan_.output_shapes.push_back(
        shapes_[output.layer].size() == 3 ? step.out_shape : std::vector<std::size_t>{output.channels});
    reads_.push_back(from);
    adds_.push_back(kNone);
    writes_.push_back(values_.size());
    Value there{.step = plan_.steps.size(), .shape = step.out_shape};
    there.place = PlanPlace{.kind = PlanPlace::Kind::kOutput, .channel = plan_.outputs};
    plan_.outputs += step.out_shape[0] * step.out_shape[1] * output.channels;
    first_channels_[plan_.steps.size()] = output.first;
    values_.push_back(std::move(there));
    plan_.steps.push_back(std::move(step));
  }
  return true;
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
  if (count < 2 || outputs_.empty()) return false;
  for (const OutputSlice& output : outputs_) {
    if (output.layer >= count) return false;
    ++readers_[output.layer];
  }
  for (std::size_t i = 0; i < count; ++i) {
    shapes_.push_back(output_shape(graph_, i, shapes_));
    if (!collect_layer(i)) return false;
  }
  if (plan_.steps.empty() || !give_outputs()) return false;
  plan_.input = shapes_[0];
  for (std::size_t i = 0; i < count; ++i) {
    if (graph_.layers[i].kind != LayerKind::kPad) values_[value_of_[i]].layer = i;
  }
  for (std::size_t s = 0; s < plan_.steps.size(); ++s) {
    values_[reads_[s]].read_by.push_back(s);
    if (adds_[s] != kNone) values_[adds_[s]].read_by.push_back(s);
  }
  return true;
}

std::size_t Planner::new_buffer(const Value& value, Element element) {
  const bool apart = value.shape[2] >= kWide && element != Element::kByte;
  plan_.buffers.push_back({.rows = value.shape[0],
                           .height = value.shape[0],
                           .width = value.shape[1],
                           .channels = value.shape[2],
                           .stride = value.shape[2] + (apart ? kApart : 0),
                           .element = element});
  return plan_.buffers.size() - 1;
}

/// A joined value's parts are written side by side where it lies.
void Planner::place_joined(std::size_t value) {
  if (!values_[value].place)
    values_[value].place =
        PlanPlace{.buffer = new_buffer(values_[value], element_), .scale = scale_of(value)};
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
  streams_ = std::ranges::any_of(
      plan_.steps, [](const PlanStep& step) { return step.kind == PlanStep::Kind::kDepthwise; });
  for (std::size_t v = values_.size(); v-- > 0;) {
    if (!values_[v].parts.empty()) place_joined(v);
  }
  if (!fits_) return false;
  for (std::size_t s = 0; s < plan_.steps.size(); ++s) {
    PlanStep& step = plan_.steps[s];
    Value& made = values_[writes_[s]];
    if (!made.place && adds_[s] != kNone && !streams_ && in_place(step, adds_[s])) {
      made.place = values_[adds_[s]].place;
      made.place->scale = scale_of(writes_[s]);
    }
    step.average = graph_.layers[step.layer].kind == LayerKind::kGlobalAverage;
    if (!made.place) {
      const Element element = is_exact(s) ? Element::kF32 : element_;
      made.place = PlanPlace{.buffer = new_buffer(made, element)};
      if (element == Element::kByte) made.place->scale = scale_of(writes_[s]);
      // Its largest are its input's.
      if (step.kind == PlanStep::Kind::kPool && !step.average)
        made.place->scale = values_[reads_[s]].place->scale;
    }
    step.in = *values_[reads_[s]].place;
    if (step.kind == PlanStep::Kind::kOutput) step.in.channel += first_channels_[s];
    step.out = *made.place;
    if (adds_[s] != kNone) step.add = *values_[adds_[s]].place;
    if (element_ == Element::kByte && !fits_bytes(step)) return false;
  }
  return true;
}

/// Whether a step's values stay f32 whatever the network's element: rows of averages, the pictures
/// themselves, and in bytes what goes out.
bool Planner::is_exact(std::size_t s) const {
  const PlanStep& step = plan_.steps[s];
  const auto goes_out = [&](std::size_t reader) {
    return plan_.steps[reader].kind == PlanStep::Kind::kOutput;
  };
  return step.average || step.kind == PlanStep::Kind::kAffine ||
         (element_ == Element::kByte && step.kind == PlanStep::Kind::kConvolution &&
          std::ranges::all_of(values_[writes_[s]].read_by, goes_out));
}

/// Steps of the range between 0 and 255, 0 being one of them.
ByteScale Planner::scale_of(std::size_t value) {
  if (element_ != Element::kByte) return {};
  const std::size_t layer = values_[value].layer;
  if (layer == kNone) return {};  // a part of a joined value, whose scale it has
  plan_.byte_layers.push_back(layer);
  if (ranges_.empty()) return {};
  const ValueRange& range = ranges_.at(layer);
  const float step = std::max((range.high - range.low) / 255, kLeastStep);
  return {step, static_cast<std::uint8_t>(std::clamp(std::nearbyint(-range.low / step), 0.0F, 255.0F))};
}

/// What of a step in bytes has no kernel.
bool Planner::fits_bytes(const PlanStep& step) const {
  const auto is_bytes = [&](const PlanPlace& place) {
    return place.kind == PlanPlace::Kind::kBuffer && plan_.buffers[place.buffer].element == Element::kByte;
  };
  if (deconvolves(step) || like_ != nullptr) return false;
  if (step.add && !(is_bytes(step.in) && is_bytes(*step.add))) return false;
  using Kind = PlanStep::Kind;
  if (step.kind == Kind::kOutput) return !is_bytes(step.in);
  if (step.kind == Kind::kDepthwise || step.kind == Kind::kSum)
    return is_bytes(step.in) && is_bytes(step.out);
  return step.kind != Kind::kPool || (is_bytes(step.in) && is_bytes(step.out) == !step.average);
}

void Planner::find_makers() {
  const std::function<void(std::size_t, std::vector<std::size_t>&)> collect_makers =
      [&](std::size_t value, std::vector<std::size_t>& into) {
        if (values_[value].step != kNone) into.push_back(values_[value].step);
        for (const std::size_t part : values_[value].parts) collect_makers(part, into);
      };
  for (std::size_t s = 0; s < plan_.steps.size(); ++s) {
    collect_makers(reads_[s], plan_.steps[s].after);
    if (adds_[s] != kNone) collect_makers(adds_[s], plan_.steps[s].add_after);
  }
}

/// Which steps take all pictures at once, and which go band by band.
void Planner::find_streams() {
  find_makers();
  // Large maps go through the first layers one picture after the other and stay near the core; from the first
  // layer on that has more weights than twice its maps, all pictures share each reading of the weights. Of a
  // detector's pictures each is large.
  bool whole = false;
  const bool rows = values_[writes_.back()].shape[0] == 1 && plan_.output_shapes.size() == 1;
  for (PlanStep& step : plan_.steps) {
    const auto count = [](const std::vector<std::size_t>& shape) {
      return std::accumulate(shape.begin(), shape.end(), std::size_t{1}, std::multiplies<>());
    };
    const auto& kernel = graph_.layers[step.layer].kernel.shape;
    whole |= rows && !kernel.empty() && count(kernel) > 2 * (count(step.in_shape) + count(step.out_shape));
    step.whole = whole;
    const bool small = step.kind != PlanStep::Kind::kConvolution ||
                       (step.weight_bytes <= kMostStreamed && graph_.layers[step.layer].dilation[0] == 1);
    step.streamed = streams_ && !whole && small && step.kind != PlanStep::Kind::kWinograd && !step.average;
    if (step.kind == PlanStep::Kind::kConvolution && step.window[0] + step.pad[0] > 1 &&
        step.in.kind == PlanPlace::Kind::kBuffer) {
      plan_.buffers[step.in.buffer].all_rows = true;
    }
  }
}

void Planner::find_lives() {
  const auto& steps = plan_.steps;
  const auto& tasks = plan_.tasks;
  for (PlanBuffer& buffer : plan_.buffers) buffer.first = tasks.size();
  const auto touch = [&](const PlanPlace& place, std::size_t t) {
    if (place.kind != PlanPlace::Kind::kBuffer) return;
    PlanBuffer& buffer = plan_.buffers[place.buffer];
    buffer.first = std::min(buffer.first, t);
    buffer.last = std::max(buffer.last, t);
    buffer.whole |= steps[tasks[t].step].whole;
  };
  for (std::size_t t = 0; t < tasks.size(); ++t) {
    const PlanStep& step = steps[tasks[t].step];
    touch(step.in, t);
    touch(step.out, t);
    if (step.add) touch(*step.add, t);
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

/// Windows, strides and padding.
void set_window(PlanStep& step, const GraphLayer& layer) {
  using Kind = PlanStep::Kind;
  if (step.kind == Kind::kSum || step.kind == Kind::kAffine || step.kind == Kind::kOutput ||
      layer.kind == LayerKind::kDense || deconvolves(step)) {
    return;
  }
  for (std::size_t axis = 0; axis < 2; ++axis) {
    step.strides[axis] = layer.strides[axis];
    step.window[axis] = layer.kind == LayerKind::kConvolution ? layer.kernel.shape[axis] : layer.window[axis];
    if (step.average) step.window[axis] = step.in_shape[axis];
    const std::size_t reach = (step.window[axis] - 1) * layer.dilation[axis] + 1;
    const std::size_t covered = (step.out_shape[axis] - 1) * layer.strides[axis] + reach;
    if (layer.same) step.pad[axis] = covered > step.in_shape[axis] ? (covered - step.in_shape[axis]) / 2 : 0;
  }
}

void Planner::finish(PlanStep& step) {
  const GraphLayer& layer = graph_.layers[step.layer];
  using Kind = PlanStep::Kind;
  set_window(step, layer);
  const auto pack = [&](std::size_t& place, std::size_t bytes) {
    place = plan_.packed_bytes;
    plan_.packed_bytes += aligned(bytes);
  };
  const bool input = step.in.kind == PlanPlace::Kind::kInput;
  const std::size_t outputs = panels(step.out_shape[2]);
  const Element read = input ? Element::kF32 : plan_.buffers[step.in.buffer].element;
  step.rounds = read == Element::kF32 && step.out.kind == PlanPlace::Kind::kBuffer &&
                plan_.buffers[step.out.buffer].element == Element::kByte;
  // Networks of few products lose more by pairs of weights that keep to a limit than others gain.
  step.any_pairs = streams_;
  if (step.leaky) pack(step.slope, outputs * 4);
  if (step.kind == Kind::kPool || step.kind == Kind::kSum || step.kind == Kind::kOutput) return;
  if (step.kind == Kind::kWinograd) {
    step.tile = *std::ranges::min_element(kTiles, {}, [&](std::size_t tile) {
      return tiles_over(step.out_shape[0], step.out_shape[1], tile) * tile_taps(tile);
    });
    // In bf16 what is transformed is rounded once more. Many inputs make up for it; few would show it.
    if (step.in_shape[2] >= kManyInputs) step.weight_element = plan_.buffers[step.in.buffer].element;
    if (step.weight_element == Element::kBf16 && step.in_shape[2] < 2 * kManyInputs) step.tile = kTiles[0];
    if (like_ != nullptr)
      step.tile = like_->steps.at(static_cast<std::size_t>(&step - plan_.steps.data())).tile;
    step.weight_bytes = tile_taps(step.tile) * outputs * step.in_shape[2] * size_of(step.weight_element);
  } else if (step.kind == Kind::kConvolution) {
    find_pixels(step, layer, input ? step.in_shape[2] : plan_.buffers[step.in.buffer].stride);
    step.weight_element = read;
    step.weight_bytes = step.block[0] * step.block[1] * step.inputs * outputs * size_of(step.weight_element);
  } else {
    step.weight_bytes = step.window[0] * step.window[1] * outputs * 4;
    if (read == Element::kByte) step.weight_element = read;
  }
  if (step.weight_element == Element::kByte) {
    const ByteRoom room = byte_room(step);
    step.weight_bytes = room.weights;
    pack(step.weights, room.weights);
    pack(step.bias, room.starts * sizeof(std::int32_t));
    return pack(step.factors, 2 * room.factors * sizeof(float));
  }
  pack(step.weights, step.weight_bytes);
  pack(step.bias, outputs * 4);
}

}  // namespace

std::size_t PlanBuffer::bytes() const { return aligned(rows * width * stride * size_of(element)); }

std::optional<Plan> make_plan(const PreparedGraph& graph, Element element, const Plan* like) {
  return Planner(graph, element, like).plan();
}

}  // namespace likeness
