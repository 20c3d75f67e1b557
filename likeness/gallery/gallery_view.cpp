#include "likeness/gallery/gallery_view.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <map>

#include "likeness/core/error.h"
#include "likeness/gallery/face_table.h"
#include "likeness/gallery/known_names.h"
#include "likeness/gallery/layer.h"
#include "likeness/gallery/person_faces.h"
#include "likeness/gallery/rejections.h"

namespace likeness {
namespace {

/// Nearest faces whose people are compared whole. Of LFW's people, 784 with one or two faces each, those of
/// the nearest eight always had the most alike person among them.
constexpr std::size_t kNearestFaces = 64;

Embeddings one(std::span<const float> query) { return {query.size(), {query.begin(), query.end()}}; }

/// Evidence by face, from few requests.
class Evidence {
 public:
  using Source = std::function<std::vector<FaceEvidence>(std::span<const std::int64_t>)>;
  explicit Evidence(Source source) : source_(std::move(source)) {}
  void ask(std::span<const std::int64_t> faces) {
    if (faces.empty()) return;
    for (FaceEvidence& told : source_(faces)) known_[told.face] = std::move(told);
  }
  [[nodiscard]] std::optional<Match> match(std::int64_t face, double cosine) const {
    const auto found = known_.find(face);
    if (found == known_.end()) return std::nullopt;
    return Match{face, found->second.person, found->second.name, found->second.photo, cosine};
  }

 private:
  Source source_;
  std::map<std::int64_t, FaceEvidence> known_;
};

}  // namespace

/// A person by the number and the answer of his or her faces; names and photos come last.
struct GalleryView::Candidate {
  std::int64_t person = 0;
  PersonFaces::Answer answer;
};

std::size_t GalleryView::faces() const {
  std::size_t faces = 0;
  for (const auto& layer : parts_.layers) faces += layer->size();
  return faces;
}

std::size_t GalleryView::index_bytes() const {
  std::size_t bytes = 0;
  for (const auto& layer : parts_.layers) bytes += layer->index().bytes();
  return bytes;
}

bool GalleryView::stale() const { return parts_.names && parts_.names->stale; }

std::vector<FaceEvidence> GalleryView::evidence(std::span<const std::int64_t> faces) const {
  if (!parts_.names) return parts_.store->evidence(faces);
  try {
    auto told = parts_.store->evidence(faces);
    parts_.names->stale = false;
    return told;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kUnavailable) throw;
  }
  parts_.names->stale = true;
  std::vector<FaceEvidence> known;
  for (const std::int64_t face : faces) {
    const auto person = owner(face);
    auto name = person ? parts_.names->name(*person) : std::nullopt;
    if (name) known.push_back({face, *person, *std::move(name), ""});
  }
  return known;
}

bool GalleryView::has_rejections() const { return parts_.rejected && !parts_.rejected->empty(); }

std::optional<double> GalleryView::rejected_cosine(std::span<const float> query, std::int64_t person) const {
  if (!has_rejections()) return std::nullopt;
  return parts_.rejected->cosine(person, parts_.comparison.comparable(query));
}

std::vector<std::vector<Neighbour>> GalleryView::neighbours(const Embeddings& compared,
                                                            std::size_t count) const {
  std::vector<BestNeighbours> best(compared.size(), BestNeighbours(count));
  for (const auto& layer : parts_.layers) {
    const auto found = layer->index().search(compared, count, layer->removed());
    for (std::size_t q = 0; q < found.size(); ++q) {
      for (const Neighbour& neighbour : found[q]) best[q].offer(neighbour);
    }
  }
  std::vector<std::vector<Neighbour>> answers;
  for (BestNeighbours& own : best) answers.push_back(own.take());
  return answers;
}

std::optional<std::int64_t> GalleryView::owner(std::int64_t face) const {
  for (const auto& layer : parts_.layers) {
    if (const auto person = layer->owner(face)) return person;
  }
  return std::nullopt;
}

std::vector<float> GalleryView::vector(std::int64_t face) const {
  for (const auto& layer : parts_.layers) {
    if (auto values = layer->index().vector(face); !values.empty()) return values;
  }
  return {};
}

std::vector<std::int64_t> GalleryView::faces_of(std::int64_t person, std::size_t most) const {
  std::vector<std::int64_t> faces;
  for (const auto& layer : parts_.layers) {
    if (faces.size() >= most) break;
    layer->append_faces_of(person, most, faces);
  }
  faces.resize(std::min(faces.size(), most));
  return faces;
}

PersonFaces GalleryView::person_faces(std::span<const std::int64_t> faces) const {
  Embeddings vectors{space().dimension, {}};
  for (const std::int64_t face : faces) {
    const auto values = vector(face);
    vectors.values.insert(vectors.values.end(), values.begin(), values.end());
  }
  return {faces, vectors};
}

