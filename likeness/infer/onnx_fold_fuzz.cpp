// Any bytes are a model that needs no folding, one that is folded into a file that can be read again, or one
// Error.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "likeness/core/error.h"
#include "likeness/infer/onnx_fold.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const std::string folded =
        likeness::fold_onnx({reinterpret_cast<const char*>(data), size}, "fuzzed.onnx");
    if (folded.empty()) return 0;
    // Without a node or constant too many or cut, which would be a malformed file.
    try {
      (void)likeness::fold_onnx(folded, "folded.onnx");
    } catch (const likeness::Error& e) {
      if (std::string_view(e.what()).find("cut short") != std::string_view::npos) std::abort();
    }
  } catch (const likeness::Error&) {
    // The expected answer to almost everything.
  }
  return 0;
}
