#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "likeness/gallery/gallery_view.h"

namespace likeness {

/// How alike a face is to the person's other photos.
struct FaceDoubt {
  std::int64_t face = 0;
  std::optional<double> similarity = {};  ///< As PersonFaces has it; empty where there is no other photo.
};

/// A person's faces, the one least like the others first and those without another photo last: where somebody
/// else's face was enrolled by mistake, it is most likely the first. Copies of a photo do not speak for
/// it, unless most are.
/// Compares each face with each: of 1,000 faces a million times. None where there is no such person.
/// @throws Error as the store does.
[[nodiscard]] std::vector<FaceDoubt> doubts(const GalleryView& view, std::int64_t person);

}  // namespace likeness
