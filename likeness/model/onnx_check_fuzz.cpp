// Any bytes are either a model that may be handed on, or one Error.
#include <cstdint>
#include <string_view>

#include "likeness/core/error.h"
#include "likeness/model/network_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    likeness::check_onnx({reinterpret_cast<const char*>(data), size}, "fuzzed.onnx");
  } catch (const likeness::Error&) {
    // The expected answer to almost everything.
  }
  return 0;
}
