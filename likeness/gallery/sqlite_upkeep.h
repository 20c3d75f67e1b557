#pragma once

#include <filesystem>

#include "likeness/gallery/store.h"

namespace likeness {

/// GalleryStore::purge() of a file, by a connection of its own: others read meanwhile.
void purge_gallery_file(const std::filesystem::path& path, const OpenOptions& options);

}  // namespace likeness
