#pragma once

#include <filesystem>
#include <memory>

#include "likeness/gallery/sql_meta.h"
#include "likeness/gallery/sqlite.h"
#include "likeness/gallery/store.h"

namespace likeness {

/// A gallery's file, checked: application id, version, and every definition word for word.
struct GalleryFile {
  std::unique_ptr<sqlite::Database> database;
  int format = kFormatVersion;
};

/// Opens a file; for writing one of an older format is brought to this one first, in one transaction.
/// @throws Error as open_sqlite_gallery().
[[nodiscard]] GalleryFile open_gallery_file(const std::filesystem::path& path, const OpenOptions& options);

}  // namespace likeness
