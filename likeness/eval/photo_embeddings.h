#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "likeness/core/progress.h"
#include "likeness/embed/embeddings.h"
#include "likeness/model/model_pack.h"
#include "likeness/recognize/setup.h"

namespace likeness {

/// What PhotoEmbeddings says of a photo that could be read and shows nobody.
inline constexpr const char* kNoFaceFound = "no face found";

/// One embedding a photo, of its main face.
struct PhotoEmbeddings {
  Embeddings embeddings;              ///< Unit length; zero where there is none.
  std::vector<std::string> problems;  ///< Of each photo: empty, kNoFaceFound, or why it could not be read.
  std::size_t from_cache = 0;         ///< Photos whose embedding was known already.
  std::string id;  ///< The contract's id; with kBest, which is another space, "+best" behind it.
  /// SHA-256 over the photos' own, in their order: names a data set. Unreadable files count as empty.
  std::string photos_hash;

  [[nodiscard]] bool found(std::size_t i) const { return problems[i].empty(); }
  [[nodiscard]] bool unreadable(std::size_t i) const { return !found(i) && problems[i] != kNoFaceFound; }
};

/// Embeds the main face of every photo by a PhotoStream, with `embedder`, the detector that it names, and
/// what else `setup` says. Photos are known again by the SHA-256 of their content from a file in `cache`
/// (empty: nowhere), so a second run only reads them. Each is opened once.
/// @throws Error kModelNotFound, kModelInvalid, kUnsupported; a damaged cache is made anew.
[[nodiscard]] PhotoEmbeddings embed_photos(std::span<const std::filesystem::path> photos,
                                           const ModelPack& embedder, const Setup& setup,
                                           const std::filesystem::path& cache, const Progress& progress = {});

/// The user's cache folder for embeddings: ${XDG_CACHE_HOME:-~/.cache}/likeness/embeddings; empty where
/// neither variable is set.
[[nodiscard]] std::filesystem::path embedding_cache_folder();

}  // namespace likeness
