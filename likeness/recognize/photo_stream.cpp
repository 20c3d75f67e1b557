#include "likeness/recognize/photo_stream.h"

#include <oneapi/tbb/collaborative_call_once.h>
#include <oneapi/tbb/enumerable_thread_specific.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/parallel_pipeline.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <optional>
#include <stdexcept>
#include <utility>

#include "likeness/align/align.h"
#include "likeness/core/error.h"
#include "likeness/core/file.h"
#include "likeness/core/sha256.h"
#include "likeness/embed/embedder.h"
#include "likeness/image/read_image.h"

namespace likeness {
namespace {

using Group = std::vector<PhotoFaces>;  ///< Neighbouring photos whose faces are embedded together.

/// Adds the time of a scope to a counter that threads share.
class Stopwatch {
 public:
  explicit Stopwatch(std::atomic<double>& total) : total_(total), start_(std::chrono::steady_clock::now()) {}
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;
  ~Stopwatch() { total_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

 private:
  std::atomic<double>& total_;
  std::chrono::steady_clock::time_point start_;
};

std::size_t chip_count(const Group& group) {
  std::size_t count = 0;
  for (const PhotoFaces& photo : group) count += photo.chips.size() + photo.other_views.size();
  return count;
}

/// TBB comes as a prebuilt library, so the thread sanitizer does not see that one step of a photo's way ends
/// before the next begins. A Step around each of them shows it that order; without the sanitizer it is
/// nothing.
class Step {
 public:
#ifdef __SANITIZE_THREAD__
  explicit Step(std::atomic<unsigned>& order) : order_(order) {
    order_.fetch_add(1, std::memory_order_acq_rel);
  }
  ~Step() { order_.fetch_add(1, std::memory_order_acq_rel); }
  Step(const Step&) = delete;
  Step& operator=(const Step&) = delete;

 private:
  std::atomic<unsigned>& order_;
#else
  explicit Step(std::atomic<unsigned>&) {}
#endif
};

void append(const Embeddings& from, std::size_t row, Embeddings& to) {
  to.dimension = from.dimension;
  to.values.insert(to.values.end(), from[row].begin(), from[row].end());
}

DetectorOptions single_threaded(DetectorOptions options) {
  options.threads = 1;
  return options;
}

}  // namespace

// The whole road, on one screen: read -> detect -> align, then embed() for a group of photos.
struct PhotoStream::Road {
  Road(const ModelPack& detector, const ModelPack& embedder, const StreamOptions& given)
      : options(given),
        crop(embedder.contract.crop),
        views(views_of(crop, given.quality)),
        detectors([folder = detector.folder, options = single_threaded(given.detector)] {
          return FaceDetector(folder, options);
        }),
        arena(given.threads) {
    detectors.local();  // a missing or damaged detector shall be told now, not at the first photo
    if (options.batch < 1) throw std::invalid_argument("a batch needs at least one chip");
    if (options.until == Stage::kEmbed) pack = embedder;
  }

