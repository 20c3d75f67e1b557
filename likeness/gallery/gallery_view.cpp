#include "likeness/gallery/gallery_view.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <map>
#include <utility>

#include "likeness/core/error.h"
#include "likeness/gallery/known_names.h"
#include "likeness/gallery/layered_faces.h"
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
  using Source = std::function<std::vector<FaceEvidence>(std::span<const FaceOwner>)>;
  explicit Evidence(Source source) : source_(std::move(source)) {}
  void ask(std::span<const FaceOwner> faces) {
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

GalleryView::GalleryView(Parts parts)
    : parts_(std::move(parts)),
      source_(parts_.elsewhere ? parts_.elsewhere : std::make_shared<const LayeredFaces>(parts_.layers)) {}

std::size_t GalleryView::faces() const { return source_->faces(); }

std::size_t GalleryView::index_bytes() const { return source_->index_bytes(); }

bool GalleryView::stale() const { return parts_.names && parts_.names->stale; }

std::vector<FaceEvidence> GalleryView::evidence(std::span<const FaceOwner> faces) const {
  std::vector<std::int64_t> ids;
  for (const FaceOwner& one : faces) ids.push_back(one.face);
  if (!parts_.names) return parts_.store->evidence(ids);
  try {
    auto told = parts_.store->evidence(ids);
    parts_.names->stale = false;
    return told;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kUnavailable) throw;
  }
  parts_.names->stale = true;
  std::vector<FaceEvidence> known;
  for (const auto& [face, person] : faces) {
    auto name = parts_.names->name(person);
    if (name) known.push_back({face, person, *std::move(name), ""});
  }
  return known;
}

bool GalleryView::has_rejections() const { return parts_.rejected && !parts_.rejected->empty(); }

std::optional<double> GalleryView::rejected_cosine(std::span<const float> query, std::int64_t person) const {
  if (!has_rejections()) return std::nullopt;
  return parts_.rejected->cosine(person, parts_.comparison.comparable(query));
}

namespace {

/// A person by the first of these faces, or by another one where that is nearer.
PersonFaces::Answer compared_with(const FaceVectors& faces, std::span<const float> query) {
  constexpr std::size_t kFirst = PersonFaces::kMost;
  if (faces.ids.size() <= kFirst) return PersonFaces(faces.ids, faces.vectors).compare(query);
  const auto values = std::span(faces.vectors.values).first(kFirst * faces.vectors.dimension);
  PersonFaces::Answer answer = PersonFaces(std::span(faces.ids).first(kFirst),
                                           {faces.vectors.dimension, {values.begin(), values.end()}})
                                   .compare(query);
  for (std::size_t i = kFirst; i < faces.ids.size(); ++i)
    answer.offer(faces.ids[i], dot(faces.vectors[i], query));
  return answer;
}

}  // namespace

std::vector<GalleryView::Candidates> GalleryView::candidates(const Embeddings& compared, std::size_t count,
                                                             std::optional<std::int64_t> left_out) const {
  std::vector<std::vector<AskedPerson>> near(compared.size());
  std::vector<std::size_t> open(compared.size());  // queries without enough people yet
  for (std::size_t q = 0; q < open.size(); ++q) open[q] = q;
  // Somebody may have many faces: ask for more until there are enough people.
  for (std::size_t asked = std::max(kNearestFaces, 8 * count); !open.empty(); asked *= 4) {
    Embeddings queries{compared.dimension, {}};
    for (const std::size_t q : open)
      queries.values.insert(queries.values.end(), compared[q].begin(), compared[q].end());
    const NearFaces found = source_->near(queries, asked);
    for (std::size_t i = 0; i < open.size(); ++i) {
      std::vector<AskedPerson>& own = near[open[i]];
      own.clear();
      for (const OwnedNeighbour& one : found.queries[i]) {
        if (one.person != left_out && std::ranges::find(own, one.person, &AskedPerson::person) == own.end())
          own.push_back({one.person, one.face});
      }
    }
    if (asked >= found.faces) break;
    std::erase_if(open, [&](std::size_t q) { return near[q].size() >= count; });
  }
  std::vector<AskedPerson> all;
  std::vector<std::size_t> query_of;
  for (std::size_t q = 0; q < near.size(); ++q) {
    all.insert(all.end(), near[q].begin(), near[q].end());
    query_of.insert(query_of.end(), near[q].size(), q);
  }
  std::vector<Candidates> candidates(compared.size());
  source_->people(all, [&](std::size_t i, const FaceVectors& faces) {
    if (faces.ids.empty()) return;  // gone meanwhile
    const std::size_t q = query_of[i];
    candidates[q].push_back({all[i].person, compared_with(faces, compared[q])});
  });
  for (Candidates& own : candidates) {
    std::ranges::stable_sort(own, std::ranges::greater{},
                             [](const Candidate& one) { return one.answer.similarity; });
  }
  return candidates;
}

std::vector<std::vector<PersonMatch>> GalleryView::with_evidence(std::span<const Candidates> found,
                                                                 std::size_t count) const {
  Evidence told([this](std::span<const FaceOwner> faces) { return evidence(faces); });
  const auto ask = [&](std::size_t first, std::size_t end) {
    std::vector<FaceOwner> faces;
    for (const Candidates& own : found) {
      for (std::size_t i = first; i < std::min(end, own.size()); ++i)
        faces.push_back({own[i].answer.nearest, own[i].person});
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
  const auto found = source_->near(parts_.comparison.comparable(queries), count).queries;
  std::vector<FaceOwner> faces;
  for (const auto& own : found) {
    for (const OwnedNeighbour& neighbour : own) faces.push_back({neighbour.face, neighbour.person});
  }
  Evidence told([this](std::span<const FaceOwner> asked) { return evidence(asked); });
  told.ask(faces);
  std::vector<std::vector<Match>> matches(found.size());
  for (std::size_t q = 0; q < found.size(); ++q) {
    for (const OwnedNeighbour& neighbour : found[q]) {
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
  const auto compared = parts_.comparison.comparable(query);
  const FaceVectors faces = source_->person(person, compared);
  if (faces.ids.empty()) return std::nullopt;
  const Candidate candidate{person, compared_with(faces, compared)};
  auto people = with_evidence(std::vector<Candidates>{{candidate}}, 1);
  return people[0].empty() ? std::nullopt : std::optional(std::move(people[0][0]));
}

}  // namespace likeness
