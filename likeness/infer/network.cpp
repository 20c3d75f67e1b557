#include "likeness/infer/network.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "likeness/core/error.h"
#include "likeness/infer/compiled_cache.h"
#include "likeness/infer/graph_kernels.h"
#include "likeness/infer/openvino_module.h"

namespace likeness {
namespace {

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

}  // namespace

struct Network::Compiled {
  std::filesystem::path file;
  std::unique_ptr<OpenvinoNetwork> network;
};

Network::Network(const std::filesystem::path& file, NetworkOptions options) {
  if (options.threads < 1 || options.runs < 1) {
    throw std::invalid_argument("a network needs at least one thread and one run");
  }
  if (const std::string missing = missing_for(options.precision); !missing.empty()) {
    throw Error(ErrorCode::kUnsupported, missing, Remedy::kUseF32);
  }
  const OpenvinoModule& module = openvino_module(file.string());
  const CompiledCache cache(file, options, module);
  auto network = cache.load();
  if (!network) {
    network = module.compile(file, options);
    cache.store(*network);
  }
  compiled_ = std::make_unique<Compiled>(Compiled{file, std::move(network)});
}

Network::~Network() = default;
Network::Network(Network&&) noexcept = default;
Network& Network::operator=(Network&&) noexcept = default;

const std::vector<Port>& Network::inputs() const { return compiled_->network->inputs(); }
const std::vector<Port>& Network::outputs() const { return compiled_->network->outputs(); }

std::vector<Tensor> Network::run(const TensorView& input) {
  Compiled& c = *compiled_;
  if (inputs().size() != 1) throw std::invalid_argument("this network does not have one input");
  std::size_t count = 1;
  for (const std::size_t size : input.shape) count *= size;
  if (!fits(input.shape, inputs()[0]) || count != input.values.size()) {
    throw std::invalid_argument(c.file.string() + " takes " + text_of(inputs()[0].shape));
  }
  return c.network->run(input);
}

std::string Network::identity() const { return openvino_module(compiled_->file.string()).identity(); }

Tensor Network::constant(const std::string& name) const { return compiled_->network->constant(name); }
std::vector<std::string> Network::constant_names() const { return compiled_->network->constant_names(); }

std::string missing_for(Precision precision) {
  // What needs no question, so that OpenVINO need not be started for it.
  if (precision == Precision::kF32 || (precision == Precision::kBf16 && has_bf16_products())) return "";
  try {
    return missing_for(precision, openvino_module(std::string(to_string(precision))).capabilities());
  } catch (const Error& e) {
    return e.what();
  }
}

std::string missing_for(Precision precision, std::span<const std::string> capabilities) {
  const char* needed = precision == Precision::kBf16   ? "BF16"
                       : precision == Precision::kInt8 ? "INT8"
                                                       : "FP32";
  if (std::ranges::find(capabilities, needed) != capabilities.end()) return "";
  return "this CPU cannot compute in " + std::string(to_string(precision)) +
         (precision == Precision::kBf16 ? ": it has neither AVX512-BF16 nor AMX" : "");
}

}  // namespace likeness
