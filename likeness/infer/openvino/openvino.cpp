#include "likeness/infer/openvino/openvino.h"

#include <fstream>
#include <iterator>
#include <openvino/op/reshape.hpp>
#include <openvino/op/util/op_types.hpp>
#include <set>
#include <sstream>
#include <stdexcept>
#include <utility>
#include <vector>

#include "likeness/infer/onnx_fold.h"

namespace likeness {
namespace {

using Sizes = std::vector<std::int64_t>;

/// Where `reshape` says "1" for a batch that it only carries along, its target with -1 there; else empty. To
/// be asked while the batch is 1.
Sizes freed_target(const ov::op::v1::Reshape& reshape) {
  const ov::PartialShape& to = reshape.get_output_partial_shape(0);
  const ov::PartialShape& from = reshape.get_input_partial_shape(0);
  const auto target = ov::as_type_ptr<ov::op::v0::Constant>(reshape.get_input_node_shared_ptr(1));
  if (!target || to.is_dynamic() || from.rank().is_dynamic() || to.size() == 0 || from.size() == 0) return {};
  const auto said = target->cast_vector<std::int64_t>();
  if (to[0] != 1 || from[0] != 1 || said.empty() || said[0] != 1) return {};
  Sizes freed{-1};
  for (std::size_t i = 1; i < to.size(); ++i) freed.push_back(to[i].get_length());
  return freed;
}

/// Reshapes of what depends on the network's input, and their new targets.
std::vector<std::pair<std::shared_ptr<ov::Node>, Sizes>> freed_reshapes(const ov::Model& model) {
  std::vector<std::pair<std::shared_ptr<ov::Node>, Sizes>> found;
  std::set<const ov::Node*> moving;  // nodes that depend on the input
  for (const auto& node : model.get_ordered_ops()) {
    bool moves = ov::op::util::is_parameter(node);
    for (const auto& input : node->input_values()) moves = moves || moving.contains(input.get_node());
    if (!moves) continue;
    moving.insert(node.get());
    const auto reshape = ov::as_type_ptr<ov::op::v1::Reshape>(node);
    if (!reshape) continue;
    if (auto target = freed_target(*reshape); !target.empty()) found.emplace_back(node, std::move(target));
  }
  return found;
}

void set_batch(ov::Model& model, const ov::Dimension& batch) {
  for (const auto& parameter : model.get_parameters()) {
    ov::PartialShape shape = parameter->get_partial_shape();
    if (shape.rank().is_static() && shape.size() > 0) shape[0] = batch;
    parameter->set_partial_shape(shape);
  }
  model.validate_nodes_and_infer_types();
}

constexpr std::uintmax_t kLargestOnnx = std::uintmax_t{1} << 30;

/// The bytes to read instead of an ONNX file with quantised weights; empty: the file itself.
std::string folded_onnx(const std::filesystem::path& file) {
  std::error_code error;
  if (file.extension() != ".onnx" || std::filesystem::file_size(file, error) > kLargestOnnx || error)
    return "";
  std::ifstream in(file, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), {}};
  return fold_onnx(bytes, file.string());
}

}  // namespace

ov::Core& openvino_core() {
  static ov::Core core;
  return core;
}

std::string openvino_reason(const std::exception& e) {
  std::istringstream lines(e.what());
  std::string reason;
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line.rfind("Exception from ", 0) == 0) continue;
    // "Check 'x' failed at src/...cpp:12:" says the same as the sentence after it.
    if (line.rfind("Check '", 0) == 0 && line.find("failed at") != std::string::npos) continue;
    if (!reason.empty()) reason += ' ';
    reason += line;
  }
  for (char& c : reason) {
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  }
  if (reason.empty()) reason = "no reason given";
  if (reason.size() > 300) reason = reason.substr(0, 297) + "...";
  return reason;
}

std::shared_ptr<ov::Model> read_network(const std::filesystem::path& file) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(file, ignored)) {
    throw Error(ErrorCode::kModelNotFound, "no network file " + file.string());
  }
  const std::string folded = folded_onnx(file);
  try {
    return folded.empty() ? openvino_core().read_model(file)
                          : openvino_core().read_model(folded, ov::Tensor());
  } catch (const std::exception& e) {
    throw Error(ErrorCode::kModelInvalid,
                file.string() + " is not a network that can be read: " + openvino_reason(e));
  }
}

void free_batch(ov::Model& model) {
  for (const auto& parameter : model.get_parameters()) {
    const ov::PartialShape& shape = parameter->get_partial_shape();
    if (shape.rank().is_static() && shape.size() > 0 && !shape[0].compatible(1))
      return;  // made for larger batches
  }
  // Targets are read off while every shape is known, and put in together.
  set_batch(model, 1);
  for (const auto& [node, target] : freed_reshapes(model)) {
    node->input(1).replace_source_output(
        ov::op::v0::Constant::create(ov::element::i64, {target.size()}, target)->output(0));
  }
  set_batch(model, ov::Dimension::dynamic());
}

void free_size(ov::Model& model) {
  const auto parameters = model.get_parameters();
  if (parameters.size() != 1 || !parameters[0]->get_partial_shape().compatible(ov::PartialShape::dynamic(4)))
    throw std::runtime_error("it does not take one picture in planes");
  const auto any = ov::Dimension::dynamic();
  parameters[0]->set_partial_shape({1, 3, any, any});
  model.validate_nodes_and_infer_types();
}

void write_ir(const std::shared_ptr<const ov::Model>& model, const std::filesystem::path& xml) {
  std::filesystem::path bin = xml;
  bin.replace_extension(".bin");
  try {
    ov::serialize(model, xml, bin);
  } catch (const std::exception& e) {
    throw Error(ErrorCode::kOutputUnwritable, "cannot write " + xml.string() + ": " + openvino_reason(e));
  }
}

}  // namespace likeness
