#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "likeness/image/to_srgb.h"

namespace likeness {

/// Colour as ITU-T H.273 numbers it, in PNG's cICP chunk and HEIF's nclx.
struct CodePoints {
  int primaries = 2;  ///< 1 sRGB's, 9 BT.2020, 11 DCI-P3, 12 Display P3; 2 is unsaid.
  int transfer = 2;   ///< 8 linear, 13 sRGB, 16 PQ, 18 HLG; 2 is unsaid.
};

/// "PQ" or "HLG" for the two transfer functions of HDR, which have no one right picture in sRGB; null else.
[[nodiscard]] const char* hdr_transfer(int transfer);

/// The numbers of those code points. Curves of video (BT.709 and its kin) count as sRGB's, as screens show
/// them; what is unsaid or unknown does too.
[[nodiscard]] Colorimetry colorimetry_of(CodePoints points);

/// What a PNG's chunks before its pixels say.
struct PngColor {
  std::optional<CodePoints> code_points;   ///< cICP.
  bool is_srgb = false;                    ///< An sRGB chunk.
  std::optional<Colorimetry> colorimetry;  ///< gAMA, with cHRM where it is there too.
};
/// Damaged chunks count as absent.
[[nodiscard]] PngColor png_color(std::span<const std::byte> png);

/// The nclx colour of a HEIF or AVIF file's primary picture; nullopt where there is none, or boxes are
/// damaged.
[[nodiscard]] std::optional<CodePoints> heif_code_points(std::span<const std::byte> heif);

}  // namespace likeness
