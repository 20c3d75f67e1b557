// Any bytes are a graph whose layers fit together, one that is not ours, or one Error.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "likeness/core/error.h"
#include "likeness/model/onnx_graph.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto graph = likeness::read_onnx_graph({reinterpret_cast<const char*>(data), size}, "fuzzed.onnx");
    if (graph && graph->output >= graph->layers.size()) std::abort();
  } catch (const likeness::Error&) {
    // The expected answer to almost everything.
  }
  return 0;
}
