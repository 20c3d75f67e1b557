#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include "likeness/image/image.h"

namespace likeness {

/// Limits on what is read, and what may be left out while reading.
struct ReadOptions {
  std::size_t max_pixels = 100'000'000;  ///< Width times height; checked before pixels are decoded.
  std::size_t max_bytes = 256U << 20;    ///< Of the file; checked before it is read.
  /// 1, 2, 4 or 8: a JPEG is decoded at 1/shrink of its size, which is much quicker; what is left over at the
  /// stored picture's right and bottom edge is cut, so a pixel stands for exactly shrink x shrink. A picture
  /// with shorter sides than that is shrunk less. Other formats ignore it; probe_image() gives the size
  /// without it.
  int shrink = 1;
};

/// The upright photo in a file, sRGB, 8 bits. JPEG, PNG (also animated), GIF, WebP, TIFF, HEIF and AVIF, told
/// by the bytes and not by the name; of several frames or pages the first. Turned by Exif's orientation, HEIF
/// and AVIF by their boxes alone; alpha is dropped without blending, grey is repeated, 16 bits keep the
/// upper 8. Colours are brought to sRGB where the file says that they are others (docs/photos.md has the
/// table): by ICC profile, PNG's chunks, HEIF's nclx, Exif's mark of Adobe RGB, or as TIFF's L*a*b*. Untagged
/// RGB, and RGB tagged with nearly sRGB, stay as they are: pixels of JPEG and PNG then equal Pillow's
/// convert("RGB") (libjpeg-turbo's defaults). Untagged CMYK becomes RGB by Pillow's formula.
/// @throws Error kImageUnreadable, one line that names the file: missing, damaged, cut short, over a limit,
/// of another format (named where it is a well-known one), or with colours that have no certain sRGB (HDR's
/// PQ and HLG, some kinds of TIFF); std::invalid_argument for another `shrink`.
[[nodiscard]] Image read_image(const std::filesystem::path& path, const ReadOptions& options = {});

/// The same for the bytes of a file; `name` stands for the file in errors. Any number of threads may decode
/// at once. Nothing is written to stderr, but by dav1d a line for a damaged AVIF.
/// The first picture that is read or written in a process starts libvips, which is the whole process's:
/// GLib's handlers for the messages of libvips and Pango are set, libvips' cache is turned off, its loaders
/// that are not meant for untrusted files are blocked, and it uses one thread a picture. libvips opens its
/// loader modules then (PDF, slides, JPEG XL and some forty libraries of theirs), but not where the program
/// set $VIPSHOME to a folder without any; HEIF and AVIF are read all the same. The environment is left as it
/// was.
[[nodiscard]] Image decode_image(std::span<const std::byte> bytes, const std::string& name,
                                 const ReadOptions& options = {});

struct ImageSize {
  int width = 0;   ///< Pixels, of the upright photo.
  int height = 0;  ///< Pixels, of the upright photo.
  bool operator==(const ImageSize&) const = default;
};

/// Size that decode_image gives with shrink 1, from the header alone. @throws as decode_image, but damage
/// after the header is not seen.
[[nodiscard]] ImageSize probe_image(std::span<const std::byte> bytes, const std::string& name,
                                    const ReadOptions& options = {});

}  // namespace likeness
