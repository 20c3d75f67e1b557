#pragma once

#include <filesystem>

#include "likeness/gallery/store.h"

namespace likeness {

/// GalleryStore::purge() of a file, by a connection of its own: others read meanwhile.
void purge_gallery_file(const std::filesystem::path& path, const OpenOptions& options);

/// GalleryStore::backup_to() of a file, the same way.
void backup_gallery_file(const std::filesystem::path& path, const std::filesystem::path& copy,
                         int lock_timeout_ms);

/// GalleryStore::restore_from() of a file, the same way. Needs no passphrase: rows go back as they are.
void restore_gallery_file(const std::filesystem::path& path, const std::filesystem::path& copy,
                          const OpenOptions& options);

}  // namespace likeness
