#include <openvino/op/convolution.hpp>
#include <openvino/op/group_conv.hpp>
#include <openvino/op/matmul.hpp>

#include "likeness/infer/openvino/module.h"
#include "likeness/infer/openvino/openvino.h"

namespace likeness {
namespace {

double size_of(const ov::Shape& shape, std::size_t first = 0) {
  double size = 1;
  for (std::size_t i = first; i < shape.size(); ++i) size *= static_cast<double>(shape[i]);
  return size;
}

/// Products behind each value of the node's output; 0 for nodes that multiply nothing of note.
double products_a_value(const ov::Node& node) {
  const auto weights = [&] { return node.get_input_shape(1); };
  // out x in x window; groups x out x in x window.
  if (ov::is_type<ov::op::v1::Convolution>(&node)) return size_of(weights(), 1);
  if (ov::is_type<ov::op::v1::GroupConvolution>(&node)) return size_of(weights(), 2);
  if (const auto* product = ov::as_type<const ov::op::v0::MatMul>(&node)) {
    const ov::Shape& left = node.get_input_shape(0);
    return static_cast<double>(left[product->get_transpose_a() ? left.size() - 2 : left.size() - 1]);
  }
  return 0;
}

}  // namespace

double LoadedOpenvino::products_a_row(const std::filesystem::path& network) const {
  const auto model = read_network(network);
  try {
    for (const auto& parameter : model->get_parameters()) {
      ov::PartialShape shape = parameter->get_partial_shape();
      if (shape.rank().is_static() && shape.size() > 0 && shape[0].is_dynamic()) shape[0] = 1;
      parameter->set_partial_shape(shape);
    }
    model->validate_nodes_and_infer_types();
    double products = 0;
    for (const auto& node : model->get_ordered_ops()) {
      const double each = products_a_value(*node);
      if (each > 0) products += each * size_of(node->get_output_shape(0));
    }
    return products;
  } catch (const std::exception& e) {
    throw Error(ErrorCode::kModelInvalid,
                network.string() + " has no countable products: " + openvino_reason(e));
  }
}

}  // namespace likeness
