#include "likeness/infer/network.h"

#include <algorithm>
#include <mutex>
#include <stdexcept>
#include <utility>

#include "likeness/infer/compiled_cache.h"
#include "likeness/infer/graph_kernels.h"
#include "likeness/infer/openvino.h"

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

bool fits(const std::vector<std::size_t>& shape, const Port& port) {
  if (shape.size() != port.shape.size()) return false;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (port.shape[i] >= 0 && static_cast<std::int64_t>(shape[i]) != port.shape[i]) return false;
  }
  return true;
}

std::string text_of(const std::vector<std::int64_t>& shape) {
  std::string text;
  for (const auto size : shape)
    text += (text.empty() ? "" : " x ") + (size < 0 ? "any" : std::to_string(size));
  return text;
}

ov::AnyMap settings(const NetworkOptions& options) {
  ov::AnyMap map{ov::inference_num_threads(options.threads), ov::num_streams(options.runs),
                 // Several networks share the cores; pinned, they would all sit on the first ones.
                 ov::hint::enable_cpu_pinning(false),
                 // Said outright, because OpenVINO picks bf16 by itself where the CPU has it.
                 ov::hint::inference_precision(options.precision == Precision::kBf16 ? ov::element::bf16
                                                                                     : ov::element::f32)};
  return map;
}

}  // namespace

struct Network::Compiled {
  ov::InferRequest take() {
    const std::lock_guard lock(mutex);
    if (idle.empty()) return compiled.create_infer_request();
    ov::InferRequest request = std::move(idle.back());
    idle.pop_back();
    return request;
  }
  void give_back(ov::InferRequest request) {
    const std::lock_guard lock(mutex);
    idle.push_back(std::move(request));
  }

  /// What was compiled; where that came out of the cache it is read when somebody asks for it.
  std::shared_ptr<ov::Model> read_model() {
    const std::lock_guard lock(mutex);
    if (!model) model = read_network(file);
    return model;
  }

  std::filesystem::path file;
  std::shared_ptr<ov::Model> model;
  ov::CompiledModel compiled;
  std::mutex mutex;                    // guards `idle` and `model`
  std::vector<ov::InferRequest> idle;  // requests hold the memory of a run, so they are kept for the next one
  std::vector<Port> inputs;
  std::vector<Port> outputs;
};

Network::Network(const std::filesystem::path& file, NetworkOptions options)
    : compiled_(std::make_unique<Compiled>()) {
  if (options.threads < 1 || options.runs < 1) {
    throw std::invalid_argument("a network needs at least one thread and one run");
  }
  if (const std::string missing = missing_for(options.precision); !missing.empty()) {
    throw Error(ErrorCode::kUnsupported, missing);
  }
  Compiled& c = *compiled_;
  c.file = file;
  const CompiledCache cache(file, options);
  auto kept = cache.load(settings(options));
  if (!kept) c.model = read_network(file);
  try {
    if (kept) {
      c.compiled = *kept;
    } else {
      free_batch(*c.model);
      if (!options.output.empty()) c.model = cut_at(c.model, options.output);
      c.compiled = openvino_core().compile_model(c.model, "CPU", settings(options));
      cache.store(c.compiled);
    }
    c.idle.push_back(c.compiled.create_infer_request());
    c.inputs = ports_of(c.compiled.inputs());
    c.outputs = ports_of(c.compiled.outputs());
  } catch (const std::exception& e) {
    throw Error(ErrorCode::kModelInvalid, file.string() + " cannot be computed: " + openvino_reason(e));
  }
}

Network::~Network() = default;
Network::Network(Network&&) noexcept = default;
Network& Network::operator=(Network&&) noexcept = default;

const std::vector<Port>& Network::inputs() const { return compiled_->inputs; }
const std::vector<Port>& Network::outputs() const { return compiled_->outputs; }

std::vector<Tensor> Network::run(const TensorView& input) {
  Compiled& c = *compiled_;
  if (c.inputs.size() != 1) throw std::invalid_argument("this network does not have one input");
  std::size_t count = 1;
  for (const std::size_t size : input.shape) count *= size;
  if (!fits(input.shape, c.inputs[0]) || count != input.values.size()) {
    throw std::invalid_argument(c.file.string() + " takes " + text_of(c.inputs[0].shape));
  }
  std::vector<Tensor> results;
  try {
    // OpenVINO only reads from an input tensor, though its type does not say so.
    ov::InferRequest request = c.take();
    request.set_input_tensor(
        ov::Tensor(ov::element::f32, ov::Shape(input.shape), const_cast<float*>(input.values.data())));
    request.infer();
    for (std::size_t i = 0; i < c.outputs.size(); ++i) {
      const ov::Tensor tensor = request.get_output_tensor(i);
      const auto* data = tensor.data<float>();
      results.push_back({tensor.get_shape(), {data, data + tensor.get_size()}});
    }
    c.give_back(std::move(request));
  } catch (const std::exception& e) {
    throw Error(ErrorCode::kModelInvalid, c.file.string() + " failed while running: " + openvino_reason(e));
  }
  return results;
}

Tensor Network::constant(const std::string& name) const {
  for (const auto& node : compiled_->read_model()->get_ordered_ops()) {
    const auto constant = ov::as_type_ptr<ov::op::v0::Constant>(node);
    if (constant && constant->get_friendly_name() == name && constant->get_element_type().is_real()) {
      return {constant->get_shape(), constant->cast_vector<float>()};
    }
  }
  throw Error(ErrorCode::kModelInvalid, compiled_->file.string() + " has no weights called " + name);
}

std::vector<std::string> Network::constant_names() const {
  std::vector<std::string> names;
  for (const auto& node : compiled_->read_model()->get_ordered_ops()) {
    const auto constant = ov::as_type_ptr<ov::op::v0::Constant>(node);
    if (constant && constant->get_element_type().is_real()) names.push_back(constant->get_friendly_name());
  }
  return names;
}

std::string missing_for(Precision precision) {
  // What needs no question, so that OpenVINO need not be started for it.
  if (precision == Precision::kF32 || (precision == Precision::kBf16 && has_bf16_products())) return "";
  return missing_for(precision, openvino_core().get_property("CPU", ov::device::capabilities));
}

std::string missing_for(Precision precision, std::span<const std::string> capabilities) {
  const char* needed = precision == Precision::kBf16   ? "BF16"
                       : precision == Precision::kInt8 ? "INT8"
                                                       : "FP32";
  if (std::ranges::find(capabilities, needed) != capabilities.end()) return "";
  return "this CPU cannot compute in " + std::string(to_string(precision)) +
         (precision == Precision::kBf16 ? ": it has neither AVX512-BF16 nor AMX; use --precision f32"
                                        : "; use --precision f32");
}

}  // namespace likeness
