#include "likeness/recognize/recognizer.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <stdexcept>
#include <utility>

#include "likeness/core/error.h"
#include "likeness/embed/comparison.h"
#include "likeness/gallery/store_checks.h"
#include "likeness/image/resample.h"
#include "likeness/recognize/face_picture.h"

namespace likeness {
namespace {

NewFace new_face(const GroupedFace& face, std::span<const float> embedding) {
  return {.photo = face.photo,
          .photo_hash = face.sha256,
          .photo_size = face.photo_size,
          .box = face.face.box,
          .landmarks = face.face.landmarks,
          .quality = face.quality,
          .embedding = embedding};
}

bool refused(std::span<const ReviewFinding> findings) {
  return std::ranges::any_of(findings, &ReviewFinding::refuse);
}

/// Against a photo where another face than the main one may be meant.
std::optional<ReviewFinding> several_faces(const PhotoFaces& photo) {
  constexpr float kCounts = 0.1F;
  const auto area = [](const Face& face) { return face.box.width() * face.box.height(); };
  const float main = area(photo.faces[photo.chosen[0]]);
  const auto count =
      std::ranges::count_if(photo.faces, [&](const Face& face) { return area(face) >= kCounts * main; });
  if (count < 2) return std::nullopt;
  return ReviewFinding{"several faces",
                       "several faces: " + std::to_string(count) + ", and none is said to be the one", true};
}

/// What happens to one photo that is to be enrolled.
EnrolledPhoto enrol_photo(const std::function<Gallery&()>& gallery, const std::string& person,
                          const PhotoFaces& photo, const EnrolOptions& options) {
  EnrolledPhoto result{.photo = photo.id, .person = person, .faces = photo.faces.size()};
  if (!photo.error.empty()) {
    result.status = EnrolStatus::kUnreadable;
    result.error = photo.error;
    return result;
  }
  try {
    (void)checked_name(person);
  } catch (const std::invalid_argument& error) {  // costs nobody else's photos
    result.status = EnrolStatus::kRefused;
    result.error = photo.id + ": cannot be enrolled as \"" + person + "\": " + error.what();
    return result;
  }
  if (photo.chosen.empty()) {
    result.status = EnrolStatus::kNoFace;
    return result;
  }
  const Face& detected = photo.faces[photo.chosen[0]];
  result.quality = measure_quality(detected, photo.chips[0]);
  result.findings = review_face(*result.quality, photo.faces.size(), options.review);
  if (options.one_face) {
    if (auto finding = several_faces(photo)) result.findings.push_back(*std::move(finding));
  }
  if (refused(result.findings)) {
    result.status = EnrolStatus::kRefused;
    return result;
  }
  std::vector<std::byte> crop;
  if (options.keep_crops) crop = picture_of(photo.chips[0]);
  const NewFace face{.photo = photo.id,
                     .photo_hash = photo.sha256,
                     .photo_size = {photo.width, photo.height},
                     .box = detected.box,
                     .landmarks = detected.landmarks,
                     .quality = *result.quality,
                     .embedding = photo.averaged[0],
                     .crop = crop};
  const AddedFace added = gallery().add_faces(person, std::span(&face, 1)).at(0);
  result.status = added.is_new ? EnrolStatus::kEnrolled : EnrolStatus::kKnown;
  result.face = added.id;
  result.person = added.person;
  return result;
}

void count(EnrolSummary& summary, EnrolStatus status) {
  ++summary.photos;
  switch (status) {
    case EnrolStatus::kEnrolled:
      ++summary.enrolled;
      return;
    case EnrolStatus::kKnown:
      ++summary.known;
      return;
    case EnrolStatus::kRefused:
      ++summary.refused;
      return;
    case EnrolStatus::kNoFace:
      ++summary.without_face;
      return;
    case EnrolStatus::kUnreadable:
      ++summary.unreadable;
      return;
  }
}

/// Names for people nobody knows: "person 0", "person 1", ... without those that are taken.
class FreeNames {
 public:
  explicit FreeNames(const GalleryStore& store) {
    for (const Person& person : store.people()) taken_.insert(person.name);
  }
  [[nodiscard]] std::string next() {
    std::string name;
    do {
      name = "person " + std::to_string(number_++);
    } while (taken_.contains(name));
    return name;
  }

