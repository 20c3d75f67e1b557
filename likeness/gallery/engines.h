#pragma once

#include <cstddef>
#include <filesystem>

#include "likeness/gallery/store.h"

namespace likeness {

/// Writes everybody's faces as text that psql loads into a database with pgvector: likeness_face (id,
/// person_id, photo, embedding halfvec) and likeness_person (id, name), as one transaction that makes both
/// tables. Embeddings are brought to where the inner product is the model's similarity
/// (embed/comparison.h), and queries must be too. Nothing in it is encrypted. `path` appears complete or not
/// at all. @returns how many faces. @throws Error kOutputUnwritable; kDataInvalid for an empty or damaged
/// gallery.
std::size_t export_for_pgvector(const GalleryStore& store, const std::filesystem::path& path);

/// The same as the JSON file of rows that Milvus imports in bulk (milvus.io/docs/v2.3.x/bulk_insert.md):
/// fields id (int64), person_id (int64), person and photo (VarChar), embedding (FloatVector); the metric is
/// IP.
std::size_t export_for_milvus(const GalleryStore& store, const std::filesystem::path& path);

}  // namespace likeness
