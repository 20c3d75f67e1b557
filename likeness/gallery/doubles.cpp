#include "likeness/gallery/doubles.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <random>
#include <unordered_map>
#include <utility>

#include "likeness/gallery/known_faces.h"

namespace likeness {
namespace {

constexpr std::size_t kDirections = 8;
/// One picture under thousands of names would be a pair for each two of them.
constexpr std::size_t kMostCandidates = 1'000'000;
using Place = std::array<float, kDirections>;

/// Where embeddings lie along some random directions, in a grid: equal ones lie in one cell or in
/// neighbouring ones. Two vectors a distance D apart are N(0, D / sqrt(dimension)) apart along a random
/// direction; five sigmas are looked at, so that one pair in 200,000 is missed.
class Grid {
 public:
  Grid(std::size_t dimension, EmbeddingFormat format)
      : reach_(5 * std::sqrt(most_squared_distance(format) / static_cast<float>(dimension))),
        directions_{dimension, std::vector<float>(kDirections * dimension)} {
    std::mt19937 random(1);  // of the standard's own definition: the same everywhere
    for (float& value : directions_.values) value = static_cast<float>(random()) / 0x1p31F - 1;
    l2_normalize(directions_);
  }

  void add(const FaceOwner& face, std::span<const float> embedding, std::vector<SharedFace>& candidates) {
    Place place;
    for (std::size_t i = 0; i < kDirections; ++i) place[i] = dot(directions_[i], embedding);
    visit(place, 0, 0, face, candidates);
    cells_[cell_of(place)].push_back(static_cast<std::uint32_t>(faces_.size()));
    faces_.push_back(face);
    places_.push_back(place);
  }

 private:
  [[nodiscard]] std::int64_t step(float value) const {
    return static_cast<std::int64_t>(std::floor(value / (8 * reach_)));
  }
  static std::uint64_t mixed(std::uint64_t key, std::int64_t step) {
    key = (key ^ static_cast<std::uint64_t>(step)) * 0x9E3779B97F4A7C15U;
    return key ^ (key >> 29);
  }
  [[nodiscard]] std::uint64_t cell_of(const Place& place) const {
    std::uint64_t key = 0;
    for (const float value : place) key = mixed(key, step(value));
    return key;
  }
  /// All cells within reach: mostly one or two along each direction's boundaries.
  void visit(const Place& place, std::size_t direction, std::uint64_t key, const FaceOwner& face,
             std::vector<SharedFace>& candidates) const {
    if (direction < kDirections) {
      const std::int64_t low = step(place[direction] - reach_);
      const std::int64_t high = step(place[direction] + reach_);
      for (std::int64_t one = low; one <= high; ++one)
        visit(place, direction + 1, mixed(key, one), face, candidates);
      return;
    }
    const auto cell = cells_.find(key);
    if (cell == cells_.end()) return;
    for (const std::uint32_t other : cell->second) {
      if (faces_[other].person == face.person) continue;
      bool near = true;
      for (std::size_t i = 0; i < kDirections; ++i)
        near = near && std::abs(places_[other][i] - place[i]) <= reach_;
      if (near && candidates.size() < kMostCandidates) candidates.push_back({faces_[other], face});
    }
  }

  float reach_;
  Embeddings directions_;
  std::vector<FaceOwner> faces_;
  std::vector<Place> places_;
  std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> cells_;
};

/// Of `candidates` those whose embeddings are the same; some thousands at a time are in memory.
void keep_same(const GalleryStore& store, std::vector<SharedFace>& candidates) {
  constexpr std::size_t kAtOnce = 2000;
  std::vector<SharedFace> same;
  for (std::size_t begin = 0; begin < candidates.size(); begin += kAtOnce) {
    const auto part = std::span(candidates).subspan(begin, std::min(kAtOnce, candidates.size() - begin));
    std::vector<std::int64_t> ids;
    for (const SharedFace& one : part) ids.insert(ids.end(), {one.first.face, one.other.face});
    const FaceEmbeddings read = store.embeddings(ids);
    std::map<std::int64_t, std::size_t> rows;
    for (std::size_t i = 0; i < read.faces.size(); ++i) rows[read.faces[i].face] = i;
    for (const SharedFace& one : part) {
      const auto first = rows.find(one.first.face);
      const auto other = rows.find(one.other.face);
      if (first == rows.end() || other == rows.end()) continue;  // removed meanwhile
      if (same_vector(read.embeddings[first->second], read.embeddings[other->second], store.format()))
        same.push_back(one);
    }
  }
  candidates = std::move(same);
}

}  // namespace

std::vector<DoubleFace> find_doubles(const GalleryStore& store, std::vector<StoredFace> faces) {
  std::ranges::sort(faces, {}, &StoredFace::id);
  std::vector<std::int64_t> ids;
  for (const StoredFace& face : faces) ids.push_back(face.id);
  const FaceEmbeddings all = store.embeddings(ids);
  std::map<std::int64_t, std::size_t> rows;
  for (std::size_t i = 0; i < all.faces.size(); ++i) rows[all.faces[i].face] = i;
  std::stable_sort(faces.begin(), faces.end(), [](const StoredFace& a, const StoredFace& b) {
    return !a.photo_hash.empty() && b.photo_hash.empty();
  });
  KnownFaces kept(store.format());
  std::map<std::string, std::vector<const StoredFace*>> by_photo;
  std::vector<DoubleFace> found;
  for (const StoredFace& face : faces) {
    const auto row = rows.find(face.id);
    if (row == rows.end()) continue;  // removed meanwhile
    const auto embedding = all.embeddings[row->second];
    std::optional<std::int64_t> of = kept.find(!face.photo_hash.empty(), embedding);
    if (!face.photo_hash.empty()) {
      auto& same_photo = by_photo[face.photo_hash];
      for (const StoredFace* other : same_photo) {
        if (!of && same_vector(all.embeddings[rows.at(other->id)], embedding, store.format())) of = other->id;
      }
      if (!of) same_photo.push_back(&face);
    }
    if (of) {
      found.push_back({face.id, *of});
    } else {
      kept.add(face.id, !face.photo_hash.empty(), embedding);
    }
  }
  std::ranges::sort(found, {}, &DoubleFace::face);
  return found;
}

std::vector<SharedFace> find_shared_faces(const GalleryStore& store) {
  std::vector<SharedFace> shared;
  Grid grid(store.space().dimension, store.format());
  store.read_embeddings(
      0, [&](FaceOwner face, std::span<const float> embedding) { grid.add(face, embedding, shared); });
  keep_same(store, shared);
  std::ranges::sort(shared, {},
                    [](const SharedFace& one) { return std::pair(one.first.face, one.other.face); });
  return shared;
}

}  // namespace likeness
