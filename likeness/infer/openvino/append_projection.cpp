#include <openvino/op/add.hpp>
#include <openvino/op/matmul.hpp>
#include <openvino/op/normalize_l2.hpp>
#include <openvino/op/reshape.hpp>
#include <openvino/op/result.hpp>
#include <string>

#include "likeness/infer/openvino/module.h"
#include "likeness/infer/openvino/openvino.h"

namespace likeness {
namespace {

using Value = ov::Output<ov::Node>;

/// The least squared length that is divided by, as FaceNet's own graph has it.
constexpr float kLeastSquare = 1e-10F;

Value unit_rows(const Value& rows) {
  const auto axis = ov::op::v0::Constant::create(ov::element::i64, {1}, {1});
  return std::make_shared<ov::op::v0::NormalizeL2>(rows, axis, kLeastSquare, ov::op::EpsMode::MAX);
}

}  // namespace

void LoadedOpenvino::append_projection(const std::filesystem::path& network, const std::filesystem::path& xml,
                                       const TensorView& matrix, std::span<const float> bias) const {
  const auto model = read_network(network);
  try {
    free_batch(*model);
    const auto result = model->get_results().size() == 1 ? model->get_results().front() : nullptr;
    const ov::PartialShape shape = result ? result->get_output_partial_shape(0) : ov::PartialShape::dynamic();
    const auto inputs = static_cast<std::int64_t>(matrix.shape[1]);
    if (shape.rank().is_dynamic() || shape.size() < 2 || shape[1] != inputs) {
      throw Error(ErrorCode::kModelInvalid, network.string() + " gives " + shape.to_string() +
                                                ", not rows of " + std::to_string(inputs) + " numbers");
    }
    const auto rows = ov::op::v0::Constant::create(ov::element::i64, {2}, {std::int64_t{-1}, inputs});
    const Value row = std::make_shared<ov::op::v1::Reshape>(result->input_value(0), rows, false);
    const auto weights = std::make_shared<ov::op::v0::Constant>(
        ov::element::f32, ov::Shape{matrix.shape[0], matrix.shape[1]}, matrix.values.data());
    const auto shift =
        std::make_shared<ov::op::v0::Constant>(ov::element::f32, ov::Shape{1, bias.size()}, bias.data());
    const Value product = std::make_shared<ov::op::v0::MatMul>(unit_rows(row), weights, false, true);
    const Value embedding = unit_rows(std::make_shared<ov::op::v1::Add>(product, shift));
    embedding.get_node()->set_friendly_name("embeddings");
    embedding.get_tensor().set_names({"embeddings"});
    write_ir(std::make_shared<ov::Model>(ov::OutputVector{embedding}, model->get_parameters(), "likeness"),
             xml);
  } catch (const ov::Exception& e) {
    throw Error(ErrorCode::kModelInvalid, network.string() + ": " + openvino_reason(e));
  }
}

}  // namespace likeness
