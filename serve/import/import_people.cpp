#include "serve/import/import_people.h"

#include <mutex>
#include <set>
#include <unordered_set>
#include <utility>

#include "likeness/core/error.h"

namespace likeness::serve {
namespace {

/// So many photos that do not come, one after the other, mean that the server has gone.
constexpr std::size_t kGone = 5;

class Import {
 public:
  Import(OldServer& server, const Recognizer& recognizer, const ImportOptions& options)
      : server_(server), recognizer_(recognizer), options_(options) {}

  ImportSummary run(const Gallery* known, const std::function<Gallery&()>& gallery) {
    OldPeople all = server_.list(options_.listing);
    summary_.people = all.people.size();
    summary_.photos = all.photos.size();
    tell_people_without_photos(all, known);
    tell_known(all.photos, known);
    photos_ = std::move(all.photos);
    const EnrolOptions enrol{.review = options_.review,
                             .one_face = true,
                             .each = [this](const EnrolledPhoto& photo) { take(photo); },
                             .progress = options_.progress};
    recognizer_.enrol(
        gallery, PhotoSource([this] { return next(); }, photos_.size()),
        [this](std::size_t i) {
          const std::lock_guard lock(mutex_);
          return photos_[given_[i]].person;
        },
        enrol);
    return summary_;
  }

 private:
  void tell(ImportedPhoto photo) {
    switch (photo.status) {
      case ImportStatus::kEnrolled:
        ++summary_.enrolled;
        break;
      case ImportStatus::kKnown:
        ++summary_.known;
        break;
      default:
        ++summary_.left;
    }
    if (options_.each) options_.each(photo);
  }

  void tell_people_without_photos(const OldPeople& all, const Gallery* known) {
    std::set<std::string> with;
    for (const OldPhoto& photo : all.photos) with.insert(photo.person);
    for (const std::string& person : all.people) {
      if (with.contains(person)) continue;
      const bool there = known != nullptr && known->store().find_person(person).has_value();
      tell({person, "", there ? ImportStatus::kKnown : ImportStatus::kNoPhoto,
            there ? "" : "the server has no photo of this person"});
    }
  }

  /// Takes away what an earlier run brought.
  void tell_known(std::vector<OldPhoto>& photos, const Gallery* known) {
    if (known == nullptr) return;
    std::unordered_set<std::string> origins;
    for (StoredFace& face : known->store().faces()) origins.insert(std::move(face.photo));
    std::erase_if(photos, [&](const OldPhoto& photo) {
      if (!origins.contains(server_.origin(photo))) return false;
      tell({photo.person, photo.id, ImportStatus::kKnown});
      return true;
    });
  }

  /// The next photo that comes.
  std::optional<Photo> next() {
    while (next_ < photos_.size()) {
      const std::size_t at = next_++;
      const OldPhoto& photo = photos_[at];
      try {
        std::vector<std::byte> bytes = server_.photo(photo);
        failures_ = 0;
        const std::lock_guard lock(mutex_);
        if (!bytes.empty()) {
          given_.push_back(at);
          return photo_of_bytes(server_.origin(photo), std::move(bytes));
        }
        tell({photo.person, photo.id, ImportStatus::kNoPhoto, "the server keeps no photo of this face"});
      } catch (const Error& error) {
        if (error.code() == ErrorCode::kUnavailable && ++failures_ == kGone)
          throw Error(error.code(), std::string(error.what()) + "; run it again to go on");
        const std::lock_guard lock(mutex_);
        tell({photo.person, photo.id, ImportStatus::kFailed, error.what()});
      }
    }
    return std::nullopt;
  }

  void take(const EnrolledPhoto& photo) {
    const std::lock_guard lock(mutex_);
    const OldPhoto& old = photos_[given_[told_++]];
    ImportedPhoto result{old.person, old.id};
    switch (photo.status) {
      case EnrolStatus::kEnrolled:
        break;
      case EnrolStatus::kKnown:
        result.status = ImportStatus::kKnown;
        if (photo.person != old.person) result.why = "the same photo is enrolled already, as " + photo.person;
        break;
      case EnrolStatus::kRefused:
        result.status = ImportStatus::kRefused;
        result.why = photo.error;
        for (const ReviewFinding& finding : photo.findings) {
          if (!finding.refuse) continue;
          result.why += (result.why.empty() ? "" : "; ") + finding.what;
          if (finding.kind == "several faces") result.status = ImportStatus::kSeveralFaces;
        }
        break;
      case EnrolStatus::kNoFace:
        result.status = ImportStatus::kNoFace;
        break;
      case EnrolStatus::kUnreadable:
        result.status = ImportStatus::kUnreadable;
        result.why = photo.error;
        break;
    }
    tell(std::move(result));
  }

  OldServer& server_;
  const Recognizer& recognizer_;
  const ImportOptions& options_;
  std::vector<OldPhoto> photos_;
  std::size_t next_ = 0;            ///< The first of `photos_` that was not asked for.
  std::size_t failures_ = 0;        ///< In a row.
  std::mutex mutex_;                ///< Photos are given and taken by different threads.
  std::vector<std::size_t> given_;  ///< Which of `photos_` the pipeline got.
  std::size_t told_ = 0;            ///< How many of these came back.
  ImportSummary summary_;
};

}  // namespace

std::string_view to_string(ImportStatus status) {
  switch (status) {
    case ImportStatus::kEnrolled:
      return "enrolled";
    case ImportStatus::kKnown:
      return "known";
    case ImportStatus::kRefused:
      return "refused";
    case ImportStatus::kNoFace:
      return "no face";
    case ImportStatus::kSeveralFaces:
      return "several faces";
    case ImportStatus::kUnreadable:
      return "unreadable";
    case ImportStatus::kFailed:
      return "failed";
    case ImportStatus::kNoPhoto:
      return "no photo";
  }
  return "";
}

ImportSummary import_people(OldServer& server, const Recognizer& recognizer, const Gallery* known,
                            const std::function<Gallery&()>& gallery, const ImportOptions& options) {
  return Import(server, recognizer, options).run(known, gallery);
}

}  // namespace likeness::serve
