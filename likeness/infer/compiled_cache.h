#pragma once

// Inside infer/ only: networks as OpenVINO compiled them, kept for the next start.

#include <filesystem>
#include <openvino/runtime/compiled_model.hpp>
#include <optional>
#include <string>

#include "likeness/infer/network.h"

namespace likeness {

/// The place of one compiled network in a folder. Reading a frozen graph and compiling it takes 0.9 s of
/// processor time, an int8 network as long; what this keeps is ready in 0.3 s and 0.2 s. A file is used only
/// for the very network file, precision, output, processor and OpenVINO it was made of, and only where it is
/// undamaged; otherwise it is as if it were not there.
class CompiledCache {
 public:
  /// For the network in `file`, computed as `options` say. Where they name no folder, or where reading and
  /// compiling is as quick (IR in f32 and bf16: 0.2 s), nothing is loaded or stored.
  CompiledCache(const std::filesystem::path& file, const NetworkOptions& options);

  [[nodiscard]] std::optional<ov::CompiledModel> load(const ov::AnyMap& settings) const;
  /// Keeps `compiled` for the next load(). That it cannot be written is no error: the next start is slow
  /// again.
  void store(ov::CompiledModel compiled) const;

 private:
  std::filesystem::path place_;  // empty: no cache
  std::string key_;              // all that the compiled network depends on
};

}  // namespace likeness
