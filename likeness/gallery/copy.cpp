#include "likeness/gallery/copy.h"

#include <algorithm>
#include <map>

#include "likeness/core/error.h"
#include "likeness/gallery/known_faces.h"

namespace likeness {
namespace {

/// Faces added by one request, and kept in memory meanwhile.
constexpr std::size_t kAtOnce = 2000;
constexpr const char* kCalibrationNote = "calibration";

/// A person's faces with all that belongs to them.
struct PersonCopy {
  std::string name;
  std::vector<StoredFace> faces;
  Embeddings embeddings;  // row i of faces[i]
  std::vector<std::vector<std::byte>> crops;
};

PersonCopy read_person(const GalleryStore& store, const Person& person) {
  PersonCopy read{person.name, store.faces(person.id), {store.space().dimension, {}}, {}};
  std::vector<std::int64_t> ids;
  for (const StoredFace& face : read.faces) ids.push_back(face.id);
  FaceEmbeddings all = store.embeddings(ids);
  // Removed between the two requests: not a face of this gallery any more.
  std::erase_if(read.faces, [&](const StoredFace& face) {
    return !std::ranges::binary_search(all.faces, face.id, {}, &FaceOwner::face);
  });
  for (const StoredFace& face : read.faces)
    read.crops.push_back(face.has_crop ? store.crop(face.id) : std::vector<std::byte>());
  read.embeddings = std::move(all.embeddings);
  return read;
}

class Copying {
 public:
  Copying(const GalleryStore& from, GalleryStore& to)
      : from_(from),
        to_(to),
        // Bytes are the coarser; of halves less than of floats that were computed elsewhere.
        format_(from.format() == EmbeddingFormat::kInt8 ? from.format() : to.format()) {}

  void add(const Person& person) {
    people_.push_back(read_person(from_, person));
    waiting_ += people_.back().faces.size();
    if (waiting_ >= kAtOnce) flush();
  }
  /// Adds what the copy lacks of those that wait, and compares all of them.
  void flush() {
    std::vector<Enrolment> missing;
    for (const PersonCopy& person : people_) {
      const std::vector<bool> there = found(person);
      for (std::size_t i = 0; i < person.faces.size(); ++i) {
        if (!there[i]) missing.push_back({person.name, as_new(person, i)});
      }
    }
    const std::vector<AddedFace> added = missing.empty() ? std::vector<AddedFace>() : to_.add_many(missing);
    std::map<std::string, std::size_t> elsewhere;  // by person
    for (std::size_t i = 0; i < added.size(); ++i) {
      report_.added += added[i].is_new ? 1 : 0;
      if (added[i].person == missing[i].person) continue;
      ++elsewhere[missing[i].person];
      report_.elsewhere.push_back("a face of " + missing[i].person + " (" + missing[i].face.photo +
                                  ") is enrolled as " + added[i].person);
    }
    for (const PersonCopy& person : people_) {
      const std::vector<bool> there = found(person);
      const auto count = static_cast<std::size_t>(std::ranges::count(there, true));
      if (count + elsewhere[person.name] < there.size()) {
        throw Error(ErrorCode::kDataInvalid, to_.name() + ": of " + person.name + " " +
                                                 std::to_string(there.size() - count) +
                                                 " faces are not as in " + from_.name());
      }
      report_.faces += count;
      ++report_.people;
    }
    people_.clear();
    waiting_ = 0;
  }
  void copy_rejections(const Person& person) {
    const Rejections said = from_.rejections(person.id);
    if (said.list.empty()) return;
    const auto other = to_.find_person(person.name);
    for (std::size_t i = 0; other && i < said.list.size(); ++i)
      to_.reject(other->id, said.embeddings[i], said.list[i].photo_hash, said.list[i].box);
  }
  [[nodiscard]] const CopyReport& report() const { return report_; }
  [[nodiscard]] EmbeddingFormat format() const { return format_; }

 private:
  static NewFace as_new(const PersonCopy& person, std::size_t i) {
    const StoredFace& face = person.faces[i];
    return {.photo = face.photo,
            .photo_hash = face.photo_hash,
            .photo_size = face.photo_size,
            .box = face.box,
            .landmarks = face.landmarks,
            .quality = face.quality,
            .embedding = person.embeddings[i],
            .crop = person.crops[i],
            .added_ms = face.added_ms};
  }
  /// Which of the person's faces the copy has.
  [[nodiscard]] std::vector<bool> found(const PersonCopy& person) const {
    std::vector<bool> there(person.faces.size());
    const auto other = to_.find_person(person.name);
    if (!other) return there;
    const PersonCopy copy = read_person(to_, *other);
    std::vector<bool> taken(copy.faces.size());
    std::multimap<std::string, std::size_t> by_photo;
    for (std::size_t j = 0; j < copy.faces.size(); ++j) by_photo.emplace(copy.faces[j].photo_hash, j);
    for (std::size_t i = 0; i < person.faces.size(); ++i) {
      const auto [first, last] = by_photo.equal_range(person.faces[i].photo_hash);
      for (auto one = first; one != last && !there[i]; ++one) {
        const std::size_t j = one->second;
        if (taken[j] || !same(person, i, copy, j)) continue;
        there[i] = taken[j] = true;
      }
    }
    return there;
  }
  [[nodiscard]] bool same(const PersonCopy& a, std::size_t i, const PersonCopy& b, std::size_t j) const {
    const StoredFace& one = a.faces[i];
    const StoredFace& other = b.faces[j];
    const auto measured = [](const FaceQuality& q) {
      return std::array{q.size_px, q.sharpness, q.brightness, q.yaw, q.score};
    };
    const bool sized = one.photo_size.width == 0 || one.photo_size == other.photo_size;
    return sized && one.photo == other.photo && one.box == other.box && one.landmarks == other.landmarks &&
           measured(one.quality) == measured(other.quality) && one.added_ms == other.added_ms &&
           a.crops[i] == b.crops[j] && same_vector(a.embeddings[i], b.embeddings[j], format_);
  }

  const GalleryStore& from_;
  GalleryStore& to_;
  EmbeddingFormat format_;
  std::vector<PersonCopy> people_;
  std::size_t waiting_ = 0;  // faces
  CopyReport report_;
};

}  // namespace

CopyReport copy_gallery(const GalleryStore& from, GalleryStore& to, const Progress& progress) {
  require_same_space(from.space(), from.name(), to.space(), to.name());
  std::vector<Person> people = from.people();
  std::ranges::sort(people, {}, &Person::id);  // as they came
  Copying copying(from, to);
  std::size_t done = 0;
  for (const Person& person : people) {
    copying.add(person);
    report_progress(progress, ++done, people.size());
  }
  copying.flush();
  for (const Person& person : people) copying.copy_rejections(person);
  const auto calibration = from.note(kCalibrationNote);
  const bool alone = static_cast<std::size_t>(to.face_count()) == copying.report().faces;
  if (calibration && alone && to.note(kCalibrationNote) != calibration)
    to.set_note(kCalibrationNote, *calibration);
  CopyReport report = copying.report();
  report.seen = copy_seen(from, to, copying.format(), progress);
  return report;
}

}  // namespace likeness