 private:
  std::set<std::string> taken_;
  std::size_t number_ = 0;
};

GroupedFace grouped_face(const PhotoFaces& photo, std::size_t i, int thumbnail_px) {
  const Face& face = photo.faces[photo.chosen[i]];
  GroupedFace grouped{.photo = photo.id,
                      .sha256 = photo.sha256,
                      .photo_size = {photo.width, photo.height},
                      .face = face,
                      .quality = measure_quality(face, photo.chips[i])};
  if (thumbnail_px > 0)
    grouped.thumbnail = resample(photo.chips[i].view(), thumbnail_px, thumbnail_px, Filter::kBilinear);
  return grouped;
}

/// The enrolled person whom the rule names in more than half of a group's faces.
std::optional<std::string> person_of_group(const GalleryView& view, const NamingRule& rule,
                                           const Embeddings& embeddings,
                                           std::span<const std::size_t> members) {
  Embeddings queries{embeddings.dimension, {}};
  for (const std::size_t i : members)
    queries.values.insert(queries.values.end(), embeddings[i].begin(), embeddings[i].end());
  std::map<std::string, std::size_t> votes;
  for (const Identification& face : identify(view, rule, queries)) {
    if (face.name) ++votes[*face.name];
  }
  for (const auto& [name, count] : votes) {
    if (2 * count > members.size()) return name;
  }
  return std::nullopt;
}

std::vector<SearchedFace> search_faces(const GalleryView& view, const NamingRule& rule,
                                       const PhotoFaces& photo) {
  std::vector<SearchedFace> faces;
  if (photo.chosen.empty()) return faces;
  const auto found = identify(view, rule, photo.averaged);
  for (std::size_t i = 0; i < photo.chosen.size(); ++i)
    faces.push_back({found[i], photo.faces[photo.chosen[i]]});
  return faces;
}

}  // namespace

std::string_view to_string(EnrolStatus status) {
  switch (status) {
    case EnrolStatus::kEnrolled:
      return "enrolled";
    case EnrolStatus::kKnown:
      return "known";
    case EnrolStatus::kRefused:
      return "refused";
    case EnrolStatus::kNoFace:
      return "no face";
    case EnrolStatus::kUnreadable:
      return "unreadable";
  }
  return "";
}

std::vector<std::vector<std::size_t>> Groups::members() const {
  std::vector<std::vector<std::size_t>> members;
  for (std::size_t i = 0; i < faces.size(); ++i) {
    if (faces[i].cluster == kNoise) continue;
    const auto cluster = static_cast<std::size_t>(faces[i].cluster);
    if (members.size() <= cluster) members.resize(cluster + 1);
    members[cluster].push_back(i);
  }
  return members;
}

// Each kind of work has a stream of its own; all share the networks and threads.
struct Recognizer::Parts {
  explicit Parts(Setup given)
      : setup(std::move(given)),
        pack(setup.embedder()),
        space(setup.space(pack)),
        comparison(pack.contract),
        all(setup.detector_for(pack), pack, setup.stream_options()),
        main(all.sharing({.faces = FacesWanted::kMain, .hash = true})),
        hashed(all.sharing({.hash = true})),
        pictures(all.sharing({.keep_pixels = true})) {}

  void require(const GalleryStore& store) const {
    require_same_space(store.space(), store.name(), space, "the model " + setup.model);
  }

  EnrolSummary enrol(const std::function<Gallery&()>& gallery, PhotoSource photos,
                     const std::function<std::string(std::size_t)>& person_of, const EnrolOptions& options) {
    Gallery* open = nullptr;
    const auto opened = [&]() -> Gallery& {
      if (!open) {
        open = &gallery();
        require(open->store());
      }
      return *open;
    };
    EnrolSummary summary;
    main.run(
        std::move(photos),
        [&](PhotoFaces&& photo) {
          const EnrolledPhoto result = enrol_photo(opened, person_of(photo.index), photo, options);
          count(summary, result.status);
          if (options.each) options.each(result);
        },
        nullptr, options.progress);
    return summary;
  }

