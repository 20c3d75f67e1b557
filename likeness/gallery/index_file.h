#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "likeness/gallery/search_index.h"

namespace likeness {

/// Where the index of a gallery is kept: beside it, with ".index" added.
[[nodiscard]] std::filesystem::path index_path(const std::filesystem::path& gallery);

/// Only an int8 or sketch index of our own: an exact f32 one is not worth a file.
[[nodiscard]] bool can_be_saved(const SearchIndex& index);

/// Writes an int8 or sketch index (docs/gallery_format.md); see can_be_saved(). `identity`
/// is GalleryStore::identity(). @throws Error kOutputUnwritable.
void save_index(const SearchIndex& index, const std::filesystem::path& path, const std::string& identity);

/// Reads what save_index() wrote. The kind and dimension must be those of `options`. Reads every byte
/// once and believes none: checksum, then every number that a search would follow.
/// @throws Error kInputUnreadable where there is no such file, kDataInvalid where it is damaged, of another
/// gallery or dimension, kUnsupported where it is of another kind. It can always be built anew.
[[nodiscard]] std::unique_ptr<SearchIndex> load_index(const std::filesystem::path& path,
                                                      const std::string& identity,
                                                      const IndexOptions& options);

}  // namespace likeness
