#include "likeness/recognize/photo_stream.h"

#include <oneapi/tbb/collaborative_call_once.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/parallel_pipeline.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <mutex>
#include <optional>
#include <span>
#include <stdexcept>
#include <utility>
#include <variant>

#include "likeness/align/align.h"
#include "likeness/core/error.h"
#include "likeness/core/file.h"
#include "likeness/core/sha256.h"
#include "likeness/core/step.h"
#include "likeness/embed/embedder.h"
#include "likeness/image/read_image.h"
#include "likeness/recognize/shared_runs.h"

namespace likeness {
namespace {

/// A photo under way.
struct Work {
  PhotoFaces photo;
  std::vector<Chip> other_views;  ///< Of the chosen faces, behind their chips, until they are embedded.
};

using Group = std::vector<Work>;  ///< Neighbouring photos whose faces are embedded together.

/// Bytes of kept pixels at which a group is full, so that large photos do not pile up while a batch fills.
constexpr std::size_t kMostKeptBytes = 64U << 20;

/// Adds the time of a scope to a counter, which threads may share, and to a photo's own.
template <typename Total = std::atomic<double>>
class Stopwatch {
 public:
  explicit Stopwatch(Total& total, double* own = nullptr)
      : total_(total), own_(own), start_(std::chrono::steady_clock::now()) {}
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;
  ~Stopwatch() {
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    total_ += seconds;
    if (own_ != nullptr) *own_ += seconds;
  }

 private:
  Total& total_;
  double* own_;
  std::chrono::steady_clock::time_point start_;
};

std::size_t chip_count(const Group& group) {
  std::size_t count = 0;
  for (const Work& work : group) count += work.photo.chips.size() + work.other_views.size();
  return count;
}

std::size_t kept_bytes(const Group& group) {
  std::size_t bytes = 0;
  for (const Work& work : group) bytes += work.photo.pixels.pixels().size();
  return bytes;
}

void append(const Embeddings& from, std::size_t row, Embeddings& to) {
  to.dimension = from.dimension;
  to.values.insert(to.values.end(), from[row].begin(), from[row].end());
}

DetectorOptions single_threaded(DetectorOptions options) {
  options.threads = 1;
  return options;
}

/// Detectors with the same weights: as many as threads ever looked at the same time.
class Detectors {
 public:
  Detectors(const ModelPack& pack, const DetectorOptions& options)
      : options_(options), first_(pack, options) {}

  std::vector<Face> detect(ImageView image) {
    FaceDetector detector = take();
    std::vector<Face> faces = detector.detect(image);
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(detector));
    return faces;
  }

 private:
  FaceDetector take() {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        FaceDetector detector = std::move(idle_.back());
        idle_.pop_back();
        return detector;
      }
    }
    return first_.with_options(options_);
  }

  DetectorOptions options_;
  const FaceDetector first_;  ///< Never detects: the others are made of it.
  std::mutex mutex_;
  std::vector<FaceDetector> idle_;
};

/// A picture to look at: its own pixels, or somebody else's.
struct Picture {
  Image own;
  ImageView view;
};

using Bytes = std::span<const std::byte>;

/// The bytes of a photo's file, nothing where it comes as pixels; `own` holds them where they were read.
std::optional<Bytes> file_bytes(const Photo& photo, std::vector<std::byte>& own) {
  if (const auto* file = std::get_if<std::filesystem::path>(&photo.content)) {
    own = read_file_bytes(*file, ReadOptions{}.max_bytes, ErrorCode::kImageUnreadable);
    return own;
  }
  const auto* bytes = std::get_if<Bytes>(&photo.content);
  return bytes != nullptr ? std::optional(*bytes) : std::nullopt;
}

Picture picture_of(const PixelView& pixels, const std::string& id) {
  check(pixels);
  const std::uint64_t size =
      static_cast<std::uint64_t>(pixels.width) * static_cast<std::uint64_t>(pixels.height);
  if (size > ReadOptions{}.max_pixels) {
    throw Error(ErrorCode::kImageUnreadable,
                "cannot read " + (id.empty() ? "a picture" : id) + ": " + std::to_string(pixels.width) +
                    " x " + std::to_string(pixels.height) + " pixels are over the limit of " +
                    std::to_string(ReadOptions{}.max_pixels));
  }
  if (const auto view = as_image_view(pixels)) return {{}, *view};
  Picture picture{to_image(pixels), {}};
  picture.view = picture.own.view();
  return picture;
}

