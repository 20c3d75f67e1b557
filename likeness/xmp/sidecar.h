#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "likeness/image/photo_header.h"
#include "likeness/xmp/face_regions.h"

namespace likeness {

/// What a photo's XMP is, and where it lies.
struct PhotoXmp {
  std::string text;            ///< Empty: there is none.
  std::filesystem::path file;  ///< The sidecar, or the photo itself.
  bool is_sidecar = false;
};

/// The name that digiKam and darktable give a photo's sidecar: "photo.jpg.xmp".
[[nodiscard]] std::filesystem::path sidecar_of(const std::filesystem::path& photo);

/// A photo's sidecar: "photo.jpg.xmp", else "photo.xmp" (Adobe's name); empty where there is neither.
[[nodiscard]] std::filesystem::path find_sidecar(const std::filesystem::path& photo);

/// Of the sidecar where it marks faces, else the packet within the photo. A sidecar without faces comes where
/// the photo has none either. @throws Error kDataInvalid, kInputUnreadable naming the sidecar.
[[nodiscard]] PhotoXmp xmp_of(const std::filesystem::path& photo, const PhotoHeader& header);

}  // namespace likeness
