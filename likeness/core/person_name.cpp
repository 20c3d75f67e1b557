#include "likeness/core/person_name.h"

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace likeness {
namespace {

std::string_view without_blanks(std::string_view name) {
  constexpr std::string_view kBlanks = " \t\n\v\f\r";
  const std::size_t first = name.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return name.substr(first, name.find_last_not_of(kBlanks) - first + 1);
}

/// Blanks of any script, and what cannot be seen at the end of a word: zero-width space, word joiner, byte
/// order mark.
bool is_blank(UChar32 letter) {
  return u_isUWhiteSpace(letter) != 0 || letter == 0x200B || letter == 0x2060 || letter == 0xFEFF;
}

}  // namespace

std::string tidy_name(std::string_view name) {
  const bool ascii = std::ranges::all_of(name, [](unsigned char c) { return c < 0x80; });
  if (ascii || name.size() > std::numeric_limits<std::int32_t>::max())
    return std::string(without_blanks(name));
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(name.data());
  const auto size = static_cast<std::int32_t>(name.size());
  std::int32_t begin = size;
  std::int32_t end = 0;
  for (std::int32_t at = 0; at < size;) {
    const std::int32_t start = at;
    UChar32 letter = 0;
    U8_NEXT(bytes, at, size, letter);
    if (letter < 0) return std::string(without_blanks(name));
    if (is_blank(letter)) continue;
    begin = std::min(begin, start);
    end = at;
  }
  if (begin >= end) return {};
  UErrorCode error = U_ZERO_ERROR;
  const icu::Normalizer2* composed = icu::Normalizer2::getNFCInstance(error);
  std::string tidy;
  icu::StringByteSink<std::string> sink(&tidy);
  if (U_SUCCESS(error) != 0)
    composed->normalizeUTF8(0, {name.data() + begin, end - begin}, sink, nullptr, error);
  return U_SUCCESS(error) != 0 ? tidy
                               : std::string(name.substr(static_cast<std::size_t>(begin),
                                                         static_cast<std::size_t>(end - begin)));
}

std::string folded_name(std::string_view name) {
  const bool ascii = std::ranges::all_of(name, [](unsigned char c) { return c < 0x80; });
  std::string folded;
  if (!ascii && name.size() <= std::numeric_limits<std::int32_t>::max()) {
    UErrorCode error = U_ZERO_ERROR;
    const icu::Normalizer2* form = icu::Normalizer2::getNFKCCasefoldInstance(error);
    icu::StringByteSink<std::string> sink(&folded);
    if (U_SUCCESS(error) != 0)
      form->normalizeUTF8(0, {name.data(), static_cast<std::int32_t>(name.size())}, sink, nullptr, error);
    if (U_SUCCESS(error) != 0) return folded;
  }
  folded.assign(name);
  for (char& c : folded) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return folded;
}

}  // namespace likeness