Picture picture_of(Bytes bytes, const std::string& id) {
  Picture picture{decode_image(bytes, id), {}};
  picture.view = picture.own.view();
  return picture;
}

}  // namespace

/// What is slow to make, and what it cost to use: streams made of one another share it.
struct PhotoStream::Shared {
  Shared(const ModelPack& detector, const ModelPack& embedder, const StreamOptions& given)
      : options(given),
        pack(embedder),
        detectors(detector, single_threaded(given.detector)),
        arena(given.threads),
        runs(static_cast<std::size_t>(std::max(1, given.threads))) {}

  /// Loads the network on the first call; further calls wait for it, and throw again what it threw.
  void load() {
    tbb::collaborative_call_once(loaded, [this] {
      try {
        // Every thread embeds for itself: a batch spread over threads would keep them waiting for each other.
        network.emplace(pack, EmbedderOptions{.precision = options.precision,
                                              .threads = options.threads,
                                              .calls = options.threads,
                                              .batch = options.batch,
                                              .cache_folder = options.cache_folder});
      } catch (...) {
        failure = std::current_exception();
      }
    });
    if (failure) std::rethrow_exception(failure);
  }

  StreamOptions options;
  ModelPack pack;  ///< Of the embedder.
  tbb::collaborative_once_flag loaded;
  std::exception_ptr failure;  ///< Why `network` could not be loaded.
  std::optional<Embedder> network;
  Detectors detectors;
  tbb::task_arena arena;
  SharedRuns runs;  ///< Of calls of one().
  std::atomic<double> read = 0;
  std::atomic<double> detect = 0;
  std::atomic<double> align = 0;
  std::atomic<double> embedding = 0;
};

// The whole road, on one screen: read -> detect -> align, then embed() for a group of photos.
struct PhotoStream::Road {
  Road(const ModelPack& detector, const ModelPack& embedder, const StreamOptions& given)
      : options(given),
        crop(embedder.contract.crop),
        views(views_of(crop, given.quality)),
        shared(std::make_shared<Shared>(detector, embedder, given)) {
    if (options.batch < 1) throw std::invalid_argument("a batch needs at least one chip");
  }

  [[nodiscard]] bool embeds() const { return options.until == Stage::kEmbed; }
  void load() {
    if (embeds()) shared->load();
  }

  /// A photo up to its chips, unless `is_known`, which wants its `hash`, says that it is known.
  template <typename Known>
  void look(const Photo& from, Work& work, bool hash, const Known& is_known) {
    PhotoFaces& photo = work.photo;
    photo.id = from.id;
    photo.time = from.time;
    if (const auto* file = std::get_if<std::filesystem::path>(&from.content)) photo.file = *file;
    try {
      Picture picture;
      {
        const Stopwatch watch(shared->read, &photo.seconds.read);
        std::vector<std::byte> own;
        const auto bytes = file_bytes(from, own);
        if ((options.hash || hash) && bytes) photo.sha256 = sha256(*bytes);
        photo.known = is_known(photo);
        if (photo.known) return;
        picture =
            bytes ? picture_of(*bytes, from.id) : picture_of(std::get<PixelView>(from.content), from.id);
      }
      find_faces(picture.view, work);
      if (!options.keep_pixels) return;
      const bool owned = picture.view.data == picture.own.view().data;
      photo.pixels = owned ? std::move(picture.own) : to_image(picture.view);
    } catch (const Error& e) {
      if (e.code() != ErrorCode::kImageUnreadable) throw;
      photo.error = e.what();
    }
  }

  void find_faces(ImageView image, Work& work) {
    PhotoFaces& photo = work.photo;
    photo.width = image.width;
    photo.height = image.height;
    {
      const Stopwatch watch(shared->detect, &photo.seconds.detect);
      photo.faces = shared->detectors.detect(image);
    }
    const Stopwatch watch(shared->align, &photo.seconds.align);
    if (options.faces == FacesWanted::kAll) {
      for (std::size_t i = 0; i < photo.faces.size(); ++i) photo.chosen.push_back(i);
    } else if (const auto main = main_face(photo.faces, image.width, image.height, crop)) {
      photo.chosen.push_back(*main);
    }
    if (options.until == Stage::kDetect) return;
    for (const std::size_t i : photo.chosen) photo.chips.push_back(cut_chip(image, photo.faces[i], crop));
    if (options.until == Stage::kAlign) return;
    for (const std::size_t i : photo.chosen) {
      for (const View& view : std::span(views).subspan(1)) {
        Chip chip = cut_chip(image, photo.faces[i], view.crop);
        work.other_views.push_back(view.mirrored ? mirrored(chip) : std::move(chip));
      }
    }
  }

