#include "likeness/image/tiff_tag.h"

namespace likeness {
namespace {

// Numbers of a TIFF block, which says its own byte order; 0 past its end.
class TiffBlock {
 public:
  explicit TiffBlock(std::span<const std::byte> bytes)
      : bytes_(bytes), little_(!bytes.empty() && bytes[0] == std::byte{'I'}) {}
  unsigned number(std::size_t offset, std::size_t length) const {
    if (offset > bytes_.size() || length > bytes_.size() - offset) return 0;
    unsigned value = 0;
    for (std::size_t i = 0; i < length; ++i) {
      value = value << 8U | std::to_integer<unsigned>(bytes_[offset + (little_ ? length - 1 - i : i)]);
    }
    return value;
  }

 private:
  std::span<const std::byte> bytes_;
  bool little_;
};

}  // namespace

int tiff_tag(std::span<const std::byte> tiff, int tag) {
  const TiffBlock block(tiff);
  if (block.number(2, 2) != 42) return 0;  // BigTIFF
  const std::size_t directory = block.number(4, 4);
  const std::size_t entries = block.number(directory, 2);  // of 12 bytes: tag, type, count, value
  for (std::size_t i = 0; i < entries; ++i) {
    const std::size_t entry = directory + 2 + 12 * i;
    if (block.number(entry, 2) != static_cast<unsigned>(tag)) continue;
    constexpr unsigned kLong = 4;
    return static_cast<int>(block.number(entry + 8, block.number(entry + 2, 2) == kLong ? 4 : 2));
  }
  return 0;
}

}  // namespace likeness
