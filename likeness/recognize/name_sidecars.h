#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "likeness/core/progress.h"
#include "likeness/gallery/store.h"

namespace likeness {

enum class SidecarStatus {
  kWritten,
  kUnchanged,   ///< All its faces are marked already, under the same names.
  kOtherwise,   ///< Some face is marked under another name, or none, and stays so; the others are written.
  kNoPhoto,     ///< Nothing lies at the photo's path any more, or its faces have no place in it.
  kOtherPhoto,  ///< Another photo lies there: its SHA-256 differs.
  kUnreadable,  ///< The photo, or its XMP, to which nothing can be added.
};
[[nodiscard]] std::string_view to_string(SidecarStatus status);

/// What became of one photo of a gallery.
struct NamedPhoto {
  std::string photo;
  std::filesystem::path sidecar{};  ///< What was written, or stands there; empty: kNoPhoto and below.
  std::size_t faces = 0;            ///< Of the gallery, in this photo.
  SidecarStatus status = SidecarStatus::kWritten;
  std::string why{};  ///< In words; empty where the status says all.
};

struct SidecarOptions {
  /// Where sidecars go, below it by the photos' paths behind their common part; empty: beside the photos.
  std::optional<std::filesystem::path> folder{};
  std::function<void(const NamedPhoto&)> each{};
  Progress progress{};
};

struct SidecarSummary {
  std::size_t photos = 0, written = 0, unchanged = 0;
};

/// Writes the names of a gallery's faces as XMP sidecars with regions of the Metadata Working Group, which
/// digiKam and darktable read: "photo.jpg.xmp". A sidecar that is there keeps all it holds, and one that is
/// new begins with the XMP within the photo. Photos are not touched.
/// @throws Error kOutputUnwritable; kStopped; as the store does.
SidecarSummary write_name_sidecars(const GalleryStore& store, const SidecarOptions& options);

}  // namespace likeness
