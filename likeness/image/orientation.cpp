#include "likeness/image/orientation.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "likeness/image/tiff_tag.h"

namespace likeness {
namespace {

int valid(unsigned value) { return value >= 1 && value <= 8 ? static_cast<int>(value) : 0; }

std::optional<unsigned> digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

}  // namespace

int orientation_in_xmp(std::string_view xmp) {
  constexpr std::string_view kName = "tiff:Orientation";
  const std::size_t name = xmp.find(kName);
  if (name == std::string_view::npos) return 0;
  const std::size_t value = xmp.find_first_not_of(" \t\r\n=>\"'", name + kName.size());
  return value == std::string_view::npos ? 0 : valid(static_cast<unsigned char>(xmp[value]) - unsigned{'0'});
}

int orientation_in_raw_profile(std::string_view profile) {
  // A line with the profile's name, a line with its length, then lines of digits; "Exif\0\0" before the TIFF
  // block.
  constexpr std::string_view kExif = "457869660000";
  const std::size_t start = profile.find(kExif);
  if (start == std::string_view::npos) return 0;
  std::vector<std::byte> bytes;
  std::optional<unsigned> upper;
  for (const char c : profile.substr(start + kExif.size())) {
    const auto value = digit(c);
    if (!value) continue;
    if (upper) bytes.push_back(static_cast<std::byte>(*upper * 16 + *value));
    upper = upper ? std::nullopt : value;
  }
  constexpr int kOrientationTag = 0x112;
  return valid(static_cast<unsigned>(tiff_tag(bytes, kOrientationTag)));
}

}  // namespace likeness
