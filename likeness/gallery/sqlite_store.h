#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "likeness/gallery/store.h"

namespace likeness {

struct OpenOptions {
  bool read_only = false;
  int lock_timeout_ms = 5000;                  ///< How long to wait for another process that is writing.
  std::optional<std::string> passphrase = {};  ///< For encrypted galleries; see vault.h.
};

struct CreateOptions {
  EmbeddingFormat format = EmbeddingFormat::kF32;
  /// Encrypts names, photo paths and embeddings with a key derived from this.
  std::optional<std::string> passphrase = {};
};

/// A gallery in one SQLite file (docs/gallery_format.md).
/// @throws Error kInputUnreadable where there is no such file; kDataInvalid where it is damaged, no gallery,
/// of a newer version, or where the passphrase is wrong or missing; kUnavailable where it is locked;
/// kOutputUnwritable where it is to be written and may not be.
[[nodiscard]] std::unique_ptr<GalleryStore> open_sqlite_gallery(const std::filesystem::path& path,
                                                                const OpenOptions& options = {});

/// Makes a new, empty gallery. @throws Error kOutputUnwritable, also where the file exists already.
void create_sqlite_gallery(const std::filesystem::path& path, const EmbeddingSpace& space,
                           const CreateOptions& options = {});

}  // namespace likeness
