#pragma once

// Inside infer/ only: what lies behind OpenVINO. One shared library, liblikeness_openvino, includes and links
// it (infer/openvino/); the rest reaches it through these two classes.

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "likeness/infer/convert.h"
#include "likeness/infer/graph.h"
#include "likeness/infer/network.h"

namespace likeness {

/// A network as OpenVINO compiled it; see Network. Any number of threads may use one.
class OpenvinoNetwork {
 public:
  virtual ~OpenvinoNetwork() = default;
  [[nodiscard]] virtual const std::vector<Port>& inputs() const = 0;
  [[nodiscard]] virtual const std::vector<Port>& outputs() const = 0;
  [[nodiscard]] virtual std::vector<Tensor> run(const TensorView& input) = 0;
  [[nodiscard]] virtual Tensor constant(const std::string& name) = 0;
  [[nodiscard]] virtual std::vector<std::string> constant_names() = 0;
  /// Bytes that OpenvinoModule::import() takes. @throws std::exception where OpenVINO cannot export it.
  [[nodiscard]] virtual std::string exported() const = 0;
};

/// What the module does for the functions of the same names. Any number of threads may use it.
class OpenvinoModule {
 public:
  virtual ~OpenvinoModule() = default;

  /// Reads and compiles `file`. @throws Error kModelNotFound, kModelInvalid.
  [[nodiscard]] virtual std::unique_ptr<OpenvinoNetwork> compile(const std::filesystem::path& file,
                                                                 const NetworkOptions& options) const = 0;
  /// The same of what exported() gave for that file. @throws std::exception where it does not fit.
  [[nodiscard]] virtual std::unique_ptr<OpenvinoNetwork> import(const std::filesystem::path& file,
                                                                const NetworkOptions& options,
                                                                std::string exported) const = 0;
  /// What this CPU computes, in OpenVINO's words.
  [[nodiscard]] virtual std::vector<std::string> capabilities() const = 0;
  /// All that a compiled network and its numbers depend on beside the file: OpenVINO's build, the CPU, its
  /// capabilities and those that the environment holds back.
  [[nodiscard]] virtual std::string identity() const = 0;

  virtual void write_network(const Graph& graph, const std::filesystem::path& xml) const = 0;
  virtual void convert_network(const std::filesystem::path& file, const std::filesystem::path& xml,
                               const ConvertOptions& options, const std::string& called) const = 0;
  [[nodiscard]] virtual NetworkFacts describe_network(const std::filesystem::path& xml) const = 0;
  virtual void quantize_network(const std::filesystem::path& file, const std::filesystem::path& xml,
                                std::span<const Tensor> calibration, int threads) const = 0;
  virtual void append_projection(const std::filesystem::path& network, const std::filesystem::path& xml,
                                 const TensorView& matrix, std::span<const float> bias) const = 0;
  [[nodiscard]] virtual double products_a_row(const std::filesystem::path& network) const = 0;
};

/// The module, opened when it is first asked for and never closed; see set_openvino_module() for where it is
/// looked for. `user` (a file, a precision) says in the error what needs it.
/// @throws Error kUnsupported, with the library that is missing.
[[nodiscard]] const OpenvinoModule& openvino_module(const std::string& user);

/// What the module's one function is called, and what it must be asked with: library and module are of one
/// version, or do not work together.
constexpr const char* kOpenvinoEntry = "likeness_openvino";
using OpenvinoEntry = const OpenvinoModule* (*)(const char* version);

}  // namespace likeness
