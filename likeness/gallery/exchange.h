#pragma once

#include <cstddef>
#include <filesystem>

#include "likeness/gallery/store.h"

namespace likeness {

/// Writes everybody's faces as an .npz that NumPy and `likeness train` read: embeddings (arr_0), names
/// (arr_1), the contract, and what else an import needs (docs/gallery_format.md). Nothing in it is encrypted.
/// @returns how many faces. @throws Error kOutputUnwritable; kDataInvalid for an empty or damaged gallery.
std::size_t export_gallery(const GalleryStore& store, const std::filesystem::path& path);

struct Imported {
  std::size_t added = 0;
  std::size_t known = 0;  ///< Same photo, same box.
};

/// Enrols what export_gallery() wrote, or any embeddings.npz with names (then without boxes and photos).
/// @throws Error kInputUnreadable, kDataInvalid, kModelMismatch where the embeddings are of another model.
Imported import_gallery(GalleryStore& store, const std::filesystem::path& path);

/// The space of an .npz's embeddings, to make a gallery for them. @throws Error kDataInvalid where it is not
/// known.
[[nodiscard]] EmbeddingSpace space_of_npz(const std::filesystem::path& path);

}  // namespace likeness
