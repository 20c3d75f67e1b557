#include <algorithm>
#include <cctype>
#include <set>

#include "likeness/core/error.h"
#include "likeness/core/person_name.h"
#include "likeness/embed/embeddings.h"
#include "likeness/gallery/gallery.h"
#include "likeness/gallery/naming.h"
#include "likeness/gallery/person_faces.h"

namespace likeness {
namespace {

/// People whose faces are compared for mates; more would not make the slope better.
constexpr std::size_t kMostMatePeople = 2000;
constexpr std::size_t kLookAlikesListed = 10;
/// Strangers who are searched for together.
constexpr std::size_t kAtOnce = 256;

std::string comparable(const std::string& given) {
  std::string name = tidy_name(given);
  for (char& c : name) c = c == '_' ? ' ' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return name;
}

std::vector<std::int64_t> ids_of(std::span<const StoredFace> faces) {
  std::vector<std::int64_t> ids;
  for (const StoredFace& face : faces) ids.push_back(face.id);
  return ids;
}

/// The similarity of each face to the person that its other photos make. Copies of a photo count once.
std::vector<ScoredFace> mate_scores(const GalleryView& gallery) {
  const GalleryStore& store = gallery.store();
  std::vector<Person> people = store.people();
  std::erase_if(people, [](const Person& person) { return person.faces < 2; });
  const std::size_t step = people.size() / kMostMatePeople + 1;
  std::vector<ScoredFace> mates;
  for (std::size_t p = 0; p < people.size(); p += step) {
    const FaceEmbeddings all = store.embeddings(ids_of(store.faces(people[p].id)));
    Embeddings kept{store.space().dimension, {}};
    for (std::size_t i = 0; i < all.faces.size(); ++i) {
      const auto face = all.embeddings[i];
      std::vector<double> cosines(kept.size());
      dots(kept, face, cosines);
      const auto copy = [](double cosine) { return cosine >= PersonFaces::kSamePhoto; };
      if (std::ranges::none_of(cosines, copy))
        kept.values.insert(kept.values.end(), face.begin(), face.end());
    }
    kept = gallery.comparison().comparable(std::move(kept));
    for (std::size_t left_out = 0; kept.size() > 1 && left_out < kept.size(); ++left_out) {
      std::vector<std::int64_t> ids;
      Embeddings others{kept.dimension, {}};
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

CalibrationOptions with_slope_of(const GalleryView& gallery, CalibrationOptions options) {
  try {
    options.usual_slope = naming_slope_of(contract_from_json(gallery.space().contract, "the gallery"));
  } catch (const Error&) {  // another program's contract, or none: it says nothing of slopes
  }
  return options;
}

CalibrationReport finish(const GalleryView& gallery, std::vector<Scored> scored,
                         const CalibrationOptions& options) {
  std::vector<ScoredFace> impostors;
  for (const Scored& one : scored) impostors.push_back(one.face);
  CalibrationReport report;
  report.calibration = calibrate(mate_scores(gallery), impostors, with_slope_of(gallery, options));
  report.calibration.gallery_people = gallery.people();
  report.calibration.gallery_faces = gallery.faces();
  report.calibration.contract_id = gallery.space().id();
  report.calibration.precision = gallery.space().precision;
  std::ranges::stable_sort(scored, std::ranges::greater{},
                           [](const Scored& one) { return one.face.similarity; });
  for (std::size_t i = 0; i < std::min(scored.size(), kLookAlikesListed); ++i) {
    report.look_alikes.push_back(std::move(scored[i].look_alike));
  }
  return report;
}

}  // namespace

CalibrationReport calibrate_with(const GalleryView& gallery, std::span<const Stranger> strangers,
                                 const CalibrationOptions& options, const Progress& progress) {
  std::set<std::string> enrolled;
  for (const Person& person : gallery.store().people()) enrolled.insert(comparable(person.name));
  std::vector<const Stranger*> asked;
  std::size_t same_name = 0;
  std::size_t same_photo = 0;
  for (const Stranger& one : strangers) {
    if (enrolled.contains(comparable(one.person))) {
      ++same_name;
    } else if (!one.photo_hash.empty() && !gallery.store().faces_of_photo(one.photo_hash).empty()) {
      ++same_photo;
    } else {
      asked.push_back(&one);
    }
  }
  std::vector<Scored> scored;
  for (std::size_t first = 0; first < asked.size(); first += kAtOnce) {
    const auto some = std::span(asked).subspan(first, std::min(kAtOnce, asked.size() - first));
    Embeddings queries{gallery.space().dimension, {}};
    for (const Stranger* one : some)
      queries.values.insert(queries.values.end(), one->embedding.begin(), one->embedding.end());
    const auto people = gallery.search(queries, 1);
    for (std::size_t i = 0; i < people.size(); ++i) {
      if (people[i].empty()) continue;
      scored.push_back(
          {{people[i][0].similarity, some[i]->person}, {some[i]->person, some[i]->photo, people[i][0]}});
    }
    report_progress(progress, first + some.size(), asked.size());
  }
  CalibrationReport report = finish(gallery, std::move(scored), options);
  report.same_name = same_name;
  report.same_photo = same_photo;
  return report;
}

CalibrationReport calibrate_by_leaving_out(const GalleryView& gallery, const CalibrationOptions& options,
                                           const Progress& progress) {
  std::vector<Scored> scored;
  const auto people = gallery.store().people();
  for (std::size_t p = 0; p < people.size(); ++p) {
    const std::vector<StoredFace> faces = gallery.store().faces(people[p].id);
    const FaceEmbeddings asked = gallery.store().embeddings(ids_of(faces));
    const auto others = gallery.search(asked.embeddings, 1, people[p].id);
    for (std::size_t i = 0; i < others.size(); ++i) {
      if (others[i].empty()) continue;
      const auto face = std::ranges::lower_bound(faces, asked.faces[i].face, {}, &StoredFace::id);
      scored.push_back(
          {{others[i][0].similarity, people[p].name}, {people[p].name, face->photo, others[i][0]}});
    }
    report_progress(progress, p + 1, people.size());
  }
  CalibrationReport report = finish(gallery, std::move(scored), options);
  report.calibration.impostors = "the gallery itself, one person left out at a time";
  return report;
}

}  // namespace likeness
