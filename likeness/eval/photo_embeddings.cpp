#include "likeness/eval/photo_embeddings.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "likeness/align/align.h"
#include "likeness/core/cache_folder.h"
#include "likeness/core/error.h"
#include "likeness/core/file.h"
#include "likeness/core/sha256.h"
#include "likeness/detect/face_detector.h"
#include "likeness/embed/embedder.h"
#include "likeness/embed/embedding_space.h"
#include "likeness/embed/finisher.h"
#include "likeness/image/read_image.h"
#include "likeness/npz/npz.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

constexpr const char* kNoFace = "no face found";
constexpr std::size_t kMaxPhotoBytes = ReadOptions{}.max_bytes;

/// Calls `work(i)` for every i below `count` on `threads` threads, each with its own worker made by `make()`.
/// The first exception stops the rest and comes out.
template <typename Make>
void spread(std::size_t count, int threads, Make make) {
  std::atomic<std::size_t> next{0};
  std::exception_ptr failure;
  std::mutex mutex;
  std::vector<std::thread> pool;
  for (int t = 0; t < threads; ++t) {
    pool.emplace_back([&] {
      try {
        auto work = make();
        for (std::size_t i = next++; i < count; i = next++) work(i);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!failure) failure = std::current_exception();
        next = count;
      }
    });
  }
  for (std::thread& thread : pool) thread.join();
  if (failure) std::rethrow_exception(failure);
}

/// What is known of photos from earlier runs: SHA-256 to embedding, empty where no face was found.
using Known = std::map<std::string, std::vector<float>>;

Known read_cache(const fs::path& file, std::size_t dimension) {
  Known known;
  try {
    const NpzFile npz(file);
    const std::vector<std::string> hashes = npz.strings("sha256");
    const Array<bool> found = npz.get<bool>("found");
    const Array<float> rows = npz.get<float>("embeddings");
    const bool fits = found.values.size() == hashes.size() &&
                      rows.shape == std::vector<std::size_t>{hashes.size(), dimension};
    for (std::size_t i = 0; fits && i < hashes.size(); ++i) {
      const auto row = rows.values.begin() + static_cast<std::ptrdiff_t>(i * dimension);
      std::vector<float>& entry = known[hashes[i]];
      if (found.values[i]) entry.assign(row, row + static_cast<std::ptrdiff_t>(dimension));
    }
  } catch (const Error&) {
    known.clear();  // missing or damaged: it is only a cache
  }
  return known;
}

void write_cache(const fs::path& file, const Known& known, std::size_t dimension) {
  std::vector<std::string> hashes;
  Array<bool> found{{known.size()}, {}};
  Array<float> rows{{known.size(), dimension}, {}};
  for (const auto& [hash, embedding] : known) {
    hashes.push_back(hash);
    found.values.push_back(!embedding.empty());
    rows.values.insert(rows.values.end(), embedding.begin(), embedding.end());
    rows.values.resize(hashes.size() * dimension);
  }
  try {
    fs::create_directories(file.parent_path());
    write_npz(file, {strings_member("sha256", hashes), {"found", found}, {"embeddings", rows}}, false);
  } catch (const std::exception&) {
    // A full disk or a read-only home must not spoil results that are already there.
  }
}

std::vector<std::byte> bytes_of(const fs::path& photo) {
  return read_file_bytes(photo, kMaxPhotoBytes, ErrorCode::kImageUnreadable);
}

std::vector<std::string> hashes_of(std::span<const fs::path> photos, int threads,
                                   std::vector<std::string>* problems) {
  std::vector<std::string> hashes(photos.size());
  spread(photos.size(), threads, [&] {
    return [&](std::size_t i) {
      try {
        hashes[i] = sha256(bytes_of(photos[i]));
      } catch (const Error& error) {
        if (problems != nullptr) (*problems)[i] = error.what();
      }
    };
  });
  return hashes;
}

/// The road of photos that are not known, some hundreds at a time so that memory stays flat.
class Road {
 public:
  Road(std::span<const fs::path> photos, const ModelPack& embedder, const ModelPack& detector,
       const PhotoEmbeddingOptions& options, PhotoEmbeddings& result)
      : photos_(photos),
        views_(views_of(embedder.contract.crop, options.quality)),
        detector_(detector),
        options_(options),
        embedder_(embedder, {.precision = options.precision, .threads = options.threads}),
        result_(result) {}

  void embed(const std::vector<std::size_t>& wanted, const Progress& progress) {
    constexpr std::size_t kAtOnce = 512;
    for (std::size_t begin = 0; begin < wanted.size(); begin += kAtOnce) {
      const std::size_t count = std::min(kAtOnce, wanted.size() - begin);
      embed_some(std::span(wanted).subspan(begin, count));
      report_progress(progress, begin + count, wanted.size());
    }
  }

