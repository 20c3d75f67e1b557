#include "likeness/infer/graph.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <openvino/op/add.hpp>
#include <openvino/op/concat.hpp>
#include <openvino/op/convolution.hpp>
#include <openvino/op/matmul.hpp>
#include <openvino/op/max_pool.hpp>
#include <openvino/op/multiply.hpp>
#include <openvino/op/parameter.hpp>
#include <openvino/op/reduce_mean.hpp>
#include <openvino/op/relu.hpp>
#include <openvino/op/result.hpp>
#include <openvino/op/transpose.hpp>
#include <stdexcept>

#include "likeness/infer/openvino.h"

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
  if (k.size() != 4 || in.size() != 3 || k[2] != in[2]) {
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
      if (in.size() != 3) misfit("needs a picture, not " + text_of(in));
      return {in[2]};
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

using Value = ov::Output<ov::Node>;

Value constant(const ov::Shape& shape, const std::vector<float>& values) {
  return std::make_shared<ov::op::v0::Constant>(ov::element::f32, shape, values.data());
}

Value integers(const std::vector<std::int64_t>& values) {
  return ov::op::v0::Constant::create(ov::element::i64, {values.size()}, values);
}

/// Per-channel numbers beside a value of `rank` dimensions, channels second.
Value per_channel(const std::vector<float>& values, bool picture) {
  return constant(picture ? ov::Shape{1, values.size(), 1, 1} : ov::Shape{1, values.size()}, values);
}

/// height, width, in, out to out, in, height, width.
Value convolution_weights(const Tensor& kernel) {
  const auto& k = kernel.shape;
  std::vector<float> values(kernel.values.size());
  for (std::size_t p = 0; p < k[0] * k[1]; ++p) {
    for (std::size_t i = 0; i < k[2]; ++i) {
      for (std::size_t o = 0; o < k[3]; ++o) {
        values[(o * k[2] + i) * k[0] * k[1] + p] = kernel.values[(p * k[2] + i) * k[3] + o];
      }
    }
  }
  return constant({k[3], k[2], k[0], k[1]}, values);
}

Value with_bias(const Value& value, const std::vector<float>& bias, bool picture) {
  if (bias.empty()) return value;
  return std::make_shared<ov::op::v1::Add>(value, per_channel(bias, picture));
}

Value computed(const GraphLayer& layer, const std::vector<Value>& values) {
  namespace op = ov::op;
  const auto pad = layer.same ? op::PadType::SAME_UPPER : op::PadType::VALID;
  const ov::Strides strides{layer.strides[0], layer.strides[1]};
  std::vector<Value> in;
  for (const std::size_t i : layer.inputs) in.push_back(values[i]);
  switch (layer.kind) {
    case LayerKind::kConvolution:
      return with_bias(std::make_shared<op::v1::Convolution>(
                           in[0], convolution_weights(layer.kernel), strides, ov::CoordinateDiff{0, 0},
                           ov::CoordinateDiff{0, 0}, ov::Strides{layer.dilation[0], layer.dilation[1]}, pad),
                       layer.bias, /*picture=*/true);
    case LayerKind::kMaxPool:
      return std::make_shared<op::v1::MaxPool>(in[0], strides, ov::Shape{0, 0}, ov::Shape{0, 0},
                                               ov::Shape{layer.window[0], layer.window[1]},
                                               op::RoundingType::FLOOR, pad);
    case LayerKind::kAffine: {
      const bool picture = in[0].get_partial_shape().size() == 4;
      const Value product = std::make_shared<op::v1::Multiply>(in[0], per_channel(layer.factor, picture));
      return std::make_shared<op::v1::Add>(product, per_channel(layer.shift, picture));
    }
    case LayerKind::kScale:
      return std::make_shared<op::v1::Multiply>(in[0], constant({}, {layer.scale}));
    case LayerKind::kRelu:
      return std::make_shared<op::v0::Relu>(in[0]);
    case LayerKind::kConcatenate:
      return std::make_shared<op::v0::Concat>(in, 1);
    case LayerKind::kAdd: {
      Value sum = in[0];
      for (std::size_t i = 1; i < in.size(); ++i) sum = std::make_shared<op::v1::Add>(sum, in[i]);
      return sum;
    }
    case LayerKind::kGlobalAverage:
      return std::make_shared<op::v1::ReduceMean>(in[0], integers({2, 3}), false);
    case LayerKind::kDense:
      return with_bias(
          std::make_shared<op::v0::MatMul>(
              in[0], constant({layer.kernel.shape[0], layer.kernel.shape[1]}, layer.kernel.values)),
          layer.bias, /*picture=*/false);
    case LayerKind::kInput:
      break;
  }
  throw std::runtime_error("a graph has one input");
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
  ++readers[graph.output];

  Graph folded;
  std::vector<std::size_t> place(graph.layers.size());  // of each layer in the folded graph
  for (std::size_t n = 0; n < graph.layers.size(); ++n) {
    GraphLayer& layer = graph.layers[n];
    if (layer.kind == LayerKind::kAffine || layer.kind == LayerKind::kScale) {
      GraphLayer& before = folded.layers[place[layer.inputs[0]]];
      const bool weighted = before.kind == LayerKind::kConvolution || before.kind == LayerKind::kDense;
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
  graph = std::move(folded);
}

void write_network(const Graph& graph, const std::filesystem::path& xml) {
  try {
    std::vector<Value> values;
    std::shared_ptr<ov::op::v0::Parameter> input;
    for (const GraphLayer& layer : graph.layers) {
      Value value;
      if (layer.kind == LayerKind::kInput && !input) {
        const auto side = [&](std::size_t i) { return static_cast<std::int64_t>(layer.shape.at(i)); };
        input = std::make_shared<ov::op::v0::Parameter>(ov::element::f32,
                                                        ov::PartialShape{-1, side(0), side(1), side(2)});
        input->set_friendly_name("input");
        input->get_output_tensor(0).set_names({"input"});
        value = std::make_shared<ov::op::v1::Transpose>(input, integers({0, 3, 1, 2}));
      } else {
        value = computed(layer, values);
      }
      value.get_node()->set_friendly_name(layer.name);
      values.push_back(value);
    }
    const Value output = values.at(graph.output);
    output.get_tensor().set_names({"embeddings"});
    const auto result = std::make_shared<ov::op::v0::Result>(output);
    write_ir(std::make_shared<ov::Model>(ov::ResultVector{result}, ov::ParameterVector{input}, "likeness"),
             xml);
  } catch (const ov::Exception& e) {
    throw Error(ErrorCode::kModelInvalid, "the network does not fit together: " + openvino_reason(e));
  }
}

}  // namespace likeness