  /// Loads the network on the first call; further calls wait for it, and throw again what it threw.
  void load() {
    if (!pack) return;
    tbb::collaborative_call_once(loaded, [this] {
      try {
        // Every thread embeds for itself: a batch spread over threads would keep them waiting for each other.
        network.emplace(*pack, EmbedderOptions{.precision = options.precision,
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

  /// A photo's file up to its chips.
  PhotoFaces look(std::size_t index, const std::filesystem::path& file) {
    PhotoFaces photo;
    try {
      std::optional<Image> image;
      {
        const Stopwatch watch(read);
        const auto bytes = read_file_bytes(file, ReadOptions{}.max_bytes, ErrorCode::kImageUnreadable);
        if (options.hash) photo.sha256 = sha256(bytes);
        image = decode_image(bytes, file.string());
      }
      find_faces(image->view(), photo);
    } catch (const Error& e) {
      if (e.code() != ErrorCode::kImageUnreadable) throw;
      photo.error = e.what();
    }
    photo.index = index;
    photo.file = file;
    return photo;
  }

  void find_faces(ImageView image, PhotoFaces& photo) {
    photo.width = image.width;
    photo.height = image.height;
    {
      const Stopwatch watch(detect);
      photo.faces = detectors.local().detect(image);
    }
    const Stopwatch watch(align);
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
        photo.other_views.push_back(view.mirrored ? mirrored(chip) : std::move(chip));
      }
    }
  }

  /// The views of every chosen face of a group, one face behind the other.
  [[nodiscard]] std::vector<Chip> views_in(Group& group) const {
    std::vector<Chip> chips;
    const std::size_t others = views.size() - 1;
    for (PhotoFaces& photo : group) {
      for (std::size_t i = 0; i < photo.chips.size(); ++i) {
        chips.push_back(photo.chips[i]);
        for (std::size_t v = 0; v < others; ++v)
          chips.push_back(std::move(photo.other_views[i * others + v]));
      }
      photo.other_views.clear();
    }
    return chips;
  }

  /// Fills the embeddings of a group. Idle threads help; `alone` says that nobody has anything else to do.
  void embed(Group& group, bool alone) {
    if (!pack) return;
    const std::vector<Chip> chips = views_in(group);
    if (chips.empty()) return;
    load();
    const std::size_t each = views.size();
    const std::size_t faces = chips.size() / each;
    const std::size_t piece = (piece_size(chips.size(), alone) + each - 1) / each;  // faces
    std::vector<ViewEmbeddings> pieces((faces + piece - 1) / piece);
    tbb::parallel_for(std::size_t{0}, pieces.size(), [&](std::size_t i) {
      const Stopwatch watch(embedding);
      const std::size_t first = i * piece;
      pieces[i] = network->embed_views(
          std::span(chips).subspan(first * each, std::min(piece, faces - first) * each), each);
    });
    std::size_t row = 0;
    for (PhotoFaces& photo : group) {
      for (std::size_t i = 0; i < photo.chips.size(); ++i, ++row) {
        const ViewEmbeddings& from = pieces[row / piece];
        append(from.first, row % piece, photo.embeddings);
        append(from.mean, row % piece, photo.averaged);
      }
    }
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
  std::vector<View> views;        ///< The crop itself first.
  std::optional<ModelPack> pack;  ///< Of the embedder; empty where the road ends before it.
  tbb::collaborative_once_flag loaded;
  std::exception_ptr failure;  ///< Why `network` could not be loaded.
  std::optional<Embedder> network;
  tbb::enumerable_thread_specific<FaceDetector> detectors;
  tbb::task_arena arena;
  std::atomic<double> read = 0;
  std::atomic<double> detect = 0;
  std::atomic<double> align = 0;
  std::atomic<double> embedding = 0;
};

PhotoStream::PhotoStream(const ModelPack& detector, const ModelPack& embedder, const StreamOptions& options)
    : road_(std::make_unique<Road>(detector, embedder, options)) {}
PhotoStream::~PhotoStream() = default;
PhotoStream::PhotoStream(PhotoStream&&) noexcept = default;
PhotoStream& PhotoStream::operator=(PhotoStream&&) noexcept = default;

void PhotoStream::load() { road_->load(); }

void PhotoStream::run(std::span<const std::filesystem::path> photos,
                      const std::function<void(PhotoFaces&&)>& sink, const Progress& progress) {
  Road& road = *road_;
  const std::size_t batch = static_cast<std::size_t>(road.options.batch);
  const std::size_t most_photos = batch * 2;  // photos without a face must not pile up while a batch fills
  // One slot a photo in flight. Tokens are numbers: photo i has slot i % slots.size(), which is free by then,
  // for photos leave in the order they came.
  struct Slot {
    PhotoFaces photo;
    Group group;  // what the gathering step hands on: full groups and, for photos that only wait, empty ones
  };
  // While one thread embeds a group the others look at about as many photos, whose (empty) tokens wait for it
  // at the end. A photo's pixels live only while a thread looks at it.
  std::vector<Slot> slots(static_cast<std::size_t>(road.options.threads) * (batch + 4));
  std::size_t next = 0;
  std::size_t finished = 0;
  Group waiting;
  std::atomic<unsigned> order = 0;
  const auto slot = [&](std::size_t i) -> Slot& { return slots[i % slots.size()]; };
  using tbb::filter_mode;
  using tbb::make_filter;
  const auto take =
      make_filter<void, std::size_t>(filter_mode::serial_in_order, [&](tbb::flow_control& flow) {
        const Step step(order);
        if (next == photos.size()) flow.stop();
        return next++;
      });
  const auto look = make_filter<std::size_t, std::size_t>(filter_mode::parallel, [&](std::size_t i) {
    const Step step(order);
    tbb::this_task_arena::isolate([&] { slot(i).photo = road.look(i, photos[i]); });
    return i;
  });
  const auto gather = make_filter<std::size_t, std::size_t>(filter_mode::serial_in_order, [&](std::size_t i) {
    const Step step(order);
    waiting.push_back(std::move(slot(i).photo));
    const bool full = chip_count(waiting) >= batch || waiting.size() >= most_photos || !road.pack;
    if (full || i + 1 == photos.size()) slot(i).group = std::exchange(waiting, {});
    return i;
  });
  const auto embed = make_filter<std::size_t, std::size_t>(filter_mode::parallel, [&](std::size_t i) {
    const Step step(order);
    road.embed(slot(i).group, i + 1 == photos.size());
    return i;
  });
  const auto hand_on = make_filter<std::size_t, void>(filter_mode::serial_in_order, [&](std::size_t i) {
    const Step step(order);
    for (PhotoFaces& photo : std::exchange(slot(i).group, {})) {
      sink(std::move(photo));
      report_progress(progress, ++finished, photos.size());
    }
  });
  const Step step(order);
  road.arena.execute([&] {
    tbb::task_group loading;
    if (!photos.empty()) loading.run([&] { road.load(); });  // beside the first photos
    tbb::parallel_pipeline(slots.size(), take & look & gather & embed & hand_on);
    loading.wait();
  });
}

PhotoFaces PhotoStream::one(ImageView photo) {
  Group group(1);
  road_->arena.execute([&] {
    road_->find_faces(photo, group[0]);
    road_->embed(group, true);
  });
  return std::move(group[0]);
}

StageSeconds PhotoStream::seconds() const {
  return {.read = road_->read, .detect = road_->detect, .align = road_->align, .embed = road_->embedding};
}

}  // namespace likeness
