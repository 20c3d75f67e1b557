#include "serve/multipart.h"

#include <algorithm>
#include <cctype>
#include <stdexcept>

namespace likeness::serve {
namespace {

constexpr std::size_t kMostHeaderBytes = 4096;  ///< Of one part.

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// The value of a parameter of a header such as `form-data; name="photo"`; nothing where it has none.
std::optional<std::string> parameter(std::string_view header, std::string_view wanted) {
  std::size_t at = header.find(';');
  while (at < header.size()) {
    ++at;
    const std::size_t equals = header.find_first_of("=;", at);
    if (equals == std::string_view::npos) return std::nullopt;
    const std::string name = lower(trimmed(header.substr(at, equals - at)));
    if (header[equals] == ';') {
      at = equals;
      continue;
    }
    at = equals + 1;
    while (at < header.size() && header[at] == ' ') ++at;
    std::string value;
    if (at < header.size() && header[at] == '"') {
      for (++at; at < header.size() && header[at] != '"'; ++at) {
        if (header[at] == '\\' && at + 1 < header.size() && (header[at + 1] == '"' || header[at + 1] == '\\'))
          ++at;
        value.push_back(header[at]);
      }
      if (at >= header.size()) return std::nullopt;  // the quote is not closed
      at = header.find(';', at);
    } else {
      const std::size_t end = header.find(';', at);
      value = trimmed(header.substr(at, end == std::string_view::npos ? end : end - at));
      at = end;
    }
    if (name == wanted) return value;
  }
  return std::nullopt;
}

[[noreturn]] void fail(const std::string& what, std::size_t at) {
  throw std::invalid_argument("the form is damaged: " + what + " at byte " + std::to_string(at));
}

/// The header lines of a part that begins at `at`, which is moved behind them.
Part read_head(std::string_view body, std::size_t& at) {
  const std::size_t begin = at;
  const std::size_t end = body.substr(at, kMostHeaderBytes).find("\r\n\r\n");
  if (end == std::string_view::npos && body.substr(at, 2) != "\r\n") fail("a part's header has no end", at);
  Part part;
  if (body.substr(at, 2) == "\r\n") fail("a part has no Content-Disposition", at);
  std::string_view lines = body.substr(at, end);
  at += end + 4;
  bool named = false;
  while (!lines.empty()) {
    const std::size_t eol = lines.find("\r\n");
    const std::string_view line = lines.substr(0, eol);
    lines = eol == std::string_view::npos ? std::string_view() : lines.substr(eol + 2);
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) fail("a header line has no colon", begin);
    if (lower(trimmed(line.substr(0, colon))) != "content-disposition") continue;
    const std::string_view value = line.substr(colon + 1);
    if (auto name = parameter(value, "name")) {
      part.name = std::move(*name);
      named = true;
    }
    part.file_name = parameter(value, "filename").value_or("");
  }
  if (!named) fail("a part has no name", begin);
  return part;
}

}  // namespace

std::optional<std::string> form_boundary(std::string_view content_type) {
  if (lower(trimmed(content_type.substr(0, content_type.find(';')))) != "multipart/form-data")
    return std::nullopt;
  auto boundary = parameter(content_type, "boundary");
  if (!boundary || boundary->empty() || boundary->size() > 70) return std::nullopt;
  return boundary;
}

std::vector<Part> read_form(std::string_view body, std::string_view boundary, std::size_t most_parts) {
  const std::string first = "--" + std::string(boundary);
  const std::string next = "\r\n" + first;
  std::size_t at = 0;
  if (body.substr(0, first.size()) == first) {
    at = first.size();
  } else {
    const std::size_t found = body.find(next);
    if (found == std::string_view::npos) fail("there is no boundary", 0);
    at = found + next.size();
  }
  std::vector<Part> parts;
  while (true) {
    // Behind a boundary: "--" ends the form; blanks may stand before the line's end.
    if (body.substr(at, 2) == "--") return parts;
    while (at < body.size() && (body[at] == ' ' || body[at] == '\t')) ++at;
    if (body.substr(at, 2) != "\r\n") fail("a boundary's line does not end", at);
    at += 2;
    if (parts.size() == most_parts) fail("more than " + std::to_string(most_parts) + " parts", at);
    Part part = read_head(body, at);
    const std::size_t end = body.find(next, at);
    if (end == std::string_view::npos) fail("the part \"" + part.name.substr(0, 40) + "\" does not end", at);
    part.content = body.substr(at, end - at);
    at = end + next.size();
    parts.push_back(std::move(part));
  }
}

}  // namespace likeness::serve
