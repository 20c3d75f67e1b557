#include "likeness/infer/openvino/layer_ops.h"

#include <cstdint>
#include <memory>
#include <openvino/op/add.hpp>
#include <openvino/op/constant.hpp>
#include <openvino/op/group_conv.hpp>
#include <openvino/op/minimum.hpp>
#include <openvino/op/multiply.hpp>
#include <openvino/op/normalize_l2.hpp>
#include <openvino/op/pad.hpp>
#include <openvino/op/prelu.hpp>
#include <openvino/op/reduce_max.hpp>
#include <openvino/op/relu.hpp>
#include <openvino/op/reshape.hpp>
#include <openvino/op/transpose.hpp>

namespace likeness {
namespace {

namespace op = ov::op;
using Value = ov::Output<ov::Node>;

Value numbers(const ov::Shape& shape, const std::vector<float>& values) {
  return std::make_shared<op::v0::Constant>(ov::element::f32, shape, values.data());
}

Value integers(const std::vector<std::int64_t>& values) {
  return op::v0::Constant::create(ov::element::i64, {values.size()}, values);
}

}  // namespace

Value grouped_convolution(const Value& in, const GraphLayer& layer) {
  // height, width, in, out to group, out, in, height, width; a group's outputs lie side by side.
  const auto& k = layer.kernel.shape;
  const std::size_t window = k[0] * k[1], outputs = k[3] / layer.groups;
  std::vector<float> values(layer.kernel.values.size());
  for (std::size_t p = 0; p < window; ++p) {
    for (std::size_t i = 0; i < k[2]; ++i) {
      for (std::size_t o = 0; o < k[3]; ++o)
        values[(o * k[2] + i) * window + p] = layer.kernel.values[(p * k[2] + i) * k[3] + o];
    }
  }
  return std::make_shared<op::v1::GroupConvolution>(
      in, numbers({layer.groups, outputs, k[2], k[0], k[1]}, values),
      ov::Strides{layer.strides[0], layer.strides[1]}, ov::CoordinateDiff{0, 0}, ov::CoordinateDiff{0, 0},
      ov::Strides{layer.dilation[0], layer.dilation[1]},
      layer.same ? op::PadType::SAME_UPPER : op::PadType::VALID);
}

Value padded(const Value& in, const GraphLayer& layer) {
  const auto side = [&](std::size_t i) { return static_cast<std::int64_t>(layer.borders[i]); };
  return std::make_shared<op::v1::Pad>(in, integers({0, 0, side(0), side(2)}),
                                       integers({0, 0, side(1), side(3)}), numbers({}, {0}),
                                       op::PadMode::CONSTANT);
}

Value leaky(const Value& in, const GraphLayer& layer) {
  const ov::PartialShape& shape = in.get_partial_shape();
  const auto channels = static_cast<std::size_t>(shape[1].get_length());
  if (layer.slope.size() == channels)
    return std::make_shared<op::v0::PRelu>(in, numbers({channels}, layer.slope));
  // A slope of its own for each number of a picture, rows first and channels last as Keras has them.
  const auto height = static_cast<std::size_t>(shape[2].get_length());
  const auto width = static_cast<std::size_t>(shape[3].get_length());
  const Value slopes = std::make_shared<ov::op::v1::Transpose>(
      numbers({1, height, width, channels}, layer.slope), integers({0, 3, 1, 2}));
  const Value below = std::make_shared<op::v1::Minimum>(in, numbers({}, {0}));
  return std::make_shared<op::v1::Add>(std::make_shared<op::v0::Relu>(in),
                                       std::make_shared<op::v1::Multiply>(below, slopes));
}

Value at_most(const Value& in, const GraphLayer& layer) {
  return std::make_shared<op::v1::Minimum>(in, numbers({}, {layer.most}));
}

Value flattened(const Value& in) {
  const Value rows = std::make_shared<ov::op::v1::Transpose>(in, integers({0, 2, 3, 1}));
  return std::make_shared<op::v1::Reshape>(rows, integers({0, -1}), /*special_zero=*/true);
}

Value global_max(const Value& in) {
  return std::make_shared<op::v1::ReduceMax>(in, integers({2, 3}), /*keep_dims=*/false);
}

Value unit_length(const Value& in) {
  // Keras' normalize: the square of the length is at least 1e-12.
  return std::make_shared<op::v0::NormalizeL2>(in, integers({1}), 1e-12F, op::EpsMode::MAX);
}

}  // namespace likeness
