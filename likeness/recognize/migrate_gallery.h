#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "likeness/core/progress.h"
#include "likeness/gallery/gallery.h"
#include "likeness/recognize/recognizer.h"

namespace likeness {

enum class MigrationStatus {
  kMigrated,
  kKnown,         ///< It is in the new gallery already, from an earlier run.
  kNoPhoto,       ///< The face was enrolled without a photo, or nothing lies at its path any more.
  kOtherPhoto,    ///< Another photo lies there: its SHA-256 differs.
  kUnreadable,    ///< `error` says why.
  kFaceNotFound,  ///< No face is found where the old one was.
};
[[nodiscard]] std::string_view to_string(MigrationStatus status);

/// What became of one face of the old gallery.
struct MigratedFace {
  std::int64_t face = 0;  ///< Its number there.
  std::string person;
  std::string photo;
  MigrationStatus status = MigrationStatus::kMigrated;
  std::string error{};
};

struct MigrationSummary {
  std::size_t faces = 0;     ///< Of the old gallery.
  std::size_t migrated = 0;  ///< Those that are in the new one now, kKnown among them.
};

/// Embeds the faces of a gallery anew from their photos, with another model, and enrols them under the same
/// names. A face is the one found on its photo whose box overlaps the old box most, by half of both together
/// at least. Notes, calibration and rejections belong to the old embeddings and stay behind. Safe to repeat.
/// @param into opens or makes the new gallery when the first face is to be enrolled, once.
/// @param each is told of every face: those without a photo first, then photo by photo.
/// @throws Error kModelMismatch where `into` is of another space than the recogniser's; as the stores do.
MigrationSummary migrate_gallery(const GalleryStore& from, const std::function<Gallery&()>& into,
                                 const Recognizer& recognizer,
                                 const std::function<void(const MigratedFace&)>& each,
                                 const Progress& progress = {});

}  // namespace likeness
