#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "likeness/core/progress.h"
#include "likeness/gallery/face_review.h"
#include "likeness/gallery/gallery.h"
#include "likeness/recognize/recognizer.h"

namespace likeness {

enum class TagStatus {
  kEnrolled,
  kKnown,        ///< The same face of the same photo was enrolled before.
  kRefused,      ///< By the review, or as nobody may be called so.
  kNoFaceThere,  ///< No face is found where the name stands, or it is another name's.
  kNoArea,       ///< The name has no usable place in the photo.
  kUnreadable,   ///< The photo, or its XMP.
};
[[nodiscard]] std::string_view to_string(TagStatus status);

/// What became of one named face; of a photo that cannot be read, of all of it.
struct TaggedFace {
  std::string photo;
  std::string person;  ///< As in the photo's XMP; of a known face whom it belongs to. Empty: kUnreadable.
  TagStatus status = TagStatus::kEnrolled;
  std::string why;        ///< In words; empty where the status says all.
  std::int64_t face = 0;  ///< Its number in the gallery: kEnrolled, kKnown.
};

struct TagOptions {
  Review review = Review::kStandard;
  std::function<void(const TaggedFace&)> each{};  ///< Called one at a time.
  Progress reading{};                             ///< Of the photos' XMP.
  Progress progress{};                            ///< Of those that name somebody.
};

struct TagSummary {
  std::size_t photos = 0;
  std::size_t tagged = 0;                               ///< Photos that name somebody.
  std::size_t named = 0;                                ///< Faces with a name.
  std::size_t unnamed = 0;                              ///< Marked faces without one.
  std::size_t enrolled = 0, known = 0, unreadable = 0;  ///< Of `unreadable` photos, else faces.
};

/// Enrols the faces that digiKam, Lightroom and others have named in photos: by the XMP in a photo, or in its
/// sidecar (xmp_of()). A named region is the face found there: their areas share a quarter at least, or each
/// holds the other's middle. Regions are of the stored picture, as the standard has it; where none of a
/// photo's is a face so, and all are one as of the upright photo, these are what is meant (some programs have
/// written them so).
/// `gallery` opens or makes the gallery when the first face is to be enrolled, once.
/// @throws Error kModelMismatch; as GalleryStore::add_faces(); what was enrolled before stays.
TagSummary enrol_tagged(const Recognizer& recognizer, const std::function<Gallery&()>& gallery,
                        const std::vector<std::filesystem::path>& photos, const TagOptions& options);

}  // namespace likeness
