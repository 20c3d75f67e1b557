#include <cstdint>
#include <stdexcept>
#include <string_view>

#include "serve/multipart.h"

// Content-Type in the first line, the form's body behind it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t line = text.find('\n');
  const auto named = likeness::serve::form_boundary(text.substr(0, line));
  const std::string_view body = line == std::string_view::npos ? std::string_view() : text.substr(line + 1);
  try {
    for (const auto& part : likeness::serve::read_form(body, named.value_or("b"), 100)) {
      // Each part lies within the body.
      if (part.content.data() < body.data() ||
          part.content.data() + part.content.size() > body.data() + body.size())
        __builtin_trap();
    }
  } catch (const std::invalid_argument&) {  // damaged, and named
  }
  return 0;
}
