// Any bytes are either a network's constants, whose shapes fit their values, or one Error.
#include <cstdint>
#include <cstdlib>

#include "likeness/core/error.h"
#include "likeness/infer/onnx_constants.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const likeness::OnnxConstants constants(std::as_bytes(std::span(data, size)), "fuzzed.onnx");
    for (const auto& [name, tensor] : constants.all()) {
      std::size_t count = 1;
      for (const std::int64_t side : tensor.shape) count *= static_cast<std::size_t>(side);
      if (count != tensor.values.size()) std::abort();
    }
  } catch (const likeness::Error&) {
    // The expected answer to almost everything.
  }
  return 0;
}
