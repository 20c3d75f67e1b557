#include <algorithm>
#include <openvino/core/preprocess/pre_post_process.hpp>
#include <openvino/op/convolution.hpp>
#include <openvino/op/parameter.hpp>
#include <openvino/op/reshape.hpp>
#include <openvino/op/result.hpp>
#include <openvino/pass/constant_folding.hpp>
#include <openvino/pass/manager.hpp>

#include "likeness/infer/openvino/module.h"
#include "likeness/infer/openvino/openvino.h"
#include "likeness/infer/output_kinds.h"

namespace likeness {
namespace {

using Model = std::shared_ptr<ov::Model>;

[[noreturn]] void refuse(const std::filesystem::path& file, const std::string& problem,
                         Remedy remedy = Remedy::kNone) {
  throw Error(ErrorCode::kModelInvalid, file.string() + ": " + problem, remedy);
}

bool is_picture(const ov::PartialShape& shape) {
  return shape.rank().is_static() && shape.size() == 4 && (shape[1] == 3 || shape[3] == 3);
}

/// Parameters that are no picture: switches become false, counts become 1.
void freeze_switches(const Model& model) {
  const auto parameters = model->get_parameters();
  for (const auto& parameter : parameters) {
    const auto type = parameter->get_element_type();
    const bool scalar = parameter->get_partial_shape().compatible(ov::PartialShape{}) ||
                        parameter->get_partial_shape().compatible(ov::PartialShape{1});
    if (is_picture(parameter->get_partial_shape()) || !scalar ||
        (type != ov::element::boolean && !type.is_integral())) {
      continue;
    }
    const std::int64_t value = type == ov::element::boolean ? 0 : 1;
    parameter->output(0).replace(ov::op::v0::Constant::create(type, ov::Shape{}, {value})->output(0));
    model->remove_parameter(parameter);
  }
}

OutputFacts facts_of(const ov::op::v0::Result& result) {
  // The name that the file declares, where its format has one for outputs.
  const auto& names = result.input_value(0).get_names();
  OutputFacts facts{.name = names.empty() ? result.get_input_node_ptr(0)->get_friendly_name()
                                          : *std::ranges::min_element(names),
                    .shape = {}};
  const ov::PartialShape& shape = result.get_output_partial_shape(0);
  for (std::size_t i = 0; shape.rank().is_static() && i < shape.size(); ++i)
    facts.shape.push_back(shape[i].is_static() ? shape[i].get_length() : -1);
  return facts;
}

/// What no node reads: SFace's file declares 29 such inputs.
void drop_unread_inputs(const Model& model) {
  const auto parameters = model->get_parameters();
  for (const auto& parameter : parameters) {
    if (parameter->output(0).get_target_inputs().empty()) model->remove_parameter(parameter);
  }
}

/// Cuts the model to the one output asked for.
Model with_one_output(const Model& model, const std::string& wanted, const std::filesystem::path& file) {
  for (const auto& node : model->get_ordered_ops()) {
    if (ov::as_type_ptr<ov::op::v0::Result>(node) || node->get_output_size() == 0) continue;
    const std::string& name = node->get_friendly_name();
    const bool named = !wanted.empty() && (name == wanted || name == wanted + ":0" ||
                                           node->output(0).get_names().contains(wanted));
    if (named || (wanted.empty() && (name == "embeddings" || name == "embeddings:0"))) {
      return std::make_shared<ov::Model>(ov::OutputVector{node->output(0)}, model->get_parameters());
    }
  }
  if (!wanted.empty()) refuse(file, "it has no node \"" + wanted + "\" to take as output");
  if (model->get_results().size() == 1) return model;
  std::vector<OutputFacts> outputs;
  for (const auto& result : model->get_results()) outputs.push_back(facts_of(*result));
  if (const std::string finds = detector_by_outputs(outputs); !finds.empty()) refuse(file, finds);
  refuse(file, "it has several outputs: " + explained(outputs), Remedy::kChooseOutput);
}

void set_size(const Model& model, const ConvertOptions& options, const std::filesystem::path& file) {
  const auto& parameter = model->get_parameters().front();
  ov::PartialShape shape = parameter->get_partial_shape();
  if (shape.rank().is_dynamic()) shape = ov::PartialShape{-1, -1, -1, 3};
  if (!is_picture(shape)) {
    refuse(file, "its input is " + shape.to_string() + ", not pictures of three channels");
  }
  const std::size_t first = shape[3] == 3 ? 1 : 2;
  for (const auto& [axis, size] : {std::pair(first, options.height), std::pair(first + 1, options.width)}) {
    if (size != 0 && !shape[axis].compatible(size))
      refuse(file, "it does not take pictures of that width and height");
    if (size != 0) shape[axis] = size;
    if (shape[axis].is_dynamic()) refuse(file, "it takes pictures of any size", Remedy::kChooseSize);
  }
  parameter->set_partial_shape(shape);
  model->validate_nodes_and_infer_types();
}

/// Networks in half precision take and give floats like all others.
Model with_floats(const Model& model, const std::filesystem::path& file) {
  const auto in = model->get_parameters().front()->get_element_type();
  const auto out = model->get_results().front()->get_element_type();
  if (!in.is_real() || !out.is_real()) {
    refuse(file,
           "it takes " + in.to_string() + " and gives " + out.to_string() + ", not floating-point numbers");
  }
  if (in == ov::element::f32 && out == ov::element::f32) return model;
  ov::preprocess::PrePostProcessor change(model);
  change.input().tensor().set_element_type(ov::element::f32);
  change.output().tensor().set_element_type(ov::element::f32);
  return change.build();
}

/// Lets the network take any number of pictures.
void free_it(const Model& model, const std::filesystem::path& file) {
  bool fits = false;
  try {
    free_batch(*model);
    fits = takes_any_batch(*model);
  } catch (const ov::Exception&) {  // its layers hold the size of the batch that it was exported with
  }
  if (!fits) refuse(file, kNotAnyBatch);
}

/// n x d, also where the network gives n x d x 1 x 1.
void check_output(const Model& model, const std::filesystem::path& file) {
  const ov::PartialShape& shape = model->get_results().front()->get_output_partial_shape(0);
  bool row = shape.rank().is_static() && shape.size() >= 2 && shape[1].is_static();
  for (std::size_t i = 2; row && i < shape.size(); ++i) row = shape[i] == 1;
  if (row) return;
  const std::vector<OutputFacts> outputs{facts_of(*model->get_results().front())};
  refuse(file, "its output is no row of numbers a picture: " + explained(outputs));
}

}  // namespace

void LoadedOpenvino::convert_network(const std::filesystem::path& source, const std::filesystem::path& xml,
                                     const ConvertOptions& options, const std::string& called) const {
  const std::filesystem::path file = called.empty() ? source : std::filesystem::path(called);
  Model model = read_network(source);
  try {
    freeze_switches(model);
    model = with_one_output(model, options.output, file);
    freeze_switches(model);
    drop_unread_inputs(model);
    if (model->get_parameters().size() != 1) {
      refuse(file, "it has " + std::to_string(model->get_parameters().size()) + " inputs; one is understood");
    }
    set_size(model, options, file);
    free_it(model, file);
    check_output(model, file);
    model = with_floats(model, file);
    // ONNX's reader computes shapes of constants out of ranks; written as constants, everybody can read them.
    ov::pass::Manager passes;
    passes.register_pass<ov::pass::ConstantFolding>();
    passes.run_passes(model);
    write_ir(model, xml);
  } catch (const ov::Exception& e) {
    refuse(file, openvino_reason(e));
  }
}

NetworkFacts LoadedOpenvino::describe_network(const std::filesystem::path& xml) const {
  const Model model = read_network(xml);
  NetworkFacts facts;
  const ov::PartialShape shape = model->get_parameters().size() == 1
                                     ? model->get_parameters().front()->get_partial_shape()
                                     : ov::PartialShape::dynamic();
  if (!is_picture(shape) || model->get_results().size() != 1)
    refuse(xml, "it is not one picture in, one row out");
  check_output(model, xml);
  for (const auto& d : shape) facts.input.push_back(d.is_static() ? d.get_length() : -1);
  facts.planes = shape[3] != 3;
  facts.height = static_cast<int>(facts.input[facts.planes ? 2 : 1]);
  facts.width = static_cast<int>(facts.input[facts.planes ? 3 : 2]);
  facts.dimension =
      static_cast<int>(model->get_results().front()->get_output_partial_shape(0)[1].get_length());
  for (const auto& node : model->get_ops()) {
    if (ov::as_type_ptr<ov::op::v1::Convolution>(node)) ++facts.convolutions;
  }
  return facts;
}

}  // namespace likeness
