#include <cstddef>
#include <cstdint>
#include <span>

#include "likeness/core/error.h"
#include "likeness/image/read_image.h"

// Whatever the bytes: a picture within the limit, or one of our errors.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const likeness::ReadOptions options{.max_pixels = 1U << 20};
  try {
    const auto image = likeness::decode_image(std::as_bytes(std::span(data, size)), "fuzz", options);
    if (image.pixels().size() > 3 * options.max_pixels) __builtin_trap();
  } catch (const likeness::Error&) {
  }
  return 0;
}
