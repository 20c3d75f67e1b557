#pragma once

#include <memory>
#include <string>

#include "likeness/gallery/store.h"

namespace likeness {

// A gallery in a schema of a PostgreSQL database (docs/gallery_format.md), named by a URI as libpq reads it:
// postgresql://USER@HOST:PORT/DATABASE?gallery=NAME. Without a name it is "people". Passwords come from
// libpq's own places: ~/.pgpass, PGPASSWORD, or the URI.

/// Whether a URI is such a one.
[[nodiscard]] bool is_postgres_uri(const std::string& uri);

/// @throws Error kInputUnreadable where there is no such gallery, or the role may not read it; kDataInvalid
/// where it is damaged, of another version, the URI is not read, or the passphrase is wrong or missing;
/// kUnavailable where the server cannot be reached or refuses, or where it is to be written and the URI leads
/// to standbys alone; kOutputUnwritable where it is to be written and the role's rights forbid it;
/// kUnsupported where the library was built without libpq.
[[nodiscard]] std::unique_ptr<GalleryStore> open_postgres_gallery(const std::string& uri,
                                                                  const OpenOptions& options = {});

/// Makes a new, empty gallery; of several that make the same one, one does. False where it is there already.
/// @throws Error as open_postgres_gallery(); std::invalid_argument for a space without id or dimension.
[[nodiscard]] bool try_create_postgres_gallery(const std::string& uri, const EmbeddingSpace& space,
                                               const CreateOptions& options = {});

/// Whether there is such a gallery. @throws Error as open_postgres_gallery() does before it knows.
[[nodiscard]] bool postgres_gallery_exists(const std::string& uri);

}  // namespace likeness
