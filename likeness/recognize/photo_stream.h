#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "likeness/core/progress.h"
#include "likeness/detect/face_detector.h"
#include "likeness/embed/embeddings.h"
#include "likeness/embed/quality.h"
#include "likeness/image/chip.h"
#include "likeness/image/image.h"
#include "likeness/image/pixel_view.h"
#include "likeness/infer/precision.h"
#include "likeness/model/model_pack.h"
#include "likeness/recognize/photo_source.h"

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
  int threads = 1;  ///< Threads of run(), and as many calls of one() that compute at once; others wait.
  int batch = 32;  ///< Faces that share one run of the network; they may come from several photos, which wait
                   ///< for each other: 1 for a source whose photos come slowly.
  bool hash = false;         ///< Whether to fill PhotoFaces::sha256.
  bool keep_pixels = false;  ///< Whether to fill PhotoFaces::pixels; fewer photos are then under way at once.
  std::filesystem::path cache_folder{};  ///< NetworkOptions::cache_folder.
};

/// The part of StreamOptions that streams which share their networks may have of their own.
struct StreamWork {
  Stage until = Stage::kEmbed;
  FacesWanted faces = FacesWanted::kAll;
  bool hash = false;
  bool keep_pixels = false;
};

/// What each stage took.
struct StageSeconds {
  double read = 0;
  double detect = 0;
  double align = 0;
  double embed = 0;
};

/// What became of one photo.
struct PhotoFaces {
  std::size_t index = 0;                          ///< Position in the source.
  std::string id;                                 ///< Photo::id.
  std::filesystem::path file;                     ///< Where it lies; empty where it came as bytes or pixels.
  std::optional<std::chrono::microseconds> time;  ///< Photo::time.
  std::string error;                              ///< Why it could not be read; empty if it could. Names it.
  std::string sha256;  ///< Of the file's bytes, where asked for; empty where it came as pixels.
  bool known = false;  ///< Whether KnownPhotos knew it: what it did not fill is empty.
  int width = 0;       ///< Pixels, upright.
  int height = 0;
  std::vector<Face> faces;  ///< All faces found, best score first.
  std::vector<std::size_t>
      chosen;  ///< Which of them went on: chips[i] and embeddings[i] are of faces[chosen[i]].
  std::vector<Chip> chips;
  Embeddings embeddings;  ///< Unit length, one row a chip.
  Embeddings averaged;    ///< The same over the views of StreamOptions::quality.
  Image pixels;           ///< The photo itself, where asked for.
  /// On the clock. `embed` is one()'s, with the wait for other calls' faces; photos of run() share theirs: 0.
  StageSeconds seconds;
};

/// What was made of photos before, by the content of their files: PhotoStream::run() asks it, and tells it
/// what is new. A stream calls it from one thread at a time, though not always the same.
class KnownPhotos {
 public:
  virtual ~KnownPhotos() = default;

  /// Whether the photo with this SHA-256 is known. If so, fills of `photo` what was kept; nothing else will.
  [[nodiscard]] virtual bool find(const std::string& sha256, PhotoFaces& photo) = 0;
  /// A photo that was not known and could be read, with its `sha256` and all that the stream makes.
  virtual void add(const PhotoFaces& photo) = 0;
};

/// Takes many photos along the data's way at once: read, detect, align, embed; with bounded memory, faces of
/// several photos sharing the network's batches, results in the order of the photos whatever the number of
/// threads. Every photo is opened once. Slow to make ready (load()), cheap to run; keep one. Any number of
/// threads may call run(), one() and many() at once: they share the network, and StreamOptions::threads,
/// which runs and calls of one() have each to themselves.
class PhotoStream {
 public:
  /// Loads `detector`. The crop is `embedder.contract.crop`; its network is loaded later, where
  /// `options.until` is kEmbed.
  /// @throws Error kModelNotFound, kModelInvalid; std::invalid_argument for options out of range.
  PhotoStream(const ModelPack& detector, const ModelPack& embedder, const StreamOptions& options);
  ~PhotoStream();
  PhotoStream(PhotoStream&&) noexcept;
  PhotoStream& operator=(PhotoStream&&) noexcept;

  /// A stream that does other work with the same detectors, network and threads. Cheap. What it costs is
  /// counted together with this one's.
  [[nodiscard]] PhotoStream sharing(const StreamWork& work) const;

  /// Loads the embedder's network now, for a program that runs long: it wants its first answer quickly, its
  /// errors early, and its weights in large pages (Embedder::to_large_pages()). Otherwise run() loads it
  /// while the first photos are looked at, and one() when there is a face.
  /// @throws Error kModelNotFound, kModelInvalid, kUnsupported (a precision this CPU or the pack lacks).
  void load();

  /// Calls `sink` once for every photo, in their order. A photo that cannot be read arrives with its `error`
  /// and stops nothing. Photos that `known` knows are neither decoded nor detected; the others are told to
  /// it. `progress` gets 0 as the total where the source does not know its size, and may stop the run
  /// (kStopped). An exception from the source, `sink`, `known` or a model stops the run and comes out here;
  /// so do the errors of load(), though photos may have been looked at before; and std::invalid_argument for
  /// pixels that cannot be a picture. The source, `known`, and `sink` with `progress` are each called from
  /// one thread at a time, not always the same one.
  void run(PhotoSource photos, const std::function<void(PhotoFaces&&)>& sink, KnownPhotos* known = nullptr,
           const Progress& progress = {});

  /// The results of run() for a number of photos that fits into memory.
  [[nodiscard]] std::vector<PhotoFaces> many(PhotoSource photos);

  /// One photo, or picture, through the same stages, on the calling thread. Calls of several threads share
  /// runs of the network where they meet (SharedRuns).
  /// @throws Error kImageUnreadable; as run().
  [[nodiscard]] PhotoFaces one(const Photo& photo);
  [[nodiscard]] PhotoFaces one(const PixelView& picture);

  /// What the stages have cost since the stream was made: processor seconds, summed over threads.
  [[nodiscard]] StageSeconds seconds() const;

 private:
  struct Shared;
  struct Road;
  class Flow;
  explicit PhotoStream(std::unique_ptr<Road> road);
  std::unique_ptr<Road> road_;
};

}  // namespace likeness
