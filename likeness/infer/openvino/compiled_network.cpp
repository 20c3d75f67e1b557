#include <algorithm>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "likeness/infer/openvino/module.h"
#include "likeness/infer/openvino/openvino.h"

namespace likeness {
namespace {

std::vector<std::int64_t> shape_of(const ov::PartialShape& shape) {
  std::vector<std::int64_t> sizes;
  for (const ov::Dimension& d : shape) sizes.push_back(d.is_static() ? d.get_length() : -1);
  return sizes;
}

template <typename Nodes>
std::vector<Port> ports_of(const Nodes& nodes) {
  std::vector<Port> ports;
  for (const auto& node : nodes) {
    const auto& names = node.get_names();
    // A tensor may have several names; the smallest makes the choice repeatable.
    const std::string name =
        names.empty() ? node.get_node()->get_friendly_name() : *std::min_element(names.begin(), names.end());
    ports.push_back({name, shape_of(node.get_partial_shape())});
  }
  return ports;
}

/// Makes the node called `name` the model's only result.
std::shared_ptr<ov::Model> cut_at(const std::shared_ptr<ov::Model>& model, const std::string& name) {
  for (const auto& node : model->get_ordered_ops()) {
    if (node->get_friendly_name() != name || node->get_output_size() == 0) continue;
    return std::make_shared<ov::Model>(ov::OutputVector{node->output(0)}, model->get_parameters());
  }
  throw std::runtime_error("it has no node " + name);
}

ov::AnyMap settings(const NetworkOptions& options) {
  ov::AnyMap map{ov::inference_num_threads(options.threads), ov::num_streams(options.runs),
                 // Several networks share the cores; pinned, they would all sit on the first ones.
                 ov::hint::enable_cpu_pinning(false),
                 // Said outright, because OpenVINO picks bf16 by itself where the CPU has it.
                 ov::hint::inference_precision(options.precision == Precision::kBf16 ? ov::element::bf16
                                                                                     : ov::element::f32)};
  // OpenVINO leaves networks with rounding steps as they are where its low-precision passes are off.
  if (options.exact) map.emplace("LP_TRANSFORMS_MODE", false);
  return map;
}

class CompiledNetwork final : public OpenvinoNetwork {
 public:
  CompiledNetwork(std::filesystem::path file, std::shared_ptr<ov::Model> model, ov::CompiledModel compiled,
                  std::unique_ptr<std::string> bytes = nullptr)
      : file_(std::move(file)),
        model_(std::move(model)),
        bytes_(std::move(bytes)),
        compiled_(std::move(compiled)) {
    idle_.push_back(compiled_.create_infer_request());
    inputs_ = ports_of(compiled_.inputs());
    outputs_ = ports_of(compiled_.outputs());
  }

  [[nodiscard]] const std::vector<Port>& inputs() const override { return inputs_; }
  [[nodiscard]] const std::vector<Port>& outputs() const override { return outputs_; }
  [[nodiscard]] std::vector<Tensor> run(const TensorView& input) override;
  [[nodiscard]] Tensor constant(const std::string& name) override;
  [[nodiscard]] std::vector<std::string> constant_names() override;
  [[nodiscard]] std::string exported() const override {
    std::ostringstream out;
    ov::CompiledModel(compiled_).export_model(out);
    return std::move(out).str();
  }

 private:
  ov::InferRequest take() {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) return compiled_.create_infer_request();
    ov::InferRequest request = std::move(idle_.back());
    idle_.pop_back();
    return request;
  }
  void give_back(ov::InferRequest request) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(request));
  }

  /// What was compiled; where that came out of the cache it is read when somebody asks for it.
  std::shared_ptr<ov::Model> model() {
    const std::lock_guard lock(mutex_);
    if (!model_) model_ = read_network(file_);
    return model_;
  }

  std::filesystem::path file_;
  std::shared_ptr<ov::Model> model_;
  std::unique_ptr<std::string> bytes_;  // what it was imported from, where it was: it outlives `compiled_`
  ov::CompiledModel compiled_;
  std::mutex mutex_;  // guards `idle_` and `model_`
  std::vector<ov::InferRequest>
      idle_;  // requests hold the memory of a run, so they are kept for the next one
  std::vector<Port> inputs_;
  std::vector<Port> outputs_;
};

std::vector<Tensor> CompiledNetwork::run(const TensorView& input) {
  std::vector<Tensor> results;
  try {
    // OpenVINO only reads from an input tensor, though its type does not say so.
    ov::InferRequest request = take();
    request.set_input_tensor(
        ov::Tensor(ov::element::f32, ov::Shape(input.shape), const_cast<float*>(input.values.data())));
    request.infer();
    for (std::size_t i = 0; i < outputs_.size(); ++i) {
      const ov::Tensor tensor = request.get_output_tensor(i);
      const auto* data = tensor.data<float>();
      results.push_back({tensor.get_shape(), {data, data + tensor.get_size()}});
    }
    give_back(std::move(request));
  } catch (const std::exception& e) {
    throw Error(ErrorCode::kModelInvalid, file_.string() + " failed while running: " + openvino_reason(e));
  }
  return results;
}

Tensor CompiledNetwork::constant(const std::string& name) {
  for (const auto& node : model()->get_ordered_ops()) {
    const auto constant = ov::as_type_ptr<ov::op::v0::Constant>(node);
    if (constant && constant->get_friendly_name() == name && constant->get_element_type().is_real()) {
      return {constant->get_shape(), constant->cast_vector<float>()};
    }
  }
  throw Error(ErrorCode::kModelInvalid, file_.string() + " has no weights called " + name);
}

std::vector<std::string> CompiledNetwork::constant_names() {
  std::vector<std::string> names;
  for (const auto& node : model()->get_ordered_ops()) {
    const auto constant = ov::as_type_ptr<ov::op::v0::Constant>(node);
    if (constant && constant->get_element_type().is_real()) names.push_back(constant->get_friendly_name());
  }
  return names;
}

}  // namespace

std::unique_ptr<OpenvinoNetwork> LoadedOpenvino::compile(const std::filesystem::path& file,
                                                         const NetworkOptions& options) const {
  std::shared_ptr<ov::Model> model = read_network(file);
  try {
    options.any_size ? free_size(*model) : free_batch(*model);
    if (!options.output.empty()) model = cut_at(model, options.output);
    auto compiled = openvino_core().compile_model(model, "CPU", settings(options));
    return std::make_unique<CompiledNetwork>(file, std::move(model), std::move(compiled));
  } catch (const std::exception& e) {
    throw Error(ErrorCode::kModelInvalid, file.string() + " cannot be computed: " + openvino_reason(e));
  }
}

std::unique_ptr<OpenvinoNetwork> LoadedOpenvino::import(const std::filesystem::path& file,
                                                        const NetworkOptions& options,
                                                        std::string exported) const {
  // OpenVINO does not copy the weights: the bytes stay as long as the network.
  auto bytes = std::make_unique<std::string>(std::move(exported));
  const ov::Tensor tensor(ov::element::u8, {bytes->size()}, bytes->data());
  auto compiled = openvino_core().import_model(tensor, "CPU", settings(options));
  return std::make_unique<CompiledNetwork>(file, nullptr, std::move(compiled), std::move(bytes));
}

}  // namespace likeness
