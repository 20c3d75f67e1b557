#include "likeness/gallery/gallery.h"

#include <algorithm>
#include <cctype>
#include <set>

#include "likeness/core/error.h"
#include "likeness/embed/embeddings.h"
#include "likeness/gallery/index_file.h"
#include "likeness/gallery/sketch_index.h"

namespace likeness {
namespace {

constexpr const char* kCalibrationNote = "calibration";
constexpr std::int64_t kMostForFloats = 50'000;
constexpr std::int64_t kMostForInt8 = 200'000;
/// Two photos more alike than this are one photo in two copies: cosines of re-encoded or resized copies are
/// .99 and above, those of different photos of one person below .97 (five-celebrity).
constexpr double kSamePhotoCosine = 0.985;
/// People whose faces are compared for mates; more would not make the slope better.
constexpr std::size_t kMostMatePeople = 2000;
constexpr std::size_t kLookAlikesListed = 10;
/// Nearest faces whose people are compared whole. Of LFW's people, 784 with one or two faces each, those of
/// the nearest eight always had the most alike person among them.
constexpr std::size_t kNearestFaces = 64;
/// People whose faces are kept; of 512 values each has up to 64 KB.
constexpr std::size_t kMostPeopleKept = 1024;

IndexKind kind_for(std::int64_t faces) {
  if (faces <= kMostForFloats) return IndexKind::kExactF32;
  return faces <= kMostForInt8 ? IndexKind::kExactInt8 : IndexKind::kSketch;
}

std::string comparable(std::string name) {
  for (char& c : name) c = c == '_' ? ' ' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return name;
}

/// The similarity of each face to the person that its other photos make. Copies of a photo count once.
std::vector<ScoredFace> mate_scores(const Gallery& gallery) {
  const GalleryStore& store = gallery.store();
  std::vector<Person> people = store.people();
  std::erase_if(people, [](const Person& person) { return person.faces < 2; });
  const std::size_t step = people.size() / kMostMatePeople + 1;
  std::vector<ScoredFace> mates;
  for (std::size_t p = 0; p < people.size(); p += step) {
    std::vector<std::vector<float>> kept;
    for (const StoredFace& face : store.faces(people[p].id)) {
      auto embedding = store.embedding(face.id);
      const auto copy = [&](const auto& other) { return dot(embedding, other) >= kSamePhotoCosine; };
      if (!embedding.empty() && std::ranges::none_of(kept, copy)) kept.push_back(std::move(embedding));
    }
    for (auto& embedding : kept) embedding = gallery.comparison().comparable(embedding);
    for (std::size_t left_out = 0; kept.size() > 1 && left_out < kept.size(); ++left_out) {
      std::vector<std::int64_t> ids;
      Embeddings others{store.space().dimension, {}};
      for (std::size_t i = 0; i < kept.size(); ++i) {
        if (i == left_out) continue;
        ids.push_back(static_cast<std::int64_t>(i));
        others.values.insert(others.values.end(), kept[i].begin(), kept[i].end());
      }
      mates.push_back({PersonFaces(ids, others).compare(kept[left_out]).similarity, people[p].name});
    }
  }
  return mates;
}

struct Scored {
  ScoredFace face;
  LookAlike look_alike;
};

CalibrationReport finish(const Gallery& gallery, std::vector<Scored> scored,
                         const CalibrationOptions& options) {
  std::vector<ScoredFace> impostors;
  for (const Scored& one : scored) impostors.push_back(one.face);
  CalibrationReport report;
  report.calibration = calibrate(mate_scores(gallery), impostors, options);
  report.calibration.gallery_people = gallery.store().people().size();
  report.calibration.gallery_faces = static_cast<std::size_t>(gallery.store().face_count());
  report.calibration.contract_id = gallery.store().space().id();
  report.calibration.precision = gallery.store().space().precision;
  std::ranges::stable_sort(scored, std::ranges::greater{},
                           [](const Scored& one) { return one.face.similarity; });
  for (std::size_t i = 0; i < std::min(scored.size(), kLookAlikesListed); ++i) {
    report.look_alikes.push_back(std::move(scored[i].look_alike));
  }
  return report;
}

}  // namespace

Gallery::Gallery(std::unique_ptr<GalleryStore> store, std::filesystem::path path,
                 const GalleryOptions& options, const Progress& progress)
    : store_(std::move(store)),
      path_(std::move(path)),
      comparison_(store_->space().contract, path_.string()) {
  index_options_ = {.kind = options.index.value_or(kind_for(store_->face_count())),
                    .dimension = store_->space().dimension,
                    .threads = options.threads};
  if (index_options_.kind == IndexKind::kSketch) {
    index_options_.search_candidates =
        sketch_candidates(static_cast<std::size_t>(store_->face_count()), index_options_.dimension);
  }
  if (index_options_.kind != IndexKind::kExactF32 && !store_->encrypted()) {
    try {
      index_ = load_index(index_path(path_), store_->identity(), index_options_);
    } catch (const Error&) {  // derived data: whatever is wrong with the file, it is built anew
    }
  }
  if (!index_) index_ = make_index(index_options_);
  bring_up_to_date(progress);
  if (const auto note = store_->note(kCalibrationNote)) {
    calibration_ = calibration_from_json(*note, path_.string());
  }
}

Gallery::~Gallery() = default;
Gallery::Gallery(Gallery&&) noexcept = default;
Gallery& Gallery::operator=(Gallery&&) noexcept = default;

void Gallery::refresh(const Progress& progress) {
  if (store_->version() == version_) return;
  bring_up_to_date(progress);
  const auto note = store_->note(kCalibrationNote);
  calibration_ = note ? calibration_from_json(*note, path_.string()) : std::nullopt;
}

/// Ids are never used twice and rise: what the index lacks are the ids above its last, what it has too much
/// was removed.
void Gallery::bring_up_to_date(const Progress& progress) {
  version_ = store_->version();
  owners_ = store_->owners();
  const std::vector<FaceOwner>& owners = owners_;
  const std::vector<std::int64_t> known = index_->faces();
  std::size_t removed = 0;
  auto owner = owners.begin();
  for (const std::int64_t face : known) {
    while (owner != owners.end() && owner->face < face) ++owner;
    if (owner != owners.end() && owner->face == face) continue;
    index_->remove(face);
    ++removed;
  }
  // Many removed faces make searches slow, and an older face that the index lacks cannot be added in order.
  std::int64_t last = known.empty() ? -1 : known.back();
  if (removed * 4 > known.size() ||
      (last >= 0 && index_->size() != static_cast<std::size_t>(std::ranges::count_if(
                                          owners, [&](const FaceOwner& one) { return one.face <= last; })))) {
    index_ = make_index(index_options_);
    last = -1;
  }
  std::size_t added = 0;
  store_->read_embeddings(last, [&](FaceOwner face, std::span<const float> embedding) {
    index_->add(face.face, comparison_.comparable(embedding));
    if (++added % 1000 == 0)
      report_progress(progress, std::min(index_->size(), owners.size()), owners.size());
  });
  if (index_->size() == known.size() - removed && last >= 0) return;
  if (index_options_.kind == IndexKind::kExactF32 || store_->encrypted()) return;
  try {
    save_index(*index_, index_path(path_), store_->identity());
  } catch (const Error&) {  // no place for it: the next one builds it again
  }
}

std::optional<Match> Gallery::match_of(const Neighbour& neighbour) const {
  // The store is asked, not the index: a face may have changed hands, or be gone, since the index was read.
  const auto face = store_->find_face(neighbour.face);
  const auto person = face ? store_->find_person(face->person) : std::nullopt;
  if (!person) return std::nullopt;
  return Match{face->id, person->id, person->name, face->photo, neighbour.cosine};
}

std::vector<Match> Gallery::nearest(std::span<const float> query, std::size_t count) const {
  std::vector<Match> matches;
  for (const Neighbour& neighbour : index_->nearest(comparison_.comparable(query), count)) {
    if (auto match = match_of(neighbour)) matches.push_back(*std::move(match));
  }
  return matches;
}

std::optional<std::int64_t> Gallery::owner_of(std::int64_t face, std::uint64_t version) const {
  if (version == version_) {
    const auto owner = std::ranges::lower_bound(owners_, face, {}, &FaceOwner::face);
    if (owner != owners_.end() && owner->face == face) return owner->person;
    return std::nullopt;
  }
  // Changed since the index was read: a face may have changed hands, or be gone.
  const auto stored = store_->find_face(face);
  return stored ? std::optional(stored->person) : std::nullopt;
}

const Gallery::KnownPerson& Gallery::faces_of(std::int64_t person, std::uint64_t version) const {
  if (people_version_ != version || people_.size() >= kMostPeopleKept) people_.clear();
  people_version_ = version;
  const auto known = people_.find(person);
  if (known != people_.end()) return known->second;
  std::vector<std::int64_t> ids;
  std::vector<std::int64_t> others;
  Embeddings faces{store_->space().dimension, {}};
  for (const StoredFace& face : store_->faces(person)) {
    if (ids.size() == PersonFaces::kMost) {
      others.push_back(face.id);
      continue;
    }
    const auto embedding = store_->embedding(face.id);
    if (embedding.size() != faces.dimension) continue;  // removed meanwhile
    const auto compared = comparison_.comparable(embedding);
    faces.values.insert(faces.values.end(), compared.begin(), compared.end());
    ids.push_back(face.id);
  }
  return people_.emplace(person, KnownPerson{PersonFaces(ids, faces), std::move(others)}).first->second;
}

void Gallery::offer(std::int64_t face, std::span<const float> compared, PersonFaces::Answer& answer) const {
  const auto embedding = store_->embedding(face);
  if (embedding.size() == compared.size())
    answer.offer(face, dot(comparison_.comparable(embedding), compared));
}

std::optional<PersonMatch> Gallery::match_of(const Candidate& candidate) const {
  const PersonFaces::Answer& answer = candidate.answer;
  auto match = match_of(Neighbour{answer.nearest, static_cast<float>(answer.nearest_cosine)});
  if (!match || match->person != candidate.person) return std::nullopt;  // removed meanwhile
  return PersonMatch{*std::move(match), answer.similarity};
}

std::optional<PersonMatch> Gallery::match_person(std::span<const float> query, const Person& person) const {
  const KnownPerson& known = faces_of(person.id, store_->version());
  if (known.faces.empty()) return std::nullopt;
  const auto compared = comparison_.comparable(query);
  Candidate candidate{person.id, known.faces.compare(compared)};
  for (const std::int64_t face : known.others) offer(face, compared, candidate.answer);
  return match_of(candidate);
}

std::vector<PersonMatch> Gallery::nearest_people(std::span<const float> query, std::size_t count,
                                                 std::optional<std::int64_t> left_out) const {
  const std::vector<float> compared = comparison_.comparable(query);
  const std::uint64_t version = store_->version();
  struct Near {
    std::int64_t person, face;
  };
  std::vector<Near> near;
  // Somebody may have many faces: ask for more until there are enough people.
  for (std::size_t asked = std::max(kNearestFaces, 8 * count);; asked *= 4) {
    near.clear();
    for (const Neighbour& neighbour : index_->nearest(compared, asked)) {
      const auto owner = owner_of(neighbour.face, version);
      if (owner && owner != left_out && std::ranges::find(near, *owner, &Near::person) == near.end())
        near.push_back({*owner, neighbour.face});
    }
    if (near.size() >= count || asked >= index_->size()) break;
  }
  std::vector<Candidate> candidates;
  for (const auto& [person, face] : near) {
    const KnownPerson& known = faces_of(person, version);
    if (known.faces.empty()) continue;
    candidates.push_back({person, known.faces.compare(compared)});
    if (std::ranges::binary_search(known.others, face)) offer(face, compared, candidates.back().answer);
  }
  std::ranges::stable_sort(candidates, std::ranges::greater{},
                           [](const Candidate& one) { return one.answer.similarity; });
  std::vector<PersonMatch> people;
  for (std::size_t i = 0; i < candidates.size() && people.size() < count; ++i) {
    if (auto match = match_of(candidates[i])) people.push_back(*std::move(match));
  }
  return people;
}

Identification Gallery::identify(std::span<const float> query, double fallback_threshold) const {
  const auto people = nearest_people(query, 2);
  Identification result;
  if (people.empty()) return result;
  result.nearest = people[0];
  if (people.size() > 1) result.runner_up = people[1];
  decide(result, fallback_threshold);
  return result;
}

void Gallery::decide(Identification& answer, double fallback_threshold) const {
  const double similarity = answer.nearest->similarity;
  const bool named = calibration_ ? calibration_->names(similarity) : similarity >= fallback_threshold;
  answer.probability = calibration_ ? std::optional(calibration_->probability(similarity)) : std::nullopt;
  answer.name = named ? std::optional(answer.nearest->name) : std::nullopt;
}

void Gallery::set_calibration(const Calibration& calibration) {
  store_->set_note(kCalibrationNote, to_json(calibration));
  calibration_ = calibration;
}

CalibrationReport calibrate_with(const Gallery& gallery, std::span<const Stranger> strangers,
                                 const CalibrationOptions& options, const Progress& progress) {
  std::set<std::string> enrolled;
  for (const Person& person : gallery.store().people()) enrolled.insert(comparable(person.name));
  std::vector<Scored> scored;
  std::size_t same_name = 0;
  std::size_t same_photo = 0;
  for (std::size_t i = 0; i < strangers.size(); ++i) {
    const Stranger& one = strangers[i];
    if (enrolled.contains(comparable(one.person))) {
      ++same_name;
    } else if (!one.photo_hash.empty() && !gallery.store().faces_of_photo(one.photo_hash).empty()) {
      ++same_photo;
    } else if (const auto people = gallery.nearest_people(one.embedding, 1); !people.empty()) {
      scored.push_back({{people[0].similarity, one.person}, {one.person, one.photo, people[0]}});
    }
    report_progress(progress, i + 1, strangers.size());
  }
  CalibrationReport report = finish(gallery, std::move(scored), options);
  report.same_name = same_name;
  report.same_photo = same_photo;
  return report;
}

CalibrationReport calibrate_by_leaving_out(const Gallery& gallery, const CalibrationOptions& options,
                                           const Progress& progress) {
  std::vector<Scored> scored;
  const auto people = gallery.store().people();
  for (std::size_t p = 0; p < people.size(); ++p) {
    for (const StoredFace& face : gallery.store().faces(people[p].id)) {
      const auto embedding = gallery.store().embedding(face.id);
      const auto others = gallery.nearest_people(embedding, 1, people[p].id);
      if (others.empty()) continue;
      scored.push_back({{others[0].similarity, people[p].name}, {people[p].name, face.photo, others[0]}});
    }
    report_progress(progress, p + 1, people.size());
  }
  CalibrationReport report = finish(gallery, std::move(scored), options);
  report.calibration.impostors = "the gallery itself, one person left out at a time";
  return report;
}

}  // namespace likeness
