#include "serve/http.h"

#include <sodium.h>

#include <array>

namespace likeness::serve {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// Percent escapes undone; in a query + is a space, in a path a plus. Nothing where an escape is damaged, or
/// a byte comes out that no name or number holds.
std::optional<std::string> decoded(std::string_view text, bool query) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hex_value(text[i + 1]);
      const int low = hex_value(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (c == '+' && query) {
      c = ' ';
    }
    if (c == '\0') return std::nullopt;
    out.push_back(c);
  }
  return out;
}

/// Calls `take` with each part of `text` between separators.
template <typename Take>
bool each_part(std::string_view text, char separator, const Take& take) {
  std::size_t begin = 0;
  while (true) {
    const std::size_t end = text.find(separator, begin);
    if (!take(text.substr(begin, end == std::string_view::npos ? end : end - begin))) return false;
    if (end == std::string_view::npos) return true;
    begin = end + 1;
  }
}

}  // namespace

std::optional<std::string> percent_decoded(std::string_view text) { return decoded(text, /*query=*/false); }

std::string percent_encoded(std::string_view text, std::string_view kept) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    if (plain || kept.find(c) != std::string_view::npos) {
      out.push_back(c);
    } else {
      out += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return out;
}

std::optional<std::string_view> find_field(const Fields& fields, std::string_view name) {
  for (const auto& [key, value] : fields) {
    if (key == name) return value;
  }
  return std::nullopt;
}

std::optional<Target> parse_target(std::string_view target) {
  if (target.empty() || target[0] != '/' || target.find('#') != std::string_view::npos) return std::nullopt;
  Target parsed;
  const std::size_t question = target.find('?');
  const bool path = each_part(target.substr(1, question == std::string_view::npos ? question : question - 1),
                              '/', [&](std::string_view segment) {
                                auto text = decoded(segment, false);
                                if (!text) return false;
                                parsed.path.push_back(std::move(*text));
                                return true;
                              });
  if (!path) return std::nullopt;
  if (question == std::string_view::npos) return parsed;
  const bool query = each_part(target.substr(question + 1), '&', [&](std::string_view pair) {
    if (pair.empty()) return true;  // "?&limit=1" is what some clients send
    const std::size_t equals = pair.find('=');
    auto name = decoded(pair.substr(0, equals), true);
    auto value = equals == std::string_view::npos ? std::optional(std::string())
                                                  : decoded(pair.substr(equals + 1), true);
    if (!name || !value) return false;
    parsed.query.emplace_back(std::move(*name), std::move(*value));
    return true;
  });
  if (!query) return std::nullopt;
  return parsed;
}

std::string new_request_id() {
  std::array<unsigned char, 8> bytes{};
  randombytes_buf(bytes.data(), bytes.size());
  std::array<char, 17> text{};
  sodium_bin2hex(text.data(), text.size(), bytes.data(), bytes.size());
  return text.data();
}

}  // namespace likeness::serve
