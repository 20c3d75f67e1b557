#include "likeness/core/text_file.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <sstream>

#include "likeness/core/error.h"
#include "likeness/core/file.h"

namespace likeness {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\v\f\r\n";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

void append_utf8(std::string& out, char32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += {static_cast<char>(0xC0 | code >> 6), static_cast<char>(0x80 | (code & 0x3F))};
  } else if (code < 0x10000) {
    out += {static_cast<char>(0xE0 | code >> 12), static_cast<char>(0x80 | (code >> 6 & 0x3F)),
            static_cast<char>(0x80 | (code & 0x3F))};
  } else {
    out += {static_cast<char>(0xF0 | code >> 18), static_cast<char>(0x80 | (code >> 12 & 0x3F)),
            static_cast<char>(0x80 | (code >> 6 & 0x3F)), static_cast<char>(0x80 | (code & 0x3F))};
  }
}

/// Empty where the bytes are no UTF-16.
std::optional<std::string> from_utf16(std::string_view bytes, bool big_endian) {
  if (bytes.size() % 2 != 0) return std::nullopt;
  std::string out;
  char32_t high = 0;
  for (std::size_t i = 0; i < bytes.size(); i += 2) {
    const auto first = static_cast<std::uint8_t>(bytes[i]);
    const auto second = static_cast<std::uint8_t>(bytes[i + 1]);
    const char32_t unit = big_endian ? first << 8 | second : second << 8 | first;
    const bool low = unit >= 0xDC00 && unit < 0xE000;
    if (low != (high != 0)) return std::nullopt;
    if (unit >= 0xD800 && unit < 0xDC00) {
      high = unit;
      continue;
    }
    append_utf8(out, low ? 0x10000 + ((high - 0xD800) << 10) + (unit - 0xDC00) : unit);
    high = 0;
  }
  return high == 0 ? std::optional(out) : std::nullopt;
}

/// The file's text in UTF-8 as far as that can be told.
std::string decoded(std::string_view bytes, const std::filesystem::path& path) {
  const bool little = bytes.starts_with("\xFF\xFE");
  const bool big = bytes.starts_with("\xFE\xFF");
  // Without a mark: a zero beside the first letter.
  const bool bare = !little && !big && bytes.size() >= 2 && (bytes[0] == '\0') != (bytes[1] == '\0');
  if (little || big || bare) {
    auto text = from_utf16(bytes.substr(bare ? 0 : 2), big || (bare && bytes[0] == '\0'));
    if (!text) throw Error(ErrorCode::kDataInvalid, path.string() + ": begins as UTF-16, but is none");
    return *std::move(text);
  }
  return std::string(bytes.starts_with("\xEF\xBB\xBF") ? bytes.substr(3) : bytes);
}

std::vector<std::string> split_quoted(std::string_view line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (quoted && line[i] == '"' && i + 1 < line.size() && line[i + 1] == '"') {
      fields.back() += line[i++];
    } else if (line[i] == '"') {
      quoted = !quoted;
    } else if (line[i] == ',' && !quoted) {
      fields.emplace_back();
    } else {
      fields.back() += line[i];
    }
  }
  return fields;
}

}  // namespace

std::vector<TextLine> read_text_lines(const std::filesystem::path& path, std::size_t most_bytes) {
  const auto bytes = read_file_bytes(path, most_bytes);
  const std::string text = decoded({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path);
  std::vector<TextLine> lines;
  std::size_t number = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find_first_of("\r\n", at), text.size());
    ++number;
    const std::string_view line = trimmed(std::string_view(text).substr(at, end - at));
    if (!line.empty() && line.front() != '#') lines.push_back({number, std::string(line)});
    at = end + (text.compare(end, 2, "\r\n") == 0 ? 2 : 1);
  }
  return lines;
}

std::vector<std::string> split_fields(std::string_view line) {
  std::vector<std::string> fields;
  if (line.find('\t') != std::string_view::npos) {
    for (std::size_t at = 0; at <= line.size();) {
      const std::size_t end = std::min(line.find('\t', at), line.size());
      // Several tabs in a row are one: people line their columns up with them.
      const std::string_view field = trimmed(line.substr(at, end - at));
      if (!field.empty()) fields.emplace_back(field);
      at = end + 1;
    }
  } else if (line.find(',') != std::string_view::npos) {
    for (const std::string& field : split_quoted(line)) fields.emplace_back(trimmed(field));
  } else {
    std::istringstream text{std::string(line)};
    for (std::string word; text >> word;) fields.push_back(word);
  }
  return fields;
}

}  // namespace likeness
