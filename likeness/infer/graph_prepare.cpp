#include "likeness/infer/graph_prepare.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

#include "likeness/infer/graph_kernels.h"

namespace likeness {
namespace {

using Shape = std::vector<std::size_t>;

std::vector<Shape> shapes_of(const Graph& graph) {
  std::vector<Shape> shapes;
  for (std::size_t i = 0; i < graph.layers.size(); ++i) shapes.push_back(output_shape(graph, i, shapes));
  return shapes;
}

std::vector<std::size_t> readers_of(const PreparedGraph& prepared) {
  std::vector<std::size_t> readers(prepared.graph.layers.size(), 0);
  for (const GraphLayer& layer : prepared.graph.layers) {
    for (const std::size_t from : layer.inputs) ++readers[from];
  }
  for (const OutputSlice& output : prepared.outputs) ++readers[output.layer];
  return readers;
}

/// Leaves out layers that no output needs.
void prune(PreparedGraph& prepared) {
  auto& layers = prepared.graph.layers;
  std::vector<bool> needed(layers.size(), false);
  needed[0] = true;
  for (const OutputSlice& output : prepared.outputs) needed[output.layer] = true;
  for (std::size_t i = layers.size(); i-- > 0;) {
    if (!needed[i]) continue;
    for (const std::size_t from : layers[i].inputs) needed[from] = true;
  }
  std::vector<GraphLayer> kept;
  std::vector<std::size_t> place(layers.size());
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (!needed[i]) continue;
    for (std::size_t& from : layers[i].inputs) from = place[from];
    place[i] = kept.size();
    kept.push_back(std::move(layers[i]));
  }
  layers = std::move(kept);
  for (OutputSlice& output : prepared.outputs) output.layer = place[output.layer];
}

bool is_affine(const GraphLayer& layer) {
  return layer.kind == LayerKind::kAffine || layer.kind == LayerKind::kScale;
}

/// A kScale as a kAffine.
void spread(GraphLayer& layer, std::size_t channels) {
  if (layer.kind != LayerKind::kScale) return;
  layer.kind = LayerKind::kAffine;
  layer.factor.assign(channels, layer.scale);
  layer.shift.assign(channels, 0.0F);
  layer.scale = 1;
}

/// dense(x * factor + shift) as a dense layer of x; channels of its input repeat.
void absorb_before(GraphLayer& dense, const GraphLayer& step) {
  const std::size_t inputs = dense.kernel.shape[0], outputs = dense.kernel.shape[1];
  const std::size_t channels = step.factor.size();
  std::vector<double> bias(outputs, 0.0);
  std::copy(dense.bias.begin(), dense.bias.end(), bias.begin());
  for (std::size_t i = 0; i < inputs; ++i) {
    float* row = dense.kernel.values.data() + i * outputs;
    const double factor = step.factor[i % channels], shift = step.shift[i % channels];
    for (std::size_t o = 0; o < outputs; ++o) {
      bias[o] += shift * row[o];
      row[o] = static_cast<float>(factor * row[o]);
    }
  }
  dense.bias.assign(outputs, 0.0F);
  std::ranges::transform(bias, dense.bias.begin(), [](double value) { return static_cast<float>(value); });
}

/// Normalisations that nothing before them takes go into the one layer that reads them.
void fold_forward(PreparedGraph& prepared) {
  auto& layers = prepared.graph.layers;
  const std::vector<Shape> shapes = shapes_of(prepared.graph);
  const std::vector<std::size_t> readers = readers_of(prepared);
  for (std::size_t i = 1; i < layers.size(); ++i) {
    if (layers[i].inputs.empty()) continue;
    std::size_t reader = i;
    std::size_t from = layers[i].inputs[0];
    if (layers[i].kind == LayerKind::kDense && layers[from].kind == LayerKind::kFlatten &&
        readers[from] == 1) {
      reader = from;  // the flattened value is read in its place
      from = layers[from].inputs[0];
    }
    if (!is_affine(layers[from]) || readers[from] != 1) continue;
    spread(layers[from], shapes[from].back());
    if (layers[i].kind == LayerKind::kDense) {
      absorb_before(layers[i], layers[from]);
    } else if (is_affine(layers[i])) {
      spread(layers[i], shapes[i].back());
      for (std::size_t c = 0; c < shapes[i].back(); ++c) {
        layers[i].shift[c] += layers[from].shift[c] * layers[i].factor[c];
        layers[i].factor[c] *= layers[from].factor[c];
      }
    } else {
      continue;
    }
    layers[reader].inputs[0] = layers[from].inputs[0];
  }
  for (std::size_t i = 0; i < layers.size(); ++i) spread(layers[i], shapes[i].back());
  prune(prepared);
}

/// An output's last layers: a convolution of single pixels, and perhaps a depthwise one after it.
struct Head {
  std::size_t output = 0;  ///< Which of the outputs.
  std::size_t pixels = 0;
  std::optional<std::size_t> depthwise;
};

std::optional<Head> head_of(const PreparedGraph& prepared, std::size_t output,
                            const std::vector<std::size_t>& readers) {
  const auto& layers = prepared.graph.layers;
  Head head{.output = output};
  std::size_t at = prepared.outputs[output].layer;
  if (readers[at] != 1) return std::nullopt;
  if (is_depthwise(layers[at])) {
    head.depthwise = at;
    // Torch pads on all sides: another layer, in between.
    at = layers[at].inputs[0];
    if (layers[at].kind == LayerKind::kPad && readers[at] == 1) at = layers[at].inputs[0];
    if (readers[at] != 1) return std::nullopt;
  }
  const GraphLayer& pixels = layers[at];
  const auto& k = pixels.kernel.shape;
  if (pixels.kind != LayerKind::kConvolution || pixels.groups != 1 || k[0] != 1 || k[1] != 1)
    return std::nullopt;
  head.pixels = at;
  return head;
}

bool alike(const GraphLayer& a, const GraphLayer& b) {
  const auto& k = a.kernel.shape;
  const auto& l = b.kernel.shape;
  return k[0] == l[0] && k[1] == l[1] && k[2] == l[2] && a.strides == b.strides && a.dilation == b.dilation &&
         a.same == b.same;
}

bool alike(const Graph& graph, const Head& a, const Head& b) {
  const auto& layers = graph.layers;
  if (layers[a.pixels].inputs != layers[b.pixels].inputs || !alike(layers[a.pixels], layers[b.pixels]) ||
      a.depthwise.has_value() != b.depthwise.has_value()) {
    return false;
  }
  if (!a.depthwise) return true;
  const GraphLayer& before = layers[layers[*a.depthwise].inputs[0]];
  const GraphLayer& other = layers[layers[*b.depthwise].inputs[0]];
  return alike(layers[*a.depthwise], layers[*b.depthwise]) && before.kind == other.kind &&
         (before.kind != LayerKind::kPad || before.borders == other.borders);
}

/// The outputs of `more` stand behind those of `into`.
void append_outputs(GraphLayer& into, const GraphLayer& more) {
  const std::size_t had = into.kernel.shape[3], has = more.kernel.shape[3];
  Tensor joined{into.kernel.shape, {}};
  joined.shape[3] = had + has;
  const std::size_t rows = into.kernel.values.size() / had;
  for (std::size_t row = 0; row < rows; ++row) {
    const auto take = [&](const GraphLayer& layer, std::size_t count) {
      const float* from = layer.kernel.values.data() + row * count;
      joined.values.insert(joined.values.end(), from, from + count);
    };
    take(into, had);
    take(more, has);
  }
  into.kernel = std::move(joined);
  into.bias.resize(had, 0.0F);
  if (more.bias.empty()) into.bias.resize(had + has, 0.0F);
  into.bias.insert(into.bias.end(), more.bias.begin(), more.bias.end());
  if (into.groups != 1) into.groups = had + has;
}

/// Outputs that are convolved from one value become channels of one.
void merge_heads(PreparedGraph& prepared) {
  const std::vector<std::size_t> readers = readers_of(prepared);
  std::vector<Head> firsts;
  for (std::size_t n = 0; n < prepared.outputs.size(); ++n) {
    const std::optional<Head> head = head_of(prepared, n, readers);
    if (!head) continue;
    const auto first =
        std::ranges::find_if(firsts, [&](const Head& f) { return alike(prepared.graph, f, *head); });
    if (first == firsts.end()) {
      firsts.push_back(*head);
      continue;
    }
    auto& layers = prepared.graph.layers;
    OutputSlice& output = prepared.outputs[n];
    output.first = layers[first->pixels].kernel.shape[3];
    output.layer = prepared.outputs[first->output].layer;
    append_outputs(layers[first->pixels], layers[head->pixels]);
    if (!head->depthwise) continue;
    // One channel alone is written as an ordinary convolution.
    GraphLayer& depthwise = layers[*first->depthwise];
    depthwise.groups = depthwise.kernel.shape[3];
    append_outputs(depthwise, layers[*head->depthwise]);
    depthwise.groups = depthwise.kernel.shape[3];
  }
  prune(prepared);
}

/// A picture's dense layer is a convolution whose window is the picture.
void convolve_dense(PreparedGraph& prepared) {
  auto& layers = prepared.graph.layers;
  const std::vector<Shape> shapes = shapes_of(prepared.graph);
  for (GraphLayer& layer : layers) {
    if (layer.kind != LayerKind::kDense || layers[layer.inputs[0]].kind != LayerKind::kFlatten) continue;
    const std::size_t from = layers[layer.inputs[0]].inputs[0];
    const Shape& in = shapes[from];
    layer.kind = LayerKind::kConvolution;
    layer.inputs = {from};
    layer.kernel.shape = {in[0], in[1], in[2], layer.kernel.shape[1]};
  }
  prune(prepared);
}

/// Where a layer's channels lie among those that it has with zeros beside them.
struct Channels {
  std::vector<std::size_t> places;
  std::size_t all = 0;
};

std::size_t whole_vectors(std::size_t channels) { return (channels + kVector - 1) / kVector * kVector; }

Channels beside_zeros(std::size_t channels) {
  Channels value{std::vector<std::size_t>(channels), whole_vectors(channels)};
  std::iota(value.places.begin(), value.places.end(), std::size_t{0});
  return value;
}

void spread(std::vector<float>& values, const Channels& to) {
  if (values.size() != to.places.size() || to.all == values.size()) return;
  std::vector<float> wide(to.all, 0.0F);
  for (std::size_t c = 0; c < values.size(); ++c) wide[to.places[c]] = values[c];
  values = std::move(wide);
}

/// A kernel's rows and columns; `in` are its inputs, null where each output has one of its own.
void spread(Tensor& kernel, const Channels* in, const Channels& out) {
  const std::size_t rank = kernel.shape.size();
  const std::size_t inputs = kernel.shape[rank - 2], outputs = kernel.shape[rank - 1];
  const std::size_t all = in == nullptr ? inputs : in->all;
  if (all == inputs && out.all == outputs) return;
  const std::size_t window = kernel.values.size() / inputs / outputs;
  std::vector<float> wide(window * all * out.all, 0.0F);
  for (std::size_t row = 0; row < window * inputs; ++row) {
    const std::size_t i = in == nullptr ? row % inputs : in->places[row % inputs];
    for (std::size_t o = 0; o < outputs; ++o)
      wide[(row / inputs * all + i) * out.all + out.places[o]] = kernel.values[row * outputs + o];
  }
  kernel.values = std::move(wide);
  kernel.shape[rank - 2] = all;
  kernel.shape[rank - 1] = out.all;
}

Channels widened(GraphLayer& layer, const std::vector<Channels>& before) {
  if (layer.kind == LayerKind::kInput) {
    Channels value = beside_zeros(layer.shape.back());
    value.all = layer.shape.back();  // the caller's pictures have no zeros
    return value;
  }
  const Channels& in = before[layer.inputs[0]];
  switch (layer.kind) {
    case LayerKind::kConvolution:
    case LayerKind::kDeconvolution:
    case LayerKind::kDense: {
      const bool apart = is_depthwise(layer);
      const Channels out = apart ? in : beside_zeros(layer.kernel.shape.back());
      spread(layer.bias, out);
      spread(layer.kernel, apart ? nullptr : &in, out);
      if (apart) layer.groups = out.all;
      return out;
    }
    case LayerKind::kConcatenate: {
      Channels out;
      for (const std::size_t from : layer.inputs) {
        for (const std::size_t place : before[from].places) out.places.push_back(out.all + place);
        out.all += before[from].all;
      }
      return out;
    }
    default:
      spread(layer.factor, in);
      spread(layer.shift, in);
      spread(layer.slope, in);
      return in;
  }
}

/// Channels in whole vectors. Where zeros would come between them in other places than the reader needs (a
/// sum of a joined value and a plain one, an output that is joined) nothing is left to compute: the graph is
/// another's.
void widen(PreparedGraph& prepared) {
  std::vector<Channels> channels;
  bool fits = true;
  for (GraphLayer& layer : prepared.graph.layers) {
    channels.push_back(widened(layer, channels));
    if (layer.kind != LayerKind::kAdd) continue;
    for (const std::size_t from : layer.inputs)
      fits = fits && channels[from].places == channels[layer.inputs[0]].places;
  }
  for (const OutputSlice& output : prepared.outputs) {
    const auto& places = channels[output.layer].places;
    fits = fits && (places.empty() || places.back() + 1 == places.size());
  }
  if (!fits) prepared.outputs.clear();
}

}  // namespace

bool is_depthwise(const GraphLayer& layer) {
  const Shape& k = layer.kernel.shape;
  return layer.kind == LayerKind::kConvolution && k.size() == 4 && k[2] == 1 && k[3] == layer.groups;
}

PreparedGraph prepare(Graph graph) {
  fold(graph);
  PreparedGraph prepared{std::move(graph), {}};
  const std::vector<Shape> shapes = shapes_of(prepared.graph);
  for (std::size_t layer : prepared.graph.all_outputs()) {
    const bool sigmoid = prepared.graph.layers[layer].kind == LayerKind::kSigmoid;
    if (sigmoid) layer = prepared.graph.layers[layer].inputs[0];
    prepared.outputs.push_back({.layer = layer, .channels = shapes[layer].back(), .sigmoid = sigmoid});
  }
  fold_forward(prepared);
  merge_heads(prepared);
  convolve_dense(prepared);
  widen(prepared);
  if (!prepared.outputs.empty()) prepared.graph.output = prepared.outputs[0].layer;
  prepared.graph.outputs.clear();
  return prepared;
}

}  // namespace likeness
