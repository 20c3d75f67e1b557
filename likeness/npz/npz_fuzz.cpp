#include <cstddef>
#include <cstdint>
#include <span>

#include "likeness/core/error.h"
#include "likeness/npz/npz.h"

/// Any bytes are either read or refused by an Error; nothing else may leave.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using likeness::Error;
  try {
    const likeness::NpzFile file(std::as_bytes(std::span(data, size)), "fuzz.npz");
    for (const std::string& name : file.names()) {
      try {
        const likeness::ArrayInfo info = file.info(name);
        if (info.dtype[1] == 'U' || info.dtype[1] == 'S') (void)file.get<std::string>(name);
        if (info.dtype[1] == 'i') (void)file.whole_numbers(name);
        if (info.dtype[1] == 'f') (void)file.floats(name);
        if (info.dtype[1] == 'u') (void)file.get<std::uint8_t>(name);
        if (info.dtype[1] == 'b') (void)file.get<bool>(name);
        (void)file.get<float>(name);
      } catch (const Error&) {
      }
    }
  } catch (const Error&) {
  }
  return 0;
}
