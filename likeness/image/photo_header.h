#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "likeness/image/read_image.h"

namespace likeness {

/// What a photo's file says of itself before its pixels.
struct PhotoHeader {
  ImageSize size;       ///< Of the upright photo.
  int orientation = 1;  ///< Exif's, 1 to 8, by which decode_image() turns the stored picture.
  std::string xmp;      ///< The XMP packet, at most 8 MiB; empty where there is none.

  /// Of the picture as it is stored.
  [[nodiscard]] ImageSize stored() const {
    return orientation >= 5 ? ImageSize{size.height, size.width} : size;
  }
};

/// @throws as probe_image(). A JPEG's packet is the first one, of at most 64 KiB; extensions of it are not
/// read.
[[nodiscard]] PhotoHeader read_photo_header(std::span<const std::byte> bytes, const std::string& name);

}  // namespace likeness
