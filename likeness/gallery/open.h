#pragma once

#include <filesystem>
#include <string>

#include "likeness/gallery/gallery.h"

namespace likeness {

// A gallery by name: a path or a "file:" URI is one SQLite file (docs/gallery_format.md). Where
// GalleryOptions::index_file is empty the index lies beside it (index_file.h).
// "postgresql://USER@HOST:PORT/DATABASE?gallery=NAME" is a gallery in a database that many may share, NAME is
// "people" unless given, and the rest as libpq has it; where the library was built without libpq it is
// kUnsupported. A server that cannot be reached or refuses is kUnavailable.
// All throw Error kUnsupported naming the scheme of another URI, "scheme://...", and kDataInvalid for a
// "file:" URI of another host or with damaged escapes.

/// Whether it is at a server, else in a file.
[[nodiscard]] bool at_server(const std::string& uri);
/// Whether there is something of that name. @throws Error kUnavailable where the server cannot tell.
[[nodiscard]] bool gallery_exists(const std::string& uri);

/// @throws Error kInputUnreadable where there is none; kDataInvalid where it is damaged, no gallery, of a
/// newer version, or where the passphrase is wrong or missing; kUnavailable where it is locked;
/// kOutputUnwritable where it is to be written and may not be.
[[nodiscard]] Gallery open_gallery(const std::string& uri, const GalleryOptions& options = {});

/// Copies one, also while others read and write; without the passphrase of an encrypted one, which the copy
/// needs as well. See GalleryStore::backup_to(). @throws Error as that and open_gallery() do.
void backup_gallery(const std::string& uri, const std::filesystem::path& copy, int lock_timeout_ms = 5000);

/// Makes one what it was when `copy` was made of it, also while others read it; without the passphrase. See
/// GalleryStore::restore_from(). @throws Error as that and open_gallery() do.
void restore_gallery(const std::string& uri, const std::filesystem::path& copy, int lock_timeout_ms = 5000);

/// Makes an empty one, opened for writing with the passphrase it is made with.
/// @throws Error kOutputUnwritable, also where it exists already; std::invalid_argument for a space without
/// id or dimension.
[[nodiscard]] Gallery create_gallery(const std::string& uri, const EmbeddingSpace& space,
                                     const CreateOptions& create = {}, const GalleryOptions& options = {});

/// Opens what is there, else makes it. Several processes at once all get the same one.
/// @throws Error as both do; kModelMismatch where what is there is of another space.
[[nodiscard]] Gallery open_or_create_gallery(const std::string& uri, const EmbeddingSpace& space,
                                             const CreateOptions& create = {},
                                             const GalleryOptions& options = {});

}  // namespace likeness
