#include "likeness/recognize/migrate_gallery.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

namespace likeness {
namespace {

namespace fs = std::filesystem;

/// Share of two boxes' common area that a face found again must have; detectors agree on more.
constexpr double kSameFace = 0.5;

double overlap(const Box& a, const Box& b) {
  const auto side = [](double low, double high) { return std::max(0.0, high - low); };
  const double common = side(std::max(a.left, b.left), std::min(a.right, b.right)) *
                        side(std::max(a.top, b.top), std::min(a.bottom, b.bottom));
  const double both =
      side(a.left, a.right) * side(a.top, a.bottom) + side(b.left, b.right) * side(b.top, b.bottom) - common;
  return both > 0 ? common / both : 0;
}

/// Which of a photo's chosen faces the old one is.
std::optional<std::size_t> found_again(const PhotoFaces& photo, const Box& box) {
  std::optional<std::size_t> best;
  double most = kSameFace;
  for (std::size_t i = 0; i < photo.chosen.size(); ++i) {
    const double share = overlap(photo.faces[photo.chosen[i]].box, box);
    if (share < most) continue;
    most = share;
    best = i;
  }
  return best;
}

class Migration {
 public:
  Migration(const std::function<Gallery&()>& into, const Recognizer& recognizer,
            const std::function<void(const MigratedFace&)>& each)
      : into_(into), recognizer_(recognizer), each_(each) {}

  [[nodiscard]] const MigrationSummary& summary() const { return summary_; }

  void tell(MigratedFace face, MigrationStatus status, const std::string& error = "") {
    face.status = status;
    face.error = error;
    ++summary_.faces;
    if (status == MigrationStatus::kMigrated || status == MigrationStatus::kKnown) ++summary_.migrated;
    if (each_) each_(face);
  }

  void take(const PhotoFaces& photo, const StoredFace& old, const MigratedFace& told) {
    if (!photo.error.empty()) return tell(told, MigrationStatus::kUnreadable, photo.error);
    if (!old.photo_hash.empty() && old.photo_hash != photo.sha256)
      return tell(told, MigrationStatus::kOtherPhoto);
    const auto at = found_again(photo, old.box);
    if (!at) return tell(told, MigrationStatus::kFaceNotFound);
    const Face& face = photo.faces[photo.chosen[*at]];
    NewFace fresh{.photo = old.photo,
                  .photo_hash = photo.sha256,
                  .photo_size = {photo.width, photo.height},
                  .box = face.box,
                  .landmarks = face.landmarks,
                  .quality = old.quality,
                  .embedding = photo.averaged[*at]};
    Gallery& gallery = into_();
    require_same_space(gallery.store().space(), gallery.store().name(), recognizer_.space(),
                       "the model " + recognizer_.setup().model);
    const bool is_new = gallery.add_faces(told.person, {&fresh, 1}).front().is_new;
    tell(told, is_new ? MigrationStatus::kMigrated : MigrationStatus::kKnown);
  }

 private:
  const std::function<Gallery&()>& into_;
  const Recognizer& recognizer_;
  const std::function<void(const MigratedFace&)>& each_;
  MigrationSummary summary_;
};

}  // namespace

std::string_view to_string(MigrationStatus status) {
  switch (status) {
    case MigrationStatus::kMigrated:
      return "migrated";
    case MigrationStatus::kKnown:
      return "known";
    case MigrationStatus::kNoPhoto:
      return "no photo";
    case MigrationStatus::kOtherPhoto:
      return "another photo";
    case MigrationStatus::kUnreadable:
      return "unreadable";
    case MigrationStatus::kFaceNotFound:
      return "face not found";
  }
  return "";
}

MigrationSummary migrate_gallery(const GalleryStore& from, const std::function<Gallery&()>& into,
                                 const Recognizer& recognizer,
                                 const std::function<void(const MigratedFace&)>& each,
                                 const Progress& progress) {
  std::unordered_map<std::int64_t, std::string> names;
  for (const Person& person : from.people()) names[person.id] = person.name;
  const auto told = [&](const StoredFace& face) {
    return MigratedFace{.face = face.id, .person = names[face.person], .photo = face.photo};
  };
  Migration migration(into, recognizer, each);
  std::map<std::string, std::vector<StoredFace>> by_photo;
  for (StoredFace& face : from.faces()) {
    std::error_code ignored;
    if (face.photo.empty() || !fs::is_regular_file(face.photo, ignored)) {
      migration.tell(told(face), MigrationStatus::kNoPhoto);
    } else {
      by_photo[face.photo].push_back(std::move(face));
    }
  }
  std::vector<fs::path> files;
  std::vector<const std::vector<StoredFace>*> faces;
  for (const auto& [photo, on_it] : by_photo) {
    files.emplace_back(photo);
    faces.push_back(&on_it);
  }
  const auto take = [&](PhotoFaces&& photo) {
    for (const StoredFace& old : *faces[photo.index]) migration.take(photo, old, told(old));
  };
  recognizer.stream({.faces = FacesWanted::kAll, .hash = true})
      .run(PhotoSource::files(std::move(files)), take, nullptr, progress);
  return migration.summary();
}

}  // namespace likeness
