#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

#include "likeness/image/image.h"

namespace likeness {

/// The picture as a PNG file's bytes, lossless. @throws std::invalid_argument for an empty picture.
[[nodiscard]] std::vector<std::byte> encode_png(ImageView image);

/// The picture as a JPEG file's bytes; `quality` 1 to 100. @throws std::invalid_argument for an empty
/// picture, a side over 65,535 pixels, or another quality.
[[nodiscard]] std::vector<std::byte> encode_jpeg(ImageView image, int quality);

/// Writes a PNG file, complete or not at all. @throws Error kOutputUnwritable; std::invalid_argument as
/// encode_png.
void write_png(const std::filesystem::path& path, ImageView image);

}  // namespace likeness
