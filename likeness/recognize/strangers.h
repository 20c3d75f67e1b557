#pragma once

#include <filesystem>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "likeness/dataset/photo_tree.h"
#include "likeness/gallery/gallery.h"
#include "likeness/recognize/recognizer.h"

namespace likeness {

/// Faces of people whom a gallery does not know, to calibrate it with.
struct StrangerFaces {
  Embeddings embeddings;  ///< Unit length, of the gallery's space.
  std::vector<std::string> people;
  std::vector<std::string> photos;  ///< Empty texts where they are not known.
  std::vector<std::string> hashes;  ///< SHA-256 of the photos; the same.

  /// For calibrate_with(): all but those whose person or photo is `excluded`. They look into this value.
  [[nodiscard]] std::vector<Stranger> without(const std::set<std::string>& excluded) const;
};

/// All rows of embeddings (.npz). @throws Error kModelMismatch where they are of another space than the
/// gallery's; kInputUnreadable, kDataInvalid.
[[nodiscard]] StrangerFaces read_strangers(const std::filesystem::path& npz, const GalleryStore& gallery);

/// The main faces of photos. @param recognizer of the gallery's space (require_same_space()).
/// @param each is told of every photo, also of those that cannot be read; may be empty.
[[nodiscard]] StrangerFaces embed_strangers(std::span<const LabelledPhoto> photos,
                                            const Recognizer& recognizer,
                                            const std::function<void(const PhotoFaces&)>& each = {},
                                            const Progress& progress = {});

/// The calibration with what was left out for it, `excluded` strangers by the caller, and the look-alikes.
[[nodiscard]] nlohmann::ordered_json json_of(const CalibrationReport& report, std::size_t excluded);

}  // namespace likeness
