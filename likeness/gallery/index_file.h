#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "likeness/gallery/search_index.h"
#include "likeness/gallery/store.h"

namespace likeness {

/// Where the index of a gallery is kept: beside it, with ".index" added.
[[nodiscard]] std::filesystem::path index_path(const std::filesystem::path& gallery);
/// Of a gallery that is no file, or of a shard of it, in `folder`; empty where that is, or where the identity
/// (which comes from a server) is none.
[[nodiscard]] std::filesystem::path index_path_in(const std::filesystem::path& folder,
                                                  const std::string& identity, Shard shard = {});

/// What save_index() is to be told: the gallery's own identity, or one that is made of it for a shard of it.
[[nodiscard]] std::string identity_of_index(const std::string& identity, Shard shard);

/// Only an int8 or sketch index of our own: an exact f32 one is not worth a file.
[[nodiscard]] bool can_be_saved(const SearchIndex& index);

/// Who may read the file: those who may read any new file, or its user alone.
enum class IndexReaders { kAny, kOwner };

/// Writes an int8 or sketch index (docs/gallery_format.md); see can_be_saved(). `identity`
/// is GalleryStore::identity(); `without`, rising: faces that are left out. @throws Error kOutputUnwritable.
void save_index(const SearchIndex& index, const std::filesystem::path& path, const std::string& identity,
                std::span<const std::int64_t> without = {}, IndexReaders readers = IndexReaders::kAny);

/// Reads what save_index() wrote. The kind and dimension must be those of `options`. Reads every byte
/// once and believes none: checksum, then every number that a search would follow.
/// @throws Error kInputUnreadable where there is no such file, kDataInvalid where it is damaged, of another
/// gallery or dimension, kUnsupported where it is of another kind. It can always be built anew.
[[nodiscard]] std::unique_ptr<SearchIndex> load_index(const std::filesystem::path& path,
                                                      const std::string& identity,
                                                      const IndexOptions& options);

}  // namespace likeness