std::vector<GalleryView::Candidates> GalleryView::candidates(const Embeddings& compared, std::size_t count,
                                                             std::optional<std::int64_t> left_out) const {
  struct Near {
    std::int64_t person, face;
  };
  std::vector<std::vector<Near>> near(compared.size());
  std::vector<std::size_t> open(compared.size());  // queries without enough people yet
  for (std::size_t q = 0; q < open.size(); ++q) open[q] = q;
  // Somebody may have many faces: ask for more until there are enough people.
  for (std::size_t asked = std::max(kNearestFaces, 8 * count); !open.empty(); asked *= 4) {
    Embeddings queries{compared.dimension, {}};
    for (const std::size_t q : open)
      queries.values.insert(queries.values.end(), compared[q].begin(), compared[q].end());
    const auto found = neighbours(queries, asked);
    for (std::size_t i = 0; i < found.size(); ++i) {
      std::vector<Near>& own = near[open[i]];
      own.clear();
      for (const Neighbour& neighbour : found[i]) {
        const auto person = owner(neighbour.face);
        if (person && person != left_out && std::ranges::find(own, *person, &Near::person) == own.end())
          own.push_back({*person, neighbour.face});
      }
    }
    if (asked >= faces()) break;
    std::erase_if(open, [&](std::size_t q) { return near[q].size() >= count; });
  }
  std::vector<Candidates> candidates(compared.size());
  for (std::size_t q = 0; q < near.size(); ++q) {
    for (const auto& [person, face] : near[q]) {
      const auto first = faces_of(person, PersonFaces::kMost);
      Candidate& candidate =
          candidates[q].emplace_back(Candidate{person, person_faces(first).compare(compared[q])});
      // Of a person with more faces than make the middle the nearest may be another one.
      if (!std::ranges::binary_search(first, face))
        candidate.answer.offer(face, dot(vector(face), compared[q]));
    }
    std::ranges::stable_sort(candidates[q], std::ranges::greater{},
                             [](const Candidate& one) { return one.answer.similarity; });
  }
  return candidates;
}

std::vector<std::vector<PersonMatch>> GalleryView::with_evidence(std::span<const Candidates> found,
                                                                 std::size_t count) const {
  Evidence told([this](std::span<const std::int64_t> faces) { return evidence(faces); });
  const auto ask = [&](std::size_t first, std::size_t end) {
    std::vector<std::int64_t> faces;
    for (const Candidates& own : found) {
      for (std::size_t i = first; i < std::min(end, own.size()); ++i) faces.push_back(own[i].answer.nearest);
    }
    told.ask(faces);
  };
  std::vector<std::vector<PersonMatch>> people(found.size());
  // True where nobody is missing. Of each query's candidates the first `asked` were asked about.
  const auto tell = [&](std::size_t asked) {
    bool enough = true;
    for (std::size_t q = 0; q < found.size(); ++q) {
      people[q].clear();
      for (std::size_t i = 0; i < std::min(asked, found[q].size()) && people[q].size() < count; ++i) {
        const Candidate& candidate = found[q][i];
        // A float, as the index gives cosines: both answers tell the same number.
        auto match =
            told.match(candidate.answer.nearest, static_cast<float>(candidate.answer.nearest_cosine));
        if (match && match->person == candidate.person)  // else removed or given away meanwhile
          people[q].push_back({*std::move(match), candidate.answer.similarity});
      }
      enough = enough && people[q].size() == std::min(count, found[q].size());
    }
    return enough;
  };
  ask(0, count);
  // Where the store has changed since, those who come next take the empty places.
  constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();
  if (!tell(count)) {
    ask(count, kAll);
    static_cast<void>(tell(kAll));
  }
  return people;
}

std::vector<std::vector<Match>> GalleryView::nearest(const Embeddings& queries, std::size_t count) const {
  const auto found = neighbours(parts_.comparison.comparable(queries), count);
  std::vector<std::int64_t> faces;
  for (const auto& own : found) {
    for (const Neighbour& neighbour : own) faces.push_back(neighbour.face);
  }
  Evidence told([this](std::span<const std::int64_t> asked) { return evidence(asked); });
  told.ask(faces);
  std::vector<std::vector<Match>> matches(found.size());
  for (std::size_t q = 0; q < found.size(); ++q) {
    for (const Neighbour& neighbour : found[q]) {
      if (auto match = told.match(neighbour.face, neighbour.cosine)) matches[q].push_back(*std::move(match));
    }
  }
  return matches;
}

std::vector<std::vector<PersonMatch>> GalleryView::search(const Embeddings& queries, std::size_t count,
                                                          std::optional<std::int64_t> left_out) const {
  return with_evidence(candidates(parts_.comparison.comparable(queries), count, left_out), count);
}

std::vector<Match> GalleryView::nearest(std::span<const float> query, std::size_t count) const {
  return nearest(one(query), count).at(0);
}

std::vector<PersonMatch> GalleryView::search(std::span<const float> query, std::size_t count,
                                             std::optional<std::int64_t> left_out) const {
  return search(one(query), count, left_out).at(0);
}

std::optional<PersonMatch> GalleryView::match_person(std::span<const float> query,
                                                     std::int64_t person) const {
  const auto faces = faces_of(person, std::numeric_limits<std::size_t>::max());
  if (faces.empty()) return std::nullopt;
  const auto compared = parts_.comparison.comparable(query);
  const auto first = std::span(faces).first(std::min(faces.size(), PersonFaces::kMost));
  Candidate candidate{person, person_faces(first).compare(compared)};
  for (const std::int64_t face : std::span(faces).subspan(first.size()))
    candidate.answer.offer(face, dot(vector(face), compared));
  auto people = with_evidence(std::vector<Candidates>{{candidate}}, 1);
  return people[0].empty() ? std::nullopt : std::optional(std::move(people[0][0]));
}

}  // namespace likeness
