#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "likeness/core/progress.h"
#include "likeness/embed/embeddings.h"
#include "likeness/embed/quality.h"
#include "likeness/infer/precision.h"
#include "likeness/model/model_pack.h"

namespace likeness {

struct PhotoEmbeddingOptions {
  Precision precision = Precision::kF32;
  Quality quality = Quality::kSinglePass;
  int threads = 1;
  std::filesystem::path cache_folder{};  ///< Where known photos' embeddings are kept; empty: nowhere.
};

/// One embedding a photo, of its main face.
struct PhotoEmbeddings {
  Embeddings embeddings;              ///< Unit length; zero where there is none.
  std::vector<std::string> problems;  ///< Of each photo: empty, "no face found", or why it could not be read.
  std::size_t from_cache = 0;         ///< Photos whose embedding was known already.
  double network_seconds = 0;         ///< Spent embedding the others.
  std::string id;  ///< The contract's id; with kBest, which is another space, "+best" behind it.

  [[nodiscard]] bool found(std::size_t i) const { return problems[i].empty(); }
};

/// Embeds the main face of every photo: read, detect, align, embed, over `options.threads` threads. Photos
/// are known again by the SHA-256 of their content, so a second run only reads them.
/// @throws Error kModelNotFound, kModelInvalid, kUnsupported; a damaged cache is made anew.
[[nodiscard]] PhotoEmbeddings embed_photos(std::span<const std::filesystem::path> photos,
                                           const ModelPack& embedder, const ModelPack& detector,
                                           const PhotoEmbeddingOptions& options,
                                           const Progress& progress = {});

/// SHA-256 over the photos' own, in their order: names a data set. Unreadable files count as empty.
[[nodiscard]] std::string hash_of_photos(std::span<const std::filesystem::path> photos);

/// The user's cache folder for embeddings: ${XDG_CACHE_HOME:-~/.cache}/likeness/embeddings; empty where
/// neither variable is set.
[[nodiscard]] std::filesystem::path embedding_cache_folder();

}  // namespace likeness
