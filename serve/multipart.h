#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace likeness::serve {

/// A part of a form. Its content points into the body it was read from.
struct Part {
  std::string name;
  std::string file_name;  ///< Empty where none was sent.
  std::string_view content;
};

/// The boundary that a Content-Type of "multipart/form-data; boundary=..." names; nothing where it is of
/// another type, or the boundary is missing, empty or longer than 70 bytes (RFC 2046).
[[nodiscard]] std::optional<std::string> form_boundary(std::string_view content_type);

/// The parts of a multipart/form-data body (RFC 7578), in their order; at most `most_parts`. A parameter's
/// value may be quoted, with backslashes before quotes. What stands before the first boundary and behind the
/// last is not looked at.
/// @throws std::invalid_argument saying what is wrong, with its place in bytes.
[[nodiscard]] std::vector<Part> read_form(std::string_view body, std::string_view boundary,
                                          std::size_t most_parts);

}  // namespace likeness::serve
