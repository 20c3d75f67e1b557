#pragma once

#include <cstddef>
#include <span>

namespace likeness {

/// The first number of a tag in the first directory of a TIFF file or Exif block, as SHORT or LONG; 0 where
/// the tag is absent, `tiff` is damaged, or a BigTIFF.
[[nodiscard]] int tiff_tag(std::span<const std::byte> tiff, int tag);

}  // namespace likeness
