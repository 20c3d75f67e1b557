#pragma once

#include <filesystem>
#include <memory>

#include "likeness/gallery/sqlite.h"
#include "likeness/gallery/store.h"

namespace likeness {

/// The format written, and the oldest one read. Format 2 has a log of changes and counts versions, format 3
/// faces that were seen and rejected names, format 4 pictures of enrolled faces.
inline constexpr int kFormatVersion = 4;
inline constexpr int kOldestFormat = 1;
inline constexpr std::string_view kUnlockText = "likeness gallery";

/// A gallery's file, checked: application id, version, and every definition word for word.
struct GalleryFile {
  std::unique_ptr<sqlite::Database> database;
  int format = kFormatVersion;
};

/// Opens a file; for writing one of an older format is brought to this one first, in one transaction.
/// @throws Error as open_sqlite_gallery().
[[nodiscard]] GalleryFile open_gallery_file(const std::filesystem::path& path, const OpenOptions& options);

}  // namespace likeness
