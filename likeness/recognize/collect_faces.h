#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "likeness/core/progress.h"
#include "likeness/dataset/dataset_file.h"
#include "likeness/dataset/photo_folder.h"
#include "likeness/recognize/photo_stream.h"

namespace likeness {

/// The main faces of labelled photos, as far as there are any.
struct CollectedFaces {
  FaceDataset faces;                    ///< One a photo, in the photos' order; space is the caller's to fill.
  EmbeddingDataset embeddings;          ///< Of the same faces; empty where the stream stops before embedding.
  std::vector<std::string> unreadable;  ///< Why each such photo could not be read; names the file.
  std::vector<std::filesystem::path> without_face;  ///< Photos in which no face was found, under `folder`.
};

/// Notes where a row came from: photo.faces[photo.chosen[i]]. The stream must hash photos.
void append_origin(RowOrigins& origins, const PhotoFaces& photo, std::size_t i);

/// Takes every photo of `photos` along the stream, train first, then val. Files are noted relative to
/// `folder`. `stream` must give main faces and reach at least Stage::kAlign; `unreadable` is called with each
/// photo that fails, as it does.
[[nodiscard]] CollectedFaces collect_faces(const PhotoFolder& photos, const std::filesystem::path& folder,
                                           PhotoStream& stream, const Progress& progress = {},
                                           const std::function<void(const PhotoFaces&)>& unreadable = {});

}  // namespace likeness