 private:
  /// Chips of one photo's main face; none where there is no face.
  std::vector<Chip> cut(FaceDetector& detector, std::size_t photo) const {
    const Image image = read_image(photos_[photo]);
    const std::vector<Face> faces = detector.detect(image.view());
    const auto main = main_face(faces, image.width(), image.height(), views_[0].crop);
    std::vector<Chip> chips;
    if (!main) return chips;
    for (const View& view : views_) {
      chips.push_back(cut_chip(image.view(), faces[*main], view.crop));
      if (view.mirrored) chips.back() = mirrored(chips.back());
    }
    return chips;
  }

  void embed_some(std::span<const std::size_t> wanted) {
    std::vector<std::vector<Chip>> cuts(wanted.size());
    spread(wanted.size(), options_.threads, [&] {
      return [&, detector = FaceDetector(detector_.folder)](std::size_t k) mutable {
        try {
          cuts[k] = cut(detector, wanted[k]);
          if (cuts[k].empty()) result_.problems[wanted[k]] = kNoFace;
        } catch (const Error& error) {
          if (error.code() != ErrorCode::kImageUnreadable) throw;
          result_.problems[wanted[k]] = error.what();
        }
      };
    });
    std::vector<Chip> chips;
    for (auto& own : cuts) std::move(own.begin(), own.end(), std::back_inserter(chips));
    const auto start = std::chrono::steady_clock::now();
    const Embeddings embedded = embedder_.embed_views(chips, views_.size()).mean;
    result_.network_seconds +=
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    std::size_t row = 0;
    for (const std::size_t photo : wanted) {
      if (!result_.found(photo)) continue;
      const auto values = embedded[row++];
      std::copy(values.begin(), values.end(),
                result_.embeddings.values.begin() + static_cast<std::ptrdiff_t>(photo * values.size()));
    }
  }

  std::span<const fs::path> photos_;
  std::vector<View> views_;
  const ModelPack& detector_;
  const PhotoEmbeddingOptions& options_;
  Embedder embedder_;
  PhotoEmbeddings& result_;
};

/// The network's outputs as the pack's embeddings; photos without one stay zero.
void finish(const ModelPack& pack, PhotoEmbeddings& result) {
  if (!pack.contract.compact()) return;
  result.embeddings = Finisher(pack)(std::move(result.embeddings));
  const std::size_t d = result.embeddings.dimension;
  for (std::size_t i = 0; i < result.problems.size(); ++i) {
    if (!result.found(i)) std::fill_n(result.embeddings.values.data() + i * d, d, 0.0F);
  }
}

}  // namespace

PhotoEmbeddings embed_photos(std::span<const fs::path> photos, const ModelPack& embedder,
                             const ModelPack& detector, const PhotoEmbeddingOptions& options,
                             const Progress& progress) {
  // What the network gives is what takes time: it is kept once for all packs that make their embeddings of
  // it.
  ModelPack network = embedder;
  network.contract = embedder.contract.of_network();
  network.contract.name.clear();
  const auto dimension = static_cast<std::size_t>(network.contract.dimension);
  PhotoEmbeddings result;
  result.id = space_of(embedder.contract, options.precision, options.quality).id();
  result.embeddings = {dimension, std::vector<float>(photos.size() * dimension)};
  result.problems.resize(photos.size());
  const std::vector<std::string> hashes = hashes_of(photos, options.threads, &result.problems);

  const std::string space = space_of(network.contract, options.precision, options.quality).id() + "/" +
                            std::string(to_string(options.precision));
  const fs::path file =
      options.cache_folder / (sha256(std::as_bytes(std::span(space))).substr(0, 24) + ".npz");
  const bool caching = !options.cache_folder.empty();
  Known known = caching ? read_cache(file, dimension) : Known();
  std::vector<std::size_t> wanted;
  for (std::size_t i = 0; i < photos.size(); ++i) {
    if (!result.found(i)) continue;
    const auto entry = known.find(hashes[i]);
    if (entry == known.end()) {
      wanted.push_back(i);
      continue;
    }
    ++result.from_cache;
    if (entry->second.empty()) result.problems[i] = kNoFace;
    std::copy(entry->second.begin(), entry->second.end(),
              result.embeddings.values.begin() + static_cast<std::ptrdiff_t>(i * dimension));
  }
  if (wanted.empty()) {
    finish(embedder, result);
    return result;
  }

  Road(photos, network, detector, options, result).embed(wanted, progress);
  for (const std::size_t i : wanted) {
    if (!result.found(i) && result.problems[i] != kNoFace) continue;
    const auto row = result.embeddings[i];
    known[hashes[i]] = result.found(i) ? std::vector<float>(row.begin(), row.end()) : std::vector<float>();
  }
  if (caching) write_cache(file, known, dimension);
  finish(embedder, result);
  return result;
}

std::string hash_of_photos(std::span<const fs::path> photos) {
  std::string all;
  for (const std::string& hash : hashes_of(photos, 1, nullptr)) all += hash + "\n";
  return sha256(std::as_bytes(std::span(all)));
}

fs::path embedding_cache_folder() {
  const fs::path folder = cache_folder();
  return folder.empty() ? folder : folder / "embeddings";
}

}  // namespace likeness
