#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "likeness/core/progress.h"
#include "likeness/detect/face_detector.h"
#include "likeness/embed/embeddings.h"
#include "likeness/embed/quality.h"
#include "likeness/image/chip.h"
#include "likeness/infer/precision.h"
#include "likeness/model/model_pack.h"

namespace likeness {

/// How far along the data's way photos go.
enum class Stage { kDetect, kAlign, kEmbed };

/// Which of a photo's faces go on after detection.
enum class FacesWanted {
  kAll,   ///< Every face, best score first.
  kMain,  ///< The one that the crop profile calls the photo's main face (align/align.h).
};

struct StreamOptions {
  Stage until = Stage::kEmbed;
  FacesWanted faces = FacesWanted::kAll;
  DetectorOptions
      detector;  ///< Its `threads` is ignored: photos are spread over threads, not parts of one photo.
  Precision precision = Precision::kF32;
  Quality quality = Quality::kSinglePass;  ///< What PhotoFaces::averaged is made of.
  int threads = 1;                         ///< Threads for everything together.
  int batch = 32;     ///< Faces that share one run of the network; they may come from several photos.
  bool hash = false;  ///< Whether to fill PhotoFaces::sha256.
  std::filesystem::path cache_folder{};  ///< NetworkOptions::cache_folder.
};

/// What became of one photo.
struct PhotoFaces {
  std::size_t index = 0;  ///< Position in the list given to run().
  std::filesystem::path file;
  std::string error;   ///< Why the photo could not be read; empty if it could. Names the file.
  std::string sha256;  ///< Of the file's bytes, where asked for.
  int width = 0;       ///< Pixels, upright.
  int height = 0;
  std::vector<Face> faces;  ///< All faces found, best score first.
  std::vector<std::size_t>
      chosen;  ///< Which of them went on: chips[i] and embeddings[i] are of faces[chosen[i]].
  std::vector<Chip> chips;
  Embeddings embeddings;  ///< Unit length, one row a chip.
  Embeddings averaged;    ///< The same over the views of StreamOptions::quality.
  /// Views of the chosen faces behind their chips, until they are embedded.
  std::vector<Chip> other_views;
};

/// Processor seconds spent in each stage, summed over threads.
struct StageSeconds {
  double read = 0;
  double detect = 0;
  double align = 0;
  double embed = 0;
};

/// Takes many photos along the data's way at once: read, detect, align, embed; with bounded memory, faces of
/// several photos sharing the network's batches, results in the order of the photos whatever the number of
/// threads. The first run() or one() is slow (it loads the embedder's network), the others are cheap. One
/// run() at a time.
class PhotoStream {
 public:
  /// Loads `detector`. The crop is `embedder.contract.crop`; its network is loaded later, where
  /// `options.until` is kEmbed.
  /// @throws Error kModelNotFound, kModelInvalid; std::invalid_argument for options out of range.
  PhotoStream(const ModelPack& detector, const ModelPack& embedder, const StreamOptions& options);
  ~PhotoStream();
  PhotoStream(PhotoStream&&) noexcept;
  PhotoStream& operator=(PhotoStream&&) noexcept;

  /// Loads the embedder's network now, for a program that wants its first answer quickly and its errors
  /// early. Otherwise run() loads it while the first photos are looked at, and one() when there is a face.
  /// @throws Error kModelNotFound, kModelInvalid, kUnsupported (a precision this CPU or the pack lacks).
  void load();

  /// Calls `sink` once for every photo, in order, never from two threads at once. A photo that cannot be read
  /// arrives with its `error` and stops nothing. An exception from `sink` or from a model stops the run and
  /// comes out here; so do the errors of load(), though photos may have been looked at before.
  void run(std::span<const std::filesystem::path> photos, const std::function<void(PhotoFaces&&)>& sink,
           const Progress& progress = {});

  /// Faces of a picture that is already in memory, through the same stages.
  [[nodiscard]] PhotoFaces one(ImageView photo);

  /// What the stages have cost since the stream was made.
  [[nodiscard]] StageSeconds seconds() const;

 private:
  struct Road;
  std::unique_ptr<Road> road_;
};

}  // namespace likeness
