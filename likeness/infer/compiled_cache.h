#pragma once

// Inside infer/ only: networks as OpenVINO compiled them, kept for the next start.

#include <filesystem>
#include <memory>
#include <string>

#include "likeness/infer/network.h"
#include "likeness/infer/openvino_module.h"

namespace likeness {

/// The place of one compiled network in a folder. Reading a frozen graph and compiling it takes 0.9 s of
/// processor time, an int8 network as long; what this keeps is ready in 0.3 s and 0.2 s. A file is used only
/// for the very network file, precision, output, processor and OpenVINO it was made of, and only where it is
/// undamaged; otherwise it is as if it were not there.
class CompiledCache {
 public:
  /// For the network in `file`, computed as `options` say. Where they name no folder, or where reading and
  /// compiling is as quick (IR in f32 and bf16: 0.2 s), nothing is loaded or stored.
  CompiledCache(std::filesystem::path file, NetworkOptions options, const OpenvinoModule& module);

  /// Empty where nothing that fits is kept.
  [[nodiscard]] std::unique_ptr<OpenvinoNetwork> load() const;
  /// Keeps `network` for the next load(). That it cannot be written is no error: the next start is slow
  /// again.
  void store(const OpenvinoNetwork& network) const;

 private:
  std::filesystem::path file_;
  NetworkOptions options_;
  const OpenvinoModule& module_;
  std::filesystem::path place_;  // empty: no cache
  std::string key_;              // all that the compiled network depends on
};

}  // namespace likeness
