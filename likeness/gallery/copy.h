#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "likeness/core/progress.h"
#include "likeness/gallery/copy_seen.h"
#include "likeness/gallery/store.h"

namespace likeness {

struct CopyReport {
  std::size_t people = 0;
  std::size_t faces = 0;  ///< In the copy now, each compared with the original.
  std::size_t added = 0;  ///< Of these, by this call.
  /// Faces that the copy has as somebody else's: they stay there, and are missing here.
  std::vector<std::string> elsewhere;
  SeenCopyReport seen;  ///< Faces without a name.
};

/// Copies people, faces with their pictures, rejections and the calibration of one gallery into another,
/// which may have a part of them already: so a copy that was interrupted goes on. Ids are new; the order of a
/// person's faces stays. Every face is read back and compared: names, photos, boxes, measurements and times
/// are equal, embeddings within the rounding of the two formats (same_vector()). The calibration is taken
/// where the copy holds no other faces. Faces without a name (SeenStore) come last, by copy_seen(). What can
/// be undone stays behind: it is about faces by their ids, which the copy has not got.
/// @throws Error kModelMismatch for another space; kDataInvalid where a face does not come back as it was;
/// kStopped; as the stores do.
CopyReport copy_gallery(const GalleryStore& from, GalleryStore& to, const Progress& progress = {});

}  // namespace likeness
