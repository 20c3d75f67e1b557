#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "likeness/gallery/store.h"

namespace likeness {

/// A face that is enrolled twice: `face` is to go, `of` stays.
struct DoubleFace {
  std::int64_t face = 0;
  std::int64_t of = 0;
};

/// Among `faces`, which are or shall be one person's: those that add_faces() would know already. Of each the
/// one stays whose photo is known, else the older one. By `face`.
[[nodiscard]] std::vector<DoubleFace> find_doubles(const GalleryStore& store, std::vector<StoredFace> faces);

/// Two people of whom each has a face with the same embedding (same_vector()): one of the names is wrong.
struct SharedFace {
  FaceOwner first;  ///< The older face.
  FaceOwner other;
};

/// In all the gallery, by the first face, then the other; at most a million pairs. Reads every embedding once
/// and keeps some 60 bytes a face.
[[nodiscard]] std::vector<SharedFace> find_shared_faces(const GalleryStore& store);

}  // namespace likeness
