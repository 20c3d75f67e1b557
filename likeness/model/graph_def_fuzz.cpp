// Any bytes are either a frozen graph that may be handed on, or one Error. A graph that was frozen is a good
// graph, and freezing it again changes nothing. Half of the inputs are taken as they are, the other half as
// orders for nodes that read each other, so that the walk through training branches is reached.
#include <fuzzer/FuzzedDataProvider.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "likeness/core/error.h"
#include "likeness/core/protobuf.h"
#include "likeness/model/network_file.h"

namespace {

using likeness::append_proto;

constexpr std::array kOps{
    "Placeholder", "PlaceholderWithDefault", "Identity", "Switch", "Merge", "LogicalNot", "Const", "Conv2D",
    "QueueDequeue"};
constexpr std::array kNames{"a", "b", "c", "d", "phase_train", "input", "image_batch", "embeddings"};

std::string graph_of(FuzzedDataProvider& orders) {
  std::string graph;
  while (orders.remaining_bytes() > 0 && graph.size() < 4096) {
    std::string node;
    append_proto(node, 1, orders.PickValueInArray(kNames));
    append_proto(node, 2, orders.PickValueInArray(kOps));
    for (int left = orders.ConsumeIntegralInRange(0, 3); left > 0; --left) {
      std::string input = orders.PickValueInArray(kNames);
      if (orders.ConsumeBool()) input += orders.ConsumeBool() ? ":1" : ":0";
      append_proto(node, 3, input);
    }
    if (orders.ConsumeBool())
      append_proto(node, 5,
                   std::string_view("\x0a\x05"
                                    "dtype\x12\x02\x30\x0a",
                                    11));
    if (orders.ConsumeBool()) append_proto(node, 5, orders.ConsumeRandomLengthString(32));
    append_proto(graph, 1, node);
  }
  return graph;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzedDataProvider orders(data, size);
  const std::string graph = orders.ConsumeBool() ? graph_of(orders) : orders.ConsumeRemainingBytesAsString();
  std::string frozen;
  try {
    frozen = likeness::prepare_graph_def(graph, "fuzzed.pb");
  } catch (const likeness::Error&) {
    return 0;  // the expected answer to almost everything
  }
  const std::string again = frozen.empty() ? "" : likeness::prepare_graph_def(frozen, "frozen.pb");
  if (!again.empty() && again != frozen) std::abort();
  return 0;
}
