#include "likeness/infer/openvino_module.h"

#include <dlfcn.h>

#include <mutex>
#include <stdexcept>
#include <utility>

#include "likeness/core/error.h"
#include "likeness/infer/append_projection.h"
#include "likeness/infer/products.h"
#include "likeness/infer/quantize.h"
#include "likeness/version.h"

namespace likeness {
namespace {

/// The dynamic linker finds it by the RUNPATH of the program, or of the shared library, that this is part of.
constexpr const char* kLibrary = "liblikeness_openvino.so";

struct Opened {
  std::mutex mutex;  // guards the rest
  std::filesystem::path place;
  const OpenvinoModule* module = nullptr;
};

Opened& opened() {
  static Opened value;
  return value;
}

[[noreturn]] void missing(const std::string& user, const std::string& reason) {
  throw Error(ErrorCode::kUnsupported, user + " needs OpenVINO, which cannot be loaded: " + reason);
}

const OpenvinoModule* open_module(const std::string& name, const std::string& user) {
  void* library = ::dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* reason = ::dlerror();  // NOLINT(concurrency-mt-unsafe): glibc keeps one for each thread
    missing(user, reason != nullptr ? reason : name);
  }
  const auto entry = reinterpret_cast<OpenvinoEntry>(::dlsym(library, kOpenvinoEntry));
  const OpenvinoModule* module = entry != nullptr ? entry(LIKENESS_VERSION) : nullptr;
  if (module == nullptr) missing(user, name + " is not of version " LIKENESS_VERSION);
  return module;
}

}  // namespace

const OpenvinoModule& openvino_module(const std::string& user) {
  Opened& o = opened();
  const std::lock_guard lock(o.mutex);
  if (o.module == nullptr) o.module = open_module(o.place.empty() ? kLibrary : o.place.string(), user);
  return *o.module;
}

void set_openvino_module(const std::filesystem::path& file) {
  Opened& o = opened();
  const std::lock_guard lock(o.mutex);
  if (o.module != nullptr) throw std::logic_error("the OpenVINO module is open already");
  o.place = file;
}

void write_network(const Graph& graph, const std::filesystem::path& xml) {
  openvino_module("writing " + xml.string()).write_network(graph, xml);
}

void convert_network(const std::filesystem::path& file, const std::filesystem::path& xml,
                     const ConvertOptions& options, const std::string& called) {
  openvino_module("reading " + (called.empty() ? file.string() : called))
      .convert_network(file, xml, options, called);
}

NetworkFacts describe_network(const std::filesystem::path& xml) {
  return openvino_module("reading " + xml.string()).describe_network(xml);
}

void quantize_network(const std::filesystem::path& file, const std::filesystem::path& xml,
                      std::span<const Tensor> calibration, int threads) {
  if (calibration.empty()) throw std::invalid_argument("quantisation needs pictures to measure ranges on");
  openvino_module("quantising " + file.string()).quantize_network(file, xml, calibration, threads);
}

void append_projection(const std::filesystem::path& network, const std::filesystem::path& xml,
                       const TensorView& matrix, std::span<const float> bias) {
  if (matrix.shape.size() != 2 || matrix.values.size() != matrix.shape[0] * matrix.shape[1] ||
      bias.size() != matrix.shape[0]) {
    throw std::invalid_argument("a projection needs outputs x inputs numbers and a bias for each output");
  }
  openvino_module("writing " + xml.string()).append_projection(network, xml, matrix, bias);
}

double products_a_row(const std::filesystem::path& network) {
  return openvino_module("reading " + network.string()).products_a_row(network);
}

}  // namespace likeness