  Setup setup;
  ModelPack pack;
  EmbeddingSpace space;
  Comparison comparison;
  PhotoStream all;       ///< All faces.
  PhotoStream main;      ///< Main faces, photos hashed.
  PhotoStream hashed;    ///< All faces, photos hashed.
  PhotoStream pictures;  ///< All faces, pixels kept.
};

Recognizer::Recognizer(Setup setup) : parts_(std::make_unique<Parts>(std::move(setup))) {}
Recognizer::~Recognizer() = default;
Recognizer::Recognizer(Recognizer&&) noexcept = default;
Recognizer& Recognizer::operator=(Recognizer&&) noexcept = default;

const Setup& Recognizer::setup() const { return parts_->setup; }
const Contract& Recognizer::contract() const { return parts_->pack.contract; }
const EmbeddingSpace& Recognizer::space() const { return parts_->space; }
PhotoStream Recognizer::stream(const StreamWork& work) const { return parts_->all.sharing(work); }
void Recognizer::load() const { parts_->all.load(); }

std::vector<FoundFace> Recognizer::find(const Photo& photo) const {
  const PhotoFaces found = parts_->all.one(photo);
  std::vector<FoundFace> faces;
  for (std::size_t i = 0; i < found.chosen.size(); ++i) {
    const Face& face = found.faces[found.chosen[i]];
    const auto embedding = found.averaged[i];
    faces.push_back({face, measure_quality(face, found.chips[i]), {embedding.begin(), embedding.end()}});
  }
  return faces;
}

// ---- verify ----

namespace {

/// The mean direction of a side's main faces, as they are compared; empty where there is none.
std::vector<float> mean_face(PhotoStream& stream, const Comparison& comparison, PhotoSource photos,
                             VerifiedSide& side) {
  Embeddings mean;
  stream.run(std::move(photos), [&](PhotoFaces&& photo) {
    ++side.photos;
    if (!photo.error.empty()) {
      side.errors.push_back(std::move(photo.error));
      return;
    }
    if (photo.chosen.empty()) return;
    ++side.faces;
    const std::vector<float> row = comparison.comparable(photo.averaged[0]);
    mean.dimension = row.size();
    mean.values.resize(row.size());
    for (std::size_t j = 0; j < row.size(); ++j) mean.values[j] += row[j];
  });
  l2_normalize(mean);
  return std::move(mean.values);
}

}  // namespace

VerificationRule Recognizer::verification_rule(const VerifyOptions& options) const {
  if (options.threshold) return {.threshold = *options.threshold};
  const auto known = known_threshold(contract(), parts_->setup.precision, options.false_match_rate);
  if (!known) {
    throw std::invalid_argument("the model " + contract().id() + " has no measured threshold for " +
                                std::string(to_string(parts_->setup.precision)));
  }
  return {known->cosine, known->false_match_rate, known->origin};
}

VerificationResult Recognizer::verify(PhotoSource a, PhotoSource b, const VerifyOptions& options) const {
  VerificationResult result;
  result.rule = verification_rule(options);
  const auto first = mean_face(parts_->main, parts_->comparison, std::move(a), result.a);
  const auto second = mean_face(parts_->main, parts_->comparison, std::move(b), result.b);
  if (!first.empty() && !second.empty()) result.similarity = dot(first, second);
  return result;
}

// ---- enrol ----

EnrolSummary Recognizer::enrol(Gallery& gallery, const std::string& person, PhotoSource photos,
                               const EnrolOptions& options) const {
  parts_->require(gallery.store());
  (void)checked_name(person);
  return parts_->enrol([&]() -> Gallery& { return gallery; }, std::move(photos),
                       [&](std::size_t) { return person; }, options);
}

EnrolSummary Recognizer::enrol(const std::function<Gallery&()>& gallery, PhotoSource photos,
                               const std::function<std::string(std::size_t)>& person_of,
                               const EnrolOptions& options) const {
  return parts_->enrol(gallery, std::move(photos), person_of, options);
}

// ---- search ----

std::vector<SearchedFace> Recognizer::search(const GalleryView& view, const Photo& photo) const {
  return search(view, photo, naming_rule(view, contract(), parts_->setup.precision));
}

std::vector<SearchedFace> Recognizer::search(const GalleryView& view, const Photo& photo,
                                             const NamingRule& rule) const {
  parts_->require(view.store());
  return search_faces(view, rule, parts_->all.one(photo));
}

void Recognizer::search(const GalleryView& view, PhotoSource photos, const NamingRule& rule,
                        const std::function<void(const PhotoFaces&, std::span<const SearchedFace>)>& sink,
                        const Progress& progress) const {
  parts_->require(view.store());
  parts_->all.run(
      std::move(photos), [&](PhotoFaces&& photo) { sink(photo, search_faces(view, rule, photo)); }, nullptr,
      progress);
}

void Recognizer::require_classifier(const Classifier& people, const std::string& what) const {
  // A classifier learns from one pass, whatever the gallery's faces are averaged over.
  EmbeddingSpace one_pass = parts_->space;
  one_pass.quality = Quality::kSinglePass;
  require_same_space(people.space(), what, one_pass, "the model " + parts_->setup.model);
}

void Recognizer::name(const Classifier& people, const Gate* gate, PhotoSource photos, const NameSink& sink,
                      const NameOptions& options) const {
  require_classifier(people, "the classifier");
  if (gate) parts_->require(gate->view->store());
  PhotoStream& stream = options.keep_pixels ? parts_->pictures : parts_->all;
  stream.run(
      std::move(photos),
      [&](PhotoFaces&& photo) {
        std::vector<TrainedIdentification> faces;
        for (std::size_t i = 0; i < photo.chosen.size(); ++i) {
          const AskedFace face(photo.embeddings[i], photo.averaged[i]);
          faces.push_back(gate ? identify_trained(*gate->view, people, face, gate->rule)
                               : TrainedIdentification{.prediction = people.predict(face.for_classifier)});
        }
        sink(photo, faces);
      },
      nullptr, options.progress);
}

// ---- group ----

namespace {

/// Brings faces that were clustered before to the front, as cluster_faces() wants them.
std::vector<int> put_known_first(Groups& found, std::vector<std::size_t>& photo_of,
                                 const GroupOptions& options) {
  std::vector<std::optional<int>> before(found.faces.size());
  if (options.before) {
    for (std::size_t i = 0; i < before.size(); ++i)
      before[i] = options.before(found.faces[i].sha256, found.faces[i].face.box);
  }
  std::vector<std::size_t> order(before.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_partition(order.begin(), order.end(), [&](std::size_t i) { return before[i].has_value(); });
  std::vector<int> previous;
  std::vector<GroupedFace> faces;
  std::vector<std::size_t> photos;
  Embeddings embeddings{found.embeddings.dimension, {}};
  for (const std::size_t i : order) {
    if (before[i]) previous.push_back(*before[i]);
    faces.push_back(std::move(found.faces[i]));
    photos.push_back(photo_of[i]);
    const auto row = found.embeddings[i];
    embeddings.values.insert(embeddings.values.end(), row.begin(), row.end());
  }
  found.faces = std::move(faces);
  found.embeddings = std::move(embeddings);
  photo_of = std::move(photos);
  return previous;
}

}  // namespace

Groups Recognizer::group(PhotoSource photos, const GroupOptions& options) const {
  Groups found;
  found.embeddings.dimension = parts_->space.dimension;
  std::vector<std::size_t> photo_of;
  parts_->hashed.run(
      std::move(photos),
      [&](PhotoFaces&& photo) {
        ++found.photos;
        if (!photo.error.empty()) ++found.unreadable;
        if (options.each) options.each(photo);
        for (std::size_t i = 0; i < photo.chosen.size(); ++i) {
          GroupedFace face = grouped_face(photo, i, options.thumbnail_px);
          if (refused(review_face(face.quality, 1, options.review))) {
            found.aside.push_back(std::move(face));
            continue;
          }
          found.faces.push_back(std::move(face));
          const auto row = photo.averaged[i];
          found.embeddings.values.insert(found.embeddings.values.end(), row.begin(), row.end());
          photo_of.push_back(photo.index);
        }
      },
      nullptr, options.progress);
  const std::vector<int> previous = put_known_first(found, photo_of, options);
  ClusterOptions cluster = options.cluster;
  cluster.threads = parts_->setup.threads;
  cluster.link = [this](std::size_t count) {
    return link_threshold(count, contract(), parts_->setup.precision);
  };
  found.threshold = cluster.threshold.value_or(cluster.link(found.faces.size()));
  const std::vector<std::int64_t> photo_numbers(photo_of.begin(), photo_of.end());
  const std::vector<int> clusters = cluster_faces(parts_->comparison.comparable(found.embeddings),
                                                  photo_numbers, cluster, previous, options.progress);
  for (std::size_t i = 0; i < clusters.size(); ++i) found.faces[i].cluster = clusters[i];
  return found;
}

std::vector<EnrolledGroup> Recognizer::enrol(Gallery& gallery, const Groups& groups) const {
  parts_->require(gallery.store());
  const auto view = gallery.view();
  const NamingRule rule = naming_rule(*view, contract(), parts_->setup.precision);
  FreeNames free(gallery.store());
  std::vector<EnrolledGroup> enrolled;
  const auto members = groups.members();
  for (std::size_t cluster = 0; cluster < members.size(); ++cluster) {
    if (members[cluster].empty()) continue;
    EnrolledGroup group{.cluster = static_cast<int>(cluster)};
    const auto known = person_of_group(*view, rule, groups.embeddings, members[cluster]);
    group.known = known.has_value();
    group.person = known ? *known : free.next();
    std::vector<NewFace> faces;
    for (const std::size_t i : members[cluster])
      faces.push_back(new_face(groups.faces[i], groups.embeddings[i]));
    for (const AddedFace& added : gallery.add_faces(group.person, faces)) group.added += added.is_new ? 1 : 0;
    enrolled.push_back(std::move(group));
  }
  return enrolled;
}

}  // namespace likeness
