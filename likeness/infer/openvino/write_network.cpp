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

#include "likeness/infer/openvino/layer_ops.h"
#include "likeness/infer/openvino/module.h"
#include "likeness/infer/openvino/openvino.h"

namespace likeness {
namespace {

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
      if (layer.groups != 1)
        return with_bias(grouped_convolution(in[0], layer), layer.bias, /*picture=*/true);
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
    case LayerKind::kPad:
      return padded(in[0], layer);
    case LayerKind::kLeaky:
      return leaky(in[0], layer);
    case LayerKind::kAtMost:
      return at_most(in[0], layer);
    case LayerKind::kFlatten:
      return flattened(in[0]);
    case LayerKind::kGlobalMax:
      return global_max(in[0]);
    case LayerKind::kUnitLength:
      return unit_length(in[0]);
    case LayerKind::kUpsample:
    case LayerKind::kDeconvolution:
    case LayerKind::kSigmoid:
      throw std::runtime_error("a detector's layers are written by nobody");
    case LayerKind::kInput:
      break;
  }
  throw std::runtime_error("a graph has one input");
}

}  // namespace

void LoadedOpenvino::write_network(const Graph& graph, const std::filesystem::path& xml) const {
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
