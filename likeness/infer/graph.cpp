#include "likeness/infer/graph.h"

#include <algorithm>
#include <cstdint>
#include <stdexcept>

namespace likeness {
namespace {

using Shape = std::vector<std::size_t>;

constexpr std::size_t kLargestPicture = 1U
                                        << 28;  // numbers in one layer's output; guards against huge strides

[[noreturn]] void misfit(const std::string& what) { throw std::runtime_error(what); }

std::string text_of(const Shape& shape) {
  std::string text;
  for (const std::size_t size : shape) text += (text.empty() ? "" : " x ") + std::to_string(size);
  return text;
}

/// How many windows fit along one side.
std::size_t windows(std::size_t side, std::size_t window, std::size_t stride, bool same) {
  if (window == 0 || stride == 0) misfit("has a window or stride of 0");
  if (same) return (side + stride - 1) / stride;
  if (window > side)
    misfit("has a window of " + std::to_string(window) + " over a side of " + std::to_string(side));
  return (side - window) / stride + 1;
}

Shape windowed(const Shape& in, const GraphLayer& layer, std::array<std::size_t, 2> window,
               std::size_t channels) {
  if (in.size() != 3) misfit("needs a picture, not " + text_of(in));
  return {windows(in[0], window[0], layer.strides[0], layer.same),
          windows(in[1], window[1], layer.strides[1], layer.same), channels};
}

Shape convolved(const Shape& in, const GraphLayer& layer) {
  const Shape& k = layer.kernel.shape;
  if (k.size() != 4 || in.size() != 3 || layer.groups == 0 || in[2] % layer.groups != 0 ||
      k[2] != in[2] / layer.groups || k[3] % layer.groups != 0) {
    misfit("has a kernel of " + text_of(k) + " over an input of " + text_of(in));
  }
  if (!layer.bias.empty() && layer.bias.size() != k[3])
    misfit("has a bias of " + std::to_string(layer.bias.size()));
  std::array<std::size_t, 2> window{};
  for (std::size_t i = 0; i < 2; ++i) {
    if (layer.dilation[i] == 0 || layer.dilation[i] > 1024 || k[i] == 0 || k[i] > 1024)
      misfit("has an odd window");
    window[i] = (k[i] - 1) * layer.dilation[i] + 1;
  }
  return windowed(in, layer, window, k[3]);
}

/// Every pixel becomes a block.
Shape enlarged(const Shape& in, const GraphLayer& layer) {
  if (in.size() != 3) misfit("needs a picture, not " + text_of(in));
  for (const std::size_t side : layer.strides) {
    if (side == 0 || side > 1024) misfit("has an odd block");
  }
  Shape out{in[0] * layer.strides[0], in[1] * layer.strides[1], in[2]};
  if (layer.kind == LayerKind::kUpsample) return out;
  const Shape& k = layer.kernel.shape;
  if (k.size() != 4 || k[0] != layer.strides[0] || k[1] != layer.strides[1] || k[2] != in[2])
    misfit("has a kernel of " + text_of(k) + " over an input of " + text_of(in));
  if (!layer.bias.empty() && layer.bias.size() != k[3])
    misfit("has a bias of " + std::to_string(layer.bias.size()));
  out[2] = k[3];
  return out;
}

Shape concatenated(const GraphLayer& layer, const std::vector<Shape>& before) {
  Shape out = before[layer.inputs.front()];
  for (std::size_t n = 1; n < layer.inputs.size(); ++n) {
    const Shape& next = before[layer.inputs[n]];
    if (next.size() != out.size() || !std::equal(out.begin(), out.end() - 1, next.begin())) {
      misfit("joins " + text_of(out) + " and " + text_of(next));
    }
    out.back() += next.back();
  }
  return out;
}

Shape shape_without_limit(const Graph& graph, std::size_t i, const std::vector<Shape>& before) {
  const GraphLayer& layer = graph.layers[i];
  if (layer.kind == LayerKind::kInput) return layer.shape;
  if (layer.inputs.empty()) misfit("has no input");
  const Shape& in = before[layer.inputs.front()];
  switch (layer.kind) {
    case LayerKind::kConvolution:
      return convolved(in, layer);
    case LayerKind::kMaxPool:
      return windowed(in, layer, layer.window, in.size() == 3 ? in[2] : 0);
    case LayerKind::kAffine:
      if (layer.factor.size() != in.back() || layer.shift.size() != in.back()) {
        misfit("has " + std::to_string(layer.factor.size()) + " values for " + std::to_string(in.back()) +
               " channels");
      }
      return in;
    case LayerKind::kConcatenate:
      return concatenated(layer, before);
    case LayerKind::kAdd:
      for (const std::size_t n : layer.inputs) {
        if (before[n] != in) misfit("adds " + text_of(in) + " and " + text_of(before[n]));
      }
      return in;
    case LayerKind::kGlobalAverage:
    case LayerKind::kGlobalMax:
      if (in.size() != 3) misfit("needs a picture, not " + text_of(in));
      return {in[2]};
    case LayerKind::kPad:
      if (in.size() != 3) misfit("needs a picture, not " + text_of(in));
      return {in[0] + layer.borders[0] + layer.borders[1], in[1] + layer.borders[2] + layer.borders[3],
              in[2]};
    case LayerKind::kFlatten:
      if (in.size() != 3) misfit("needs a picture, not " + text_of(in));
      return {in[0] * in[1] * in[2]};
    case LayerKind::kLeaky: {
      const std::size_t all = in.size() == 3 ? in[0] * in[1] * in[2] : in.back();
      if (layer.slope.size() != in.back() && layer.slope.size() != all)
        misfit("has " + std::to_string(layer.slope.size()) + " slopes for " + text_of(in));
      return in;
    }
    case LayerKind::kUnitLength:
      if (in.size() != 1) misfit("needs a row, not " + text_of(in));
      return in;
    case LayerKind::kUpsample:
    case LayerKind::kDeconvolution:
      return enlarged(in, layer);
    case LayerKind::kDense:
      if (in.size() != 1 || layer.kernel.shape.size() != 2 || layer.kernel.shape[0] != in[0]) {
        misfit("has a kernel of " + text_of(layer.kernel.shape) + " over an input of " + text_of(in));
      }
      if (!layer.bias.empty() && layer.bias.size() != layer.kernel.shape[1])
        misfit("has a bias of another size");
      return {layer.kernel.shape[1]};
    default:
      return in;
  }
}

/// The layer's outgoing channels: y * factor + shift, where y is what it gave before.
void absorb(GraphLayer& into, const GraphLayer& step) {
  const std::size_t channels = into.kernel.shape.back();
  if (into.bias.empty()) into.bias.assign(channels, 0.0F);
  const auto factor = [&](std::size_t c) {
    return step.kind == LayerKind::kScale ? static_cast<double>(step.scale)
                                          : static_cast<double>(step.factor[c]);
  };
  std::vector<double> factors(channels);
  for (std::size_t c = 0; c < channels; ++c) factors[c] = factor(c);
  for (std::size_t i = 0; i < into.kernel.values.size(); i += channels) {
    float* row = into.kernel.values.data() + i;
    for (std::size_t c = 0; c < channels; ++c) row[c] = static_cast<float>(row[c] * factors[c]);
  }
  for (std::size_t c = 0; c < channels; ++c) {
    const double shift = step.kind == LayerKind::kScale ? 0.0 : static_cast<double>(step.shift[c]);
    into.bias[c] = static_cast<float>(into.bias[c] * factor(c) + shift);
  }
}

}  // namespace

Shape output_shape(const Graph& graph, std::size_t i, const std::vector<Shape>& before) {
  Shape shape = shape_without_limit(graph, i, before);
  std::size_t count = 1;
  for (const std::size_t size : shape) {
    if (size == 0 || size > kLargestPicture / count) misfit("gives " + text_of(shape) + " numbers");
    count *= size;
  }
  return shape;
}

void fold(Graph& graph) {
  std::vector<std::size_t> readers(graph.layers.size(), 0);
  for (const GraphLayer& layer : graph.layers) {
    for (const std::size_t i : layer.inputs) ++readers[i];
  }
  for (const std::size_t i : graph.all_outputs()) ++readers[i];

  Graph folded;
  std::vector<std::size_t> place(graph.layers.size());  // of each layer in the folded graph
  for (std::size_t n = 0; n < graph.layers.size(); ++n) {
    GraphLayer& layer = graph.layers[n];
    if (layer.kind == LayerKind::kAffine || layer.kind == LayerKind::kScale) {
      GraphLayer& before = folded.layers[place[layer.inputs[0]]];
      const bool weighted = before.kind == LayerKind::kConvolution || before.kind == LayerKind::kDense ||
                            before.kind == LayerKind::kDeconvolution;
      if (weighted && readers[layer.inputs[0]] == 1) {
        absorb(before, layer);
        place[n] = place[layer.inputs[0]];
        continue;
      }
    }
    for (std::size_t& i : layer.inputs) i = place[i];
    place[n] = folded.layers.size();
    folded.layers.push_back(std::move(layer));
  }
  folded.output = place[graph.output];
  for (const std::size_t i : graph.outputs) folded.outputs.push_back(place[i]);
  graph = std::move(folded);
}

}  // namespace likeness