  /// The views of every chosen face of a group, one face behind the other.
  [[nodiscard]] std::vector<Chip> views_in(Group& group) const {
    std::vector<Chip> chips;
    const std::size_t others = views.size() - 1;
    for (Work& work : group) {
      for (std::size_t i = 0; i < work.photo.chips.size(); ++i) {
        chips.push_back(work.photo.chips[i]);
        for (std::size_t v = 0; v < others; ++v) chips.push_back(std::move(work.other_views[i * others + v]));
      }
      work.other_views.clear();
    }
    return chips;
  }

  /// Embeddings of chips, `each` a face, computed `piece` faces at a time. Idle threads help.
  std::vector<ViewEmbeddings> embed_pieces(const std::vector<Chip>& chips, std::size_t each,
                                           std::size_t piece) {
    const std::size_t faces = chips.size() / each;
    std::vector<ViewEmbeddings> pieces((faces + piece - 1) / piece);
    std::atomic<unsigned> order = 0;
    tbb::parallel_for(std::size_t{0}, pieces.size(), [&](std::size_t i) {
      const Step step(order);
      const Stopwatch watch(shared->embedding);
      const std::size_t first = i * piece;
      pieces[i] = shared->network->embed_views(
          std::span(chips).subspan(first * each, std::min(piece, faces - first) * each), each);
    });
    const Step done(order);
    return pieces;
  }

  /// Fills the embeddings of a group. Idle threads help; `alone` says that nobody has anything else to do.
  void embed(Group& group, bool alone) {
    if (!embeds()) return;
    const std::vector<Chip> chips = views_in(group);
    if (chips.empty()) return;
    load();
    const std::size_t each = views.size();
    const std::size_t piece = (piece_size(chips.size(), alone) + each - 1) / each;  // faces
    const std::vector<ViewEmbeddings> pieces = embed_pieces(chips, each, piece);
    std::size_t row = 0;
    for (Work& work : group) {
      for (std::size_t i = 0; i < work.photo.chips.size(); ++i, ++row) {
        const ViewEmbeddings& from = pieces[row / piece];
        append(from.first, row % piece, work.photo.embeddings);
        append(from.mean, row % piece, work.photo.averaged);
      }
    }
  }

  /// Fills the embeddings of one photo, whose faces share a run of the network with those of other calls.
  void embed_with_others(Group& group, SharedRuns::Turn& turn) {
    std::vector<Chip> chips = views_in(group);
    if (chips.empty()) return;
    PhotoFaces& photo = group.front().photo;
    const Stopwatch watch(photo.seconds.embed);
    ViewEmbeddings made =
        shared->runs.embed(turn, std::move(chips), views.size(),
                           [this](const std::vector<Chip>& all, std::size_t each, std::size_t processors) {
                             load();
                             return processors == 1 ? run(all, each) : run_in_pieces(all, each, processors);
                           });
    photo.embeddings = std::move(made.first);
    photo.averaged = std::move(made.mean);
  }

  ViewEmbeddings run(const std::vector<Chip>& chips, std::size_t each) {
    const Stopwatch watch(shared->embedding);
    return shared->network->embed_views(chips, each);
  }

  /// As run(), an equal piece on each of some processors.
  ViewEmbeddings run_in_pieces(const std::vector<Chip>& chips, std::size_t each, std::size_t processors) {
    const std::size_t faces = chips.size() / each;
    std::vector<ViewEmbeddings> pieces;
    std::atomic<unsigned> order = 0;
    const Step before(order);
    shared->arena.execute([&] {
      const Step inside(order);
      tbb::this_task_arena::isolate(
          [&] { pieces = embed_pieces(chips, each, (faces + processors - 1) / processors); });
    });
    const Step after(order);  // other threads may have done it
    ViewEmbeddings all = std::move(pieces.front());
    for (std::size_t i = 1; i < pieces.size(); ++i) {
      all.first.values.insert(all.first.values.end(), pieces[i].first.values.begin(),
                              pieces[i].first.values.end());
      all.mean.values.insert(all.mean.values.end(), pieces[i].mean.values.begin(),
                             pieces[i].mean.values.end());
    }
    return all;
  }

