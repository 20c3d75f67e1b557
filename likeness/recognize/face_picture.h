#pragma once

// For who enrols: the library and the service's protocols.

#include <cstddef>
#include <vector>

#include "likeness/image/chip.h"
#include "likeness/image/write_image.h"

namespace likeness {

/// The picture that is kept of a face: its chip as a JPEG. @throws Error as encode_jpeg().
[[nodiscard]] inline std::vector<std::byte> picture_of(const Chip& chip) {
  constexpr int kJpegQuality = 90;
  return encode_jpeg(chip.view(), kJpegQuality);
}

}  // namespace likeness
