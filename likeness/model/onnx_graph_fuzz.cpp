// Any bytes are a graph whose layers fit together, one that is not ours, or one Error.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "likeness/core/error.h"
#include "likeness/model/onnx_graph.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (const auto read : {likeness::read_onnx_graph, likeness::read_onnx_detector}) {
    try {
      const auto graph = read(bytes, "fuzzed.onnx");
      if (!graph) continue;
      for (const std::size_t output : graph->all_outputs()) {
        if (output >= graph->layers.size()) std::abort();
      }
    } catch (const likeness::Error&) {
      // The expected answer to almost everything.
    }
  }
  return 0;
}