  /// Chips that one run of the network takes: two pieces a thread, so that threads finish at about the same
  /// time, but not fewer than 8 while there is other work: 8 are as quick a face as 32 (bench/RESULTS.md).
  [[nodiscard]] std::size_t piece_size(std::size_t chips, bool alone) const {
    constexpr std::size_t kEfficient = 8;
    const auto threads = static_cast<std::size_t>(options.threads);
    const std::size_t share = (chips + threads - 1) / threads;
    return std::max((share + 1) / 2, alone ? std::min(kEfficient, share) : kEfficient);
  }

  StreamOptions options;
  CropSpec crop;
  std::vector<View> views;  ///< The crop itself first.
  std::shared_ptr<Shared> shared;
};

/// One run() over a source: the steps of its pipeline, and what they share.
class PhotoStream::Flow {
 public:
  Flow(Road& road, PhotoSource& source, const std::function<void(PhotoFaces&&)>& sink, KnownPhotos* known,
       const Progress& progress)
      : road_(road), source_(source), sink_(sink), known_(known), progress_(progress) {
    const StreamOptions& options = road.options;
    batch_ = static_cast<std::size_t>(options.batch);
    // While one thread embeds a group the others look at about as many photos, whose (empty) tokens wait for
    // it at the end. A photo's pixels live only while a thread looks at it, unless they are kept.
    const std::size_t under_way = options.keep_pixels ? 4 : batch_ + 4;
    slots_.resize(static_cast<std::size_t>(options.threads) * under_way);
  }

  void go() {
    using tbb::filter_mode;
    using tbb::make_filter;
    constexpr auto kSerial = filter_mode::serial_in_order;
    const auto take = make_filter<void, std::size_t>(kSerial, [&](tbb::flow_control& flow) {
      const Step step(order_);
      if (!this->take()) flow.stop();
      return taken_ - 1;
    });
    const auto look = make_filter<std::size_t, std::size_t>(filter_mode::parallel, [&](std::size_t i) {
      const Step step(order_);
      tbb::this_task_arena::isolate([&] { this->look(i); });
      return i;
    });
    const auto gather = make_filter<std::size_t, std::size_t>(kSerial, [&](std::size_t i) {
      const Step step(order_);
      this->gather(i);
      return i;
    });
    const auto embed = make_filter<std::size_t, std::size_t>(filter_mode::parallel, [&](std::size_t i) {
      const Step step(order_);
      road_.embed(slot(i).group, false);
      return i;
    });
    const auto hand_on = make_filter<std::size_t, void>(kSerial, [&](std::size_t i) {
      const Step step(order_);
      this->hand_on(std::exchange(slot(i).group, {}));
    });
    const Step step(order_);
    road_.shared->arena.execute([&] {
      tbb::task_group loading;
      loading_ = &loading;
      tbb::parallel_pipeline(slots_.size(), take & look & gather & embed & hand_on);
      const Step last(order_);
      road_.embed(waiting_, true);
      this->hand_on(std::exchange(waiting_, {}));
      loading.wait();
      if (loads_) road_.load();
    });
  }

 private:
  /// One slot a photo in flight. Tokens are numbers: photo i has slot i % slots, which is free by then, for
  /// photos leave in the order they came.
  struct Slot {
    std::optional<Photo> from;
    Work work;
    Group group;  ///< What gather() hands on: full groups and, for photos that only wait, empty ones.
  };

  Slot& slot(std::size_t i) { return slots_[i % slots_.size()]; }

  bool take() {
    std::optional<Photo> photo = source_.next();
    if (!photo) return false;
    slot(taken_++).from = std::move(photo);
    return true;
  }

  void look(std::size_t i) {
    Slot& own = slot(i);
    own.work = {};
    own.work.photo.index = i;
    road_.look(*own.from, own.work, known_ != nullptr, [this](PhotoFaces& photo) { return is_known(photo); });
    own.from.reset();
  }

