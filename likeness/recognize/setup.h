#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "likeness/detect/face_detector.h"
#include "likeness/embed/embedding_space.h"
#include "likeness/embed/quality.h"
#include "likeness/image/chip.h"
#include "likeness/infer/precision.h"
#include "likeness/model/model_pack.h"
#include "likeness/recognize/photo_stream.h"

namespace likeness {

/// The packs that programs work with where nobody names one. kTutorialModel: what the tutorial's steps take,
/// for their files are those of its Python stack. kPeopleModel: for galleries, comparing and grouping; the
/// pair of detector and recogniser that misses fewest people at an FPIR of 1 % (docs/accuracy.md, "Which pair
/// for people").
inline constexpr const char* kTutorialModel = "20180408-102900";
inline constexpr const char* kPeopleModel = "sface";

/// Which models a program works with, and how: one value for everything that finds or embeds faces.
struct Setup {
  std::vector<std::filesystem::path> models;  ///< Folders of packs, the first looked in first; no others are.
  std::string model = kTutorialModel;         ///< The embedder's pack: its name, or its folder.
  std::optional<CropProfile> profile{};  ///< Another crop than the contract's; yields another contract id.
  Precision precision = Precision::kF32;
  Quality quality = Quality::kSinglePass;
  DetectorOptions detector{};
  /// Another detector's pack than the embedder's contract names, its name or its folder; yields another
  /// contract id, for which no thresholds are known. Empty: the contract's.
  std::string detector_pack{};
  int threads = 1;                       ///< For everything together.
  std::filesystem::path cache_folder{};  ///< NetworkOptions::cache_folder.

  /// The embedder's pack, with `profile` and `detector_pack` applied to its contract. @throws Error
  /// kModelNotFound, kModelInvalid.
  [[nodiscard]] ModelPack embedder() const;
  /// The detector's pack: `detector_pack`, else what the embedder's contract names. @throws as embedder(),
  /// also for a pack that is no detector.
  [[nodiscard]] ModelPack detector_for(const ModelPack& embedder) const;
  /// The space of what a stream then embeds: PhotoFaces::averaged.
  [[nodiscard]] EmbeddingSpace space(const ModelPack& embedder) const;
  /// What of this a stream needs; how far it goes and what it keeps is the caller's to say.
  [[nodiscard]] StreamOptions stream_options() const;
};

}  // namespace likeness
