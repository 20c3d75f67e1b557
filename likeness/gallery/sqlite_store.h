#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "likeness/gallery/store.h"

namespace likeness {

/// A gallery in one SQLite file (docs/gallery_format.md).
/// @throws Error kInputUnreadable where there is no such file; kDataInvalid where it is damaged, no gallery,
/// of a newer version, or where the passphrase is wrong or missing; kUnavailable where it is locked;
/// kOutputUnwritable where it is to be written and may not be. A file of an older format is read as it
/// is, and brought to today's where it is opened for writing.
[[nodiscard]] std::unique_ptr<GalleryStore> open_sqlite_gallery(const std::filesystem::path& path,
                                                                const OpenOptions& options = {});

/// Makes a new, empty gallery; of several processes and threads that make the same one, one does. False where
/// the file exists already. @throws Error kOutputUnwritable; std::invalid_argument for a space without id or
/// dimension.
[[nodiscard]] bool try_create_sqlite_gallery(const std::filesystem::path& path, const EmbeddingSpace& space,
                                             const CreateOptions& options = {});
/// The same. @throws Error kOutputUnwritable also where the file exists already.
void create_sqlite_gallery(const std::filesystem::path& path, const EmbeddingSpace& space,
                           const CreateOptions& options = {});

}  // namespace likeness
