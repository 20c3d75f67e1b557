#pragma once

#include <cstddef>
#include <string>

#include "likeness/core/progress.h"
#include "likeness/gallery/store.h"

namespace likeness {

struct SeenCopyReport {
  std::size_t faces = 0;  ///< In the copy now, each compared with the original.
  std::size_t added = 0;  ///< Of these, by this call.
};

/// Copies faces without a name into another gallery, group by group, the one made first first: each group as
/// one change, with its shelf, its times and how often somebody was seen. Of a group that the copy has a part
/// of the rest goes there too. Embeddings are compared as copy_gallery() does, by `format`.
/// @throws Error kDataInvalid where a face does not come back as it was; kStopped; as the stores do.
SeenCopyReport copy_seen(const GalleryStore& from, GalleryStore& to, EmbeddingFormat format,
                         const Progress& progress);

}  // namespace likeness
