// Any model is one that needs no folding, one that is folded into a file that can be read again, or one
// Error. Half of the inputs are a file's bytes, half are orders for a file whose structure is right, so that
// sizes, types and blocks are reached too.
#include <fuzzer/FuzzedDataProvider.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "likeness/core/error.h"
#include "likeness/core/protobuf.h"
#include "likeness/infer/onnx_fold.h"

namespace {

using likeness::append_proto;

std::string tensor(FuzzedDataProvider& orders, const char* name) {
  std::string message;
  for (int rank = orders.ConsumeIntegralInRange(0, 4); rank > 0; --rank)
    append_proto(message, 1,
                 orders.ConsumeBool() ? orders.ConsumeIntegralInRange<std::uint64_t>(0, 9)
                                      : orders.ConsumeIntegral<std::uint64_t>());
  append_proto(message, 2, orders.ConsumeIntegralInRange<std::uint64_t>(0, 27));
  append_proto(message, 8, name);
  append_proto(message, orders.ConsumeBool() ? 9 : 5, orders.ConsumeRandomLengthString(64));
  return message;
}

void attribute(std::string& node, const char* name, std::uint64_t value) {
  std::string message;
  append_proto(message, 1, name);
  append_proto(message, 3, value);
  append_proto(node, 5, message);
}

std::string model(FuzzedDataProvider& orders) {
  std::string graph, file;
  for (const char* name : {"values", "scale", "zero"}) append_proto(graph, 5, tensor(orders, name));
  const char* made[] = {"values", "w", "v", "out"};
  for (int i = 0; i < 3; ++i) {
    static constexpr const char* kTypes[] = {"DequantizeLinear", "Cast", "Reshape"};
    std::string node;
    append_proto(node, 1, made[orders.ConsumeIntegralInRange(0, i)]);
    if (orders.ConsumeBool()) append_proto(node, 1, "scale");
    if (orders.ConsumeBool()) append_proto(node, 1, "zero");
    append_proto(node, 2, made[i + 1]);
    append_proto(node, 4, orders.PickValueInArray(kTypes));
    for (const char* name : {"axis", "block_size", "to", "output_dtype"}) {
      if (orders.ConsumeBool())
        attribute(node, name,
                  static_cast<std::uint64_t>(orders.ConsumeIntegralInRange<std::int64_t>(-3, 20)));
    }
    append_proto(graph, 1, node);
  }
  append_proto(file, 7, graph);
  return file;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzedDataProvider orders(data, size);
  const std::string bytes = orders.ConsumeBool() ? model(orders) : orders.ConsumeRemainingBytesAsString();
  try {
    const std::string folded = likeness::fold_onnx(bytes, "fuzzed.onnx");
    if (folded.empty()) return 0;
    try {
      (void)likeness::fold_onnx(folded, "folded.onnx");
    } catch (const likeness::Error& e) {
      // Weights may be nonsense, but what is written is whole.
      if (std::string_view(e.what()).find("cut short") != std::string_view::npos) std::abort();
    }
  } catch (const likeness::Error&) {
    // The expected answer to almost everything.
  }
  return 0;
}