  bool is_known(PhotoFaces& photo) {
    if (known_ != nullptr && !photo.sha256.empty()) {
      const std::lock_guard lock(known_mutex_);
      if (known_->find(photo.sha256, photo)) return true;
    }
    // Where all photos are known the network is never loaded; else it is, beside the first that are not.
    if (!loads_.exchange(true)) {
      loading_->run([this] {
        try {
          road_.load();
        } catch (...) {  // told by whoever needs the network, and at the end
        }
      });
    }
    return false;
  }

  void gather(std::size_t i) {
    waiting_.push_back(std::move(slot(i).work));
    const std::size_t most_photos = batch_ * 2;  // photos without a face must not pile up while a batch fills
    const bool full = chip_count(waiting_) >= batch_ || waiting_.size() >= most_photos || !road_.embeds() ||
                      kept_bytes(waiting_) >= kMostKeptBytes;
    if (full) slot(i).group = std::exchange(waiting_, {});
  }

  void hand_on(Group group) {
    for (Work& work : group) {
      PhotoFaces& photo = work.photo;
      if (known_ != nullptr && !photo.known && photo.error.empty() && !photo.sha256.empty()) {
        const std::lock_guard lock(known_mutex_);
        known_->add(photo);
      }
      // What waits inside a sink (for one(), say) shall not take up a photo of this run, and its locks, too.
      tbb::this_task_arena::isolate([&] {
        sink_(std::move(photo));
        report_progress(progress_, ++finished_, source_.size().value_or(0));
      });
    }
  }

  Road& road_;
  PhotoSource& source_;
  const std::function<void(PhotoFaces&&)>& sink_;
  KnownPhotos* known_;
  const Progress& progress_;
  std::size_t batch_ = 1;
  std::vector<Slot> slots_;
  std::size_t taken_ = 0;
  std::size_t finished_ = 0;
  Group waiting_;
  std::mutex known_mutex_;
  std::atomic<bool> loads_ = false;
  tbb::task_group* loading_ = nullptr;  ///< While the pipeline runs.
  std::atomic<unsigned> order_ = 0;
};

PhotoStream::PhotoStream(const ModelPack& detector, const ModelPack& embedder, const StreamOptions& options)
    : road_(std::make_unique<Road>(detector, embedder, options)) {}
PhotoStream::PhotoStream(std::unique_ptr<Road> road) : road_(std::move(road)) {}
PhotoStream::~PhotoStream() = default;
PhotoStream::PhotoStream(PhotoStream&&) noexcept = default;
PhotoStream& PhotoStream::operator=(PhotoStream&&) noexcept = default;

PhotoStream PhotoStream::sharing(const StreamWork& work) const {
  auto road = std::make_unique<Road>(*road_);
  road->options.until = work.until;
  road->options.faces = work.faces;
  road->options.hash = work.hash;
  road->options.keep_pixels = work.keep_pixels;
  return PhotoStream(std::move(road));
}

void PhotoStream::load() {
  road_->load();
  if (road_->embeds()) road_->shared->network->to_large_pages();
}

void PhotoStream::run(PhotoSource photos, const std::function<void(PhotoFaces&&)>& sink, KnownPhotos* known,
                      const Progress& progress) {
  Flow(*road_, photos, sink, known, progress).go();
}

std::vector<PhotoFaces> PhotoStream::many(PhotoSource photos) {
  std::vector<PhotoFaces> results;
  run(std::move(photos), [&](PhotoFaces&& photo) { results.push_back(std::move(photo)); });
  return results;
}

PhotoFaces PhotoStream::one(const Photo& photo) {
  Road& road = *road_;
  Group group(1);
  SharedRuns::Turn turn(road.shared->runs);
  road.look(photo, group[0], false, [](PhotoFaces&) { return false; });
  PhotoFaces& result = group[0].photo;
  if (!result.error.empty()) throw Error(ErrorCode::kImageUnreadable, result.error);
  if (road.embeds()) road.embed_with_others(group, turn);
  return std::move(result);
}

PhotoFaces PhotoStream::one(const PixelView& picture) { return one(Photo{.id = "", .content = picture}); }

StageSeconds PhotoStream::seconds() const {
  const Shared& shared = *road_->shared;
  return {.read = shared.read, .detect = shared.detect, .align = shared.align, .embed = shared.embedding};
}

}  // namespace likeness
