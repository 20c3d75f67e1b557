#include "likeness/gallery/layered_faces.h"

#include <algorithm>
#include <limits>

#include "likeness/gallery/face_table.h"
#include "likeness/gallery/person_faces.h"

namespace likeness {

std::size_t LayeredFaces::faces() const {
  std::size_t faces = 0;
  for (const auto& layer : layers_) faces += layer->size();
  return faces;
}

std::size_t LayeredFaces::index_bytes() const {
  std::size_t bytes = 0;
  for (const auto& layer : layers_) bytes += layer->index().bytes();
  return bytes;
}

NearFaces LayeredFaces::near(const Embeddings& queries, std::size_t count) const {
  std::vector<BestNeighbours> best(queries.size(), BestNeighbours(count));
  for (const auto& layer : layers_) {
    const auto found = layer->index().search(queries, count, layer->removed());
    for (std::size_t q = 0; q < found.size(); ++q) {
      for (const Neighbour& neighbour : found[q]) best[q].offer(neighbour);
    }
  }
  NearFaces near{faces(), {}};
  for (BestNeighbours& own : best) {
    auto& answer = near.queries.emplace_back();
    for (const Neighbour& neighbour : own.take()) {
      if (const auto person = owner(neighbour.face))
        answer.push_back({neighbour.face, *person, neighbour.cosine});
    }
  }
  return near;
}

std::vector<NearShare> LayeredFaces::near_share(const Embeddings& queries, std::size_t count,
                                                std::size_t candidates) const {
  std::vector<NearShare> shares(queries.size());
  for (const auto& layer : layers_) {
    const auto found = layer->index().search_share(queries, count, candidates, layer->removed());
    for (std::size_t q = 0; q < found.size(); ++q) {
      NearShare& share = shares[q];
      const std::vector<std::uint32_t>& counts = found[q].counts;
      for (const CandidateShare::Candidate& one : found[q].nearest) {
        const auto person = owner(one.face);
        if (!person) continue;
        share.nearest.push_back(
            {{one.face, *person, one.cosine}, counts.empty() ? NearShare::kCompared : one.distance});
      }
      if (counts.empty()) continue;
      // Up to which distance all is known.
      const std::size_t known =
          share.rows == 0 ? counts.size() : std::min(counts.size(), share.counts.size());
      share.counts.resize(known);
      for (std::size_t d = 0; d < known; ++d) share.counts[d] += counts[d];
      share.rows += layer->index().size();
    }
  }
  for (NearShare& share : shares) {
    std::erase_if(share.nearest, [&](const NearShare::Candidate& one) {
      return one.distance != NearShare::kCompared && one.distance >= share.counts.size();
    });
    std::ranges::sort(share.nearest, nearer);
  }
  return shares;
}

void LayeredFaces::people(std::span<const AskedPerson> asked,
                          const std::function<void(std::size_t, const FaceVectors&)>& sink) const {
  for (std::size_t i = 0; i < asked.size(); ++i) sink(i, vectors_of(faces_asked(asked[i])));
}

FaceVectors LayeredFaces::person(std::int64_t person, std::span<const float> query) const {
  return vectors_of(faces_asked(person, query));
}

std::vector<std::int64_t> LayeredFaces::faces_asked(const AskedPerson& asked) const {
  std::vector<std::int64_t> faces = faces_of(asked.person, PersonFaces::kMost);
  // Those that are left out are younger than these.
  if (!std::ranges::binary_search(faces, asked.face) && owner(asked.face) == asked.person)
    faces.push_back(asked.face);
  return faces;
}

std::vector<std::int64_t> LayeredFaces::faces_asked(std::int64_t person, std::span<const float> query) const {
  std::vector<std::int64_t> faces = faces_of(person, std::numeric_limits<std::size_t>::max());
  if (faces.size() <= PersonFaces::kMost) return faces;
  std::int64_t nearest = 0;
  double best = -2;
  for (const std::int64_t face : std::span(faces).subspan(PersonFaces::kMost)) {
    const double cosine = dot(vector(face), query);
    if (cosine <= best) continue;
    nearest = face;
    best = cosine;
  }
  faces.resize(PersonFaces::kMost);
  faces.push_back(nearest);
  return faces;
}

const SearchIndex* LayeredFaces::index_of(std::int64_t face) const {
  // Ids rise from layer to layer.
  for (const auto& layer : layers_) {
    if (face <= layer->last()) return &layer->index();
  }
  return nullptr;
}

std::optional<std::int64_t> LayeredFaces::owner(std::int64_t face) const {
  for (const auto& layer : layers_) {
    if (const auto person = layer->owner(face)) return person;
  }
  return std::nullopt;
}

std::vector<float> LayeredFaces::vector(std::int64_t face) const {
  for (const auto& layer : layers_) {
    if (auto values = layer->index().vector(face); !values.empty()) return values;
  }
  return {};
}

std::vector<std::int64_t> LayeredFaces::faces_of(std::int64_t person, std::size_t most) const {
  std::vector<std::int64_t> faces;
  for (const auto& layer : layers_) {
    if (faces.size() >= most) break;
    layer->append_faces_of(person, most, faces);
  }
  faces.resize(std::min(faces.size(), most));
  return faces;
}

FaceVectors LayeredFaces::vectors_of(std::vector<std::int64_t> faces) const {
  FaceVectors found{std::move(faces), {}};
  for (const std::int64_t face : found.ids) {
    const auto values = vector(face);
    found.vectors.dimension = values.size();
    found.vectors.values.insert(found.vectors.values.end(), values.begin(), values.end());
  }
  return found;
}

}  // namespace likeness
