#include "likeness/eval/photo_embeddings.h"

#include <algorithm>
#include <map>
#include <utility>

#include "likeness/core/cache_folder.h"
#include "likeness/core/error.h"
#include "likeness/core/sha256.h"
#include "likeness/embed/finisher.h"
#include "likeness/npz/npz.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

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

/// The same as a PhotoStream asks it. What this run adds is not found by this run: whether two equal photos
/// are known shall not depend on which thread is quicker.
class EmbeddingCache : public KnownPhotos {
 public:
  EmbeddingCache(fs::path file, std::size_t dimension)
      : file_(std::move(file)), dimension_(dimension), known_(read_cache(file_, dimension)) {}

  bool find(const std::string& sha256, PhotoFaces& photo) override {
    const auto entry = known_.find(sha256);
    if (entry == known_.end()) return false;
    if (!entry->second.empty()) photo.averaged = {dimension_, entry->second};
    return true;
  }
  void add(const PhotoFaces& photo) override { added_[photo.sha256] = photo.averaged.values; }

  void save() {
    if (added_.empty()) return;
    known_.merge(added_);
    write_cache(file_, known_, dimension_);
  }

 private:
  fs::path file_;
  std::size_t dimension_;
  Known known_;
  Known added_;
};

/// Names what embeddings depend on; the usual detector's options are left unsaid.
std::string made_how(const ModelPack& network, const Setup& setup) {
  std::string how = setup.space(network).id() + "/" + std::string(to_string(setup.precision));
  const DetectorOptions usual, &own = setup.detector;
  const auto differs = [&](const char* name, double value, double usually) {
    if (value != usually) how += "/" + std::string(name) + " " + std::to_string(value);
  };
  differs("min_face_px", own.min_face_px, usual.min_face_px);
  differs("min_face_share", own.min_face_share, usual.min_face_share);
  if (own.min_score) how += "/min_score " + std::to_string(*own.min_score);
  const MtcnnOptions usual_mtcnn, own_mtcnn = own.mtcnn.value_or(usual_mtcnn);
  differs("pyramid_step", own_mtcnn.pyramid_step, usual_mtcnn.pyramid_step);
  for (std::size_t i = 0; i < usual_mtcnn.min_scores.size(); ++i) {
    differs(("min_scores " + std::to_string(i)).c_str(), own_mtcnn.min_scores[i], usual_mtcnn.min_scores[i]);
  }
  differs("max_side_px", own.max_side_px, usual.max_side_px);
  return how;
}

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

PhotoEmbeddings embed_photos(std::span<const fs::path> photos, const ModelPack& embedder, const Setup& setup,
                             const fs::path& cache, const Progress& progress) {
  // What the network gives is what takes time: it is kept once for all packs that make their embeddings of
  // it.
  ModelPack network = embedder;
  network.contract = embedder.contract.of_network();
  network.contract.name.clear();
  const auto dimension = static_cast<std::size_t>(network.contract.dimension);
  PhotoEmbeddings result;
  result.id = setup.space(embedder).id();
  result.embeddings = {dimension, std::vector<float>(photos.size() * dimension)};
  result.problems.resize(photos.size());

  std::optional<EmbeddingCache> known;
  if (!cache.empty()) {
    const std::string how = made_how(network, setup);
    known.emplace(cache / (sha256(std::as_bytes(std::span(how))).substr(0, 24) + ".npz"), dimension);
  }
  StreamOptions options = setup.stream_options();
  options.faces = FacesWanted::kMain;
  options.hash = true;
  PhotoStream stream(setup.detector_for(embedder), network, options);
  std::string hashes;
  const auto take = [&](PhotoFaces&& photo) {
    hashes += photo.sha256 + "\n";
    if (photo.known) ++result.from_cache;
    const std::vector<float>& row = photo.averaged.values;
    if (row.empty()) result.problems[photo.index] = photo.error.empty() ? kNoFaceFound : photo.error;
    std::copy(row.begin(), row.end(),
              result.embeddings.values.begin() + static_cast<std::ptrdiff_t>(photo.index * dimension));
  };
  stream.run(PhotoSource::files({photos.begin(), photos.end()}), take, known ? &*known : nullptr, progress);
  if (known) known->save();
  result.photos_hash = sha256(std::as_bytes(std::span(hashes)));
  finish(embedder, result);
  return result;
}

fs::path embedding_cache_folder() {
  const fs::path folder = cache_folder();
  return folder.empty() ? folder : folder / "embeddings";
}

}  // namespace likeness
