// Any text is either IR that may be handed on, or one Error. Half of the inputs are taken as they are, the
// other half as orders for layers, constants and edges, so that more than the first tag is reached.
#include <fuzzer/FuzzedDataProvider.h>

#include <array>
#include <cstdint>
#include <string>

#include "likeness/core/error.h"
#include "likeness/model/network_file.h"

namespace {

std::string number(FuzzedDataProvider& orders) {
  if (orders.ConsumeIntegralInRange(0, 7) == 7) return orders.ConsumeRandomLengthString(24);
  return std::to_string(orders.ConsumeIntegralInRange<std::uint64_t>(0, 5));
}

std::string ir_of(FuzzedDataProvider& orders) {
  constexpr std::array kTypes{"Parameter", "Const", "Add", "If", "Result", ""};
  constexpr std::array kElements{"f32", "u1", "f16", "i64", "string", ""};
  std::string xml = "<net version=\"" + std::to_string(orders.ConsumeIntegralInRange(9, 11)) + "\"><layers>";
  for (int left = orders.ConsumeIntegralInRange(0, 8); left > 0; --left) {
    xml +=
        "<layer id=\"" + number(orders) + "\" type=\"" + orders.PickValueInArray(kTypes) + "\" name=\"n\">";
    if (orders.ConsumeBool()) {
      xml += "<data element_type=\"" + std::string(orders.PickValueInArray(kElements)) + "\" shape=\"" +
             number(orders) + ", " + number(orders) + "\" offset=\"" + number(orders) + "\" size=\"" +
             number(orders) + "\"/>";
    }
    if (orders.ConsumeBool()) xml += orders.ConsumeRandomLengthString(32);
    xml += "</layer>";
  }
  xml += "</layers><edges>";
  for (int left = orders.ConsumeIntegralInRange(0, 8); left > 0; --left) {
    xml += "<edge from-layer=\"" + number(orders) + "\" from-port=\"0\" to-layer=\"" + number(orders) +
           "\" to-port=\"" + number(orders) + "\"/>";
  }
  return xml + "</edges>" + orders.ConsumeRemainingBytesAsString() + "</net>";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzedDataProvider orders(data, size);
  const std::string xml = orders.ConsumeBool() ? ir_of(orders) : orders.ConsumeRemainingBytesAsString();
  try {
    likeness::check_ir(xml, /*weights_bytes=*/64, "fuzzed.xml");
  } catch (const likeness::Error&) {
    // The expected answer to almost everything.
  }
  return 0;
}
