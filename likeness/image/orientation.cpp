#include "likeness/image/orientation.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace likeness {
namespace {

int valid(unsigned value) { return value >= 1 && value <= 8 ? static_cast<int>(value) : 0; }

std::optional<unsigned> digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

// Numbers of a TIFF block, which says its own byte order; 0 past its end.
class TiffBlock {
 public:
  explicit TiffBlock(std::vector<std::uint8_t> bytes)
      : bytes_(std::move(bytes)), little_(!bytes_.empty() && bytes_[0] == 'I') {}
  unsigned number(std::size_t offset, std::size_t length) const {
    if (offset > bytes_.size() || length > bytes_.size() - offset) return 0;
    unsigned value = 0;
    for (std::size_t i = 0; i < length; ++i) {
      value = value << 8U | bytes_[offset + (little_ ? length - 1 - i : i)];
    }
    return value;
  }

 private:
  std::vector<std::uint8_t> bytes_;
  bool little_;
};

int orientation_in_tiff(const TiffBlock& tiff) {
  constexpr unsigned kOrientationTag = 0x112;
  const std::size_t directory = tiff.number(4, 4);
  const std::size_t entries = tiff.number(directory, 2);  // of 12 bytes: tag, type, count, value
  for (std::size_t i = 0; i < entries; ++i) {
    const std::size_t entry = directory + 2 + 12 * i;
    if (tiff.number(entry, 2) == kOrientationTag) return valid(tiff.number(entry + 8, 2));
  }
  return 0;
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
  std::vector<std::uint8_t> bytes;
  std::optional<unsigned> upper;
  for (const char c : profile.substr(start + kExif.size())) {
    const auto value = digit(c);
    if (!value) continue;
    if (upper) bytes.push_back(static_cast<std::uint8_t>(*upper * 16 + *value));
    upper = upper ? std::nullopt : value;
  }
  return orientation_in_tiff(TiffBlock(std::move(bytes)));
}

}  // namespace likeness
