#include <cstdint>
#include <string_view>

#include "serve/http.h"

// Targets of requests, from anybody.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto target = likeness::serve::parse_target({reinterpret_cast<const char*>(data), size});
  if (target && target->path.empty()) __builtin_trap();
  return 0;
}
