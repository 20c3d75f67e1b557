#include "likeness/infer/openvino/openvino.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <openvino/op/reshape.hpp>
#include <stdexcept>
#include <utility>
#include <vector>

#include "likeness/infer/onnx_fold.h"
#include "likeness/infer/openvino/reason.h"

namespace likeness {
namespace {

using Sizes = std::vector<std::int64_t>;

using Reshape = ov::op::v1::Reshape;

/// What each reshape to a constant shape makes, to be asked while every shape is known.
std::map<const ov::Node*, Sizes> reshaped_sizes(const ov::Model& model) {
  std::map<const ov::Node*, Sizes> found;
  for (const auto& node : model.get_ordered_ops()) {
    const ov::PartialShape& to =
        node->get_output_size() == 1 ? node->get_output_partial_shape(0) : ov::PartialShape::dynamic();
    if (!ov::as_type_ptr<Reshape>(node) || to.is_dynamic() ||
        !ov::as_type_ptr<ov::op::v0::Constant>(node->get_input_node_shared_ptr(1)))
      continue;
    for (std::size_t i = 0; i < to.size(); ++i) found[node.get()].push_back(to[i].get_length());
  }
  return found;
}

/// The target of a reshape that made `sizes` before the batch was free: the dimension that begins where the
/// batch begins in what comes in is now as large as it has to be, be it the batch alone or a part of more.
/// Empty where nothing is to be changed.
Sizes freed_target(const ov::Node& reshape, Sizes sizes) {
  const ov::PartialShape& from = reshape.get_input_partial_shape(0);
  if (from.rank().is_dynamic()) return {};
  std::int64_t before = 1;  // values between two steps of the batch's dimension
  std::size_t batch = 0;
  while (batch < from.size() && from[batch].is_static()) before *= from[batch++].get_length();
  const auto is_open = [](const ov::Dimension& d) { return d.is_dynamic(); };
  if (std::count_if(from.begin(), from.end(), is_open) != 1) return {};
  std::int64_t there = 1;
  for (std::int64_t& size : sizes) {
    if (there == before) {
      size = -1;
      return sizes;
    }
    there *= size;
  }
  return {};
}

/// In the inputs alone: the shapes behind them are still the old ones.
void say_batch(ov::Model& model, const ov::Dimension& batch) {
  for (const auto& parameter : model.get_parameters()) {
    ov::PartialShape shape = parameter->get_partial_shape();
    if (shape.rank().is_static() && shape.size() > 0) shape[0] = batch;
    parameter->set_partial_shape(shape);
  }
}

void set_batch(ov::Model& model, const ov::Dimension& batch) {
  say_batch(model, batch);
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

std::string openvino_reason(const std::exception& e) { return reduced_reason(e.what()); }

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

bool takes_any_batch(ov::Model& model) {
  try {
    set_batch(model, 2);
    const auto two = [](const std::shared_ptr<ov::op::v0::Result>& result) {
      const ov::PartialShape& shape = result->get_output_partial_shape(0);
      return shape.rank().is_static() && shape.size() > 0 && shape[0] == 2;
    };
    const auto& results = model.get_results();
    const bool all = std::all_of(results.begin(), results.end(), two);
    set_batch(model, ov::Dimension::dynamic());
    return all;
  } catch (const ov::Exception&) {
    return false;
  }
}

void free_batch(ov::Model& model) {
  std::int64_t batch = 1;  // or what the network was made for
  bool is_free = true;
  for (const auto& parameter : model.get_parameters()) {
    const ov::PartialShape& shape = parameter->get_partial_shape();
    if (shape.rank().is_dynamic() || shape.size() == 0 || shape[0].is_dynamic()) continue;
    batch = shape[0].get_length();
    is_free = false;
  }
  // What its exporter has freed is not ours to guess at.
  if (is_free && takes_any_batch(model)) return;
  set_batch(model, batch);
  const auto sizes = reshaped_sizes(model);
  say_batch(model, ov::Dimension::dynamic());
  // Each reshape is put right before the layers behind it ask for its shape.
  for (const auto& node : model.get_ordered_ops()) {
    node->validate_and_infer_types();
    const auto made = sizes.find(node.get());
    if (made == sizes.end()) continue;
    const Sizes target = freed_target(*node, made->second);
    if (target.empty()) continue;
    const auto constant = ov::op::v0::Constant::create(ov::element::i64, {target.size()}, target);
    node->input(1).replace_source_output(constant->output(0));
    node->validate_and_infer_types();
  }
  model.validate_nodes_and_infer_types();
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
