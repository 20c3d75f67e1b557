#include "likeness/gallery/memory_store.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <stdexcept>

#include "likeness/core/error.h"
#include "likeness/core/now.h"
#include "likeness/gallery/doubles.h"
#include "likeness/gallery/known_faces.h"
#include "likeness/gallery/memory_seen.h"
#include "likeness/gallery/rejections.h"
#include "likeness/gallery/row_values.h"
#include "likeness/gallery/store_checks.h"

namespace likeness {
namespace {

/// Rising, each once.
std::vector<std::int64_t> sorted(std::span<const std::int64_t> ids) {
  std::vector<std::int64_t> rising(ids.begin(), ids.end());
  std::ranges::sort(rising);
  rising.erase(std::unique(rising.begin(), rising.end()), rising.end());
  return rising;
}

class MemoryStore final : public GalleryStore {
 public:
  MemoryStore(EmbeddingSpace space, EmbeddingFormat format)
      : space_(std::move(space)),
        format_(format),
        rejections_{{}, {space_.dimension, {}}},
        seen_(space_, format) {}

  const EmbeddingSpace& space() const override { return space_; }
  EmbeddingFormat format() const override { return format_; }
  bool encrypted() const override { return false; }
  std::string identity() const override { return identity_; }
  std::string name() const override { return "a gallery in memory"; }

  std::vector<AddedFace> add_faces(const std::string& person, std::span<const NewFace> faces) override;
  bool merge_people(const std::string& from, const std::string& into) override;
  std::vector<std::int64_t> move_faces(std::span<const std::int64_t> faces,
                                       const std::string& person) override;
  bool rename_person(const std::string& from, const std::string& to) override;
  bool remove_face(std::int64_t face) override;
  bool remove_person(const std::string& name) override;
  bool reject(std::int64_t person, std::span<const float> embedding, const std::string& photo_hash,
              const Box& box) override;
  bool remove_rejection(std::int64_t rejection) override;
  Rejections rejections(std::optional<std::int64_t> person) const override;
  SeenStore& seen() override { return seen_; }
  const SeenStore& seen() const override { return seen_; }
  void backup_to(const std::filesystem::path& path) const override;
  void restore_from(const std::filesystem::path& copy) override;
  void purge() override {}  // there is no file

  std::optional<Person> find_person(std::int64_t id) const override;
  std::optional<Person> find_person(const std::string& name) const override;
  std::vector<Person> people(std::span<const std::int64_t> ids) const override;
  std::vector<Person> people() const override;
  std::optional<StoredFace> find_face(std::int64_t id) const override;
  std::vector<StoredFace> faces(std::optional<std::int64_t> person) const override;
  std::vector<StoredFace> faces_of_photo(const std::string& photo_hash) const override;
  std::int64_t face_count() const override;
  std::vector<FaceOwner> owners(Shard shard) const override;
  std::vector<FaceEvidence> evidence(std::span<const std::int64_t> faces) const override;
  FaceEmbeddings embeddings(std::span<const std::int64_t> faces) const override;
  std::vector<float> embedding(std::int64_t face) const override;
  std::vector<std::byte> crop(std::int64_t face) const override;
  void read_embeddings(std::int64_t after,
                       const std::function<void(FaceOwner, std::span<const float>)>& sink) const override;

  void set_note(const std::string& key, const std::string& text) override;
  std::optional<std::string> note(const std::string& key) const override;
  std::uint64_t note_version() const override;
  void set_private_note(const std::string& key, const std::string& text) override;
  std::optional<std::string> private_note(const std::string& key) const override;
  std::uint64_t version() const override;
  std::optional<Changes> changes_since(std::uint64_t version) const override;
  std::vector<std::string> check() const override { return {}; }

 private:
  using Lock = std::lock_guard<std::recursive_mutex>;
  struct Entry {
    StoredFace face;
    std::vector<float> embedding;
    std::vector<std::byte> crop;
  };
  struct Logged {
    std::uint64_t version;
    FaceChange change;
  };

  std::optional<std::int64_t> find_id(const std::string& name) const;
  Person person_of(std::int64_t id) const;
  void log(std::int64_t face, std::optional<std::int64_t> person);
  std::vector<std::int64_t> faces_of(std::int64_t person) const;
  void drop_doubles(std::vector<StoredFace> given, std::int64_t target);
  void erase_face(std::int64_t face);
  void remove_if_without_face(std::int64_t person);
  void erase_person(std::int64_t person);
  void take_back_rejections(std::int64_t person, std::span<const std::int64_t> faces);
  std::optional<std::int64_t> find_known(const std::string& hash, const Box& box,
                                         std::span<const float> embedding, const KnownFaces& own,
                                         bool& photo_known) const;
  void append(FaceEmbeddings& found, const Entry& entry) const;

  mutable std::recursive_mutex mutex_;  // as in the store on disk, some members are made of others
  EmbeddingSpace space_;
  EmbeddingFormat format_;
  std::string identity_ = to_hex(Vault::new_salt());
  std::map<std::int64_t, std::string> people_;
  std::map<std::int64_t, Entry> faces_;
  std::map<std::int64_t, std::set<std::int64_t>> faces_by_person_;
  std::map<std::string, std::string> notes_;
  std::map<std::string, std::string> private_notes_;
  std::vector<Logged> log_;  // all of it: 24 bytes a change, beside embeddings of 2 KB
  std::int64_t last_person_ = 0;
  std::int64_t last_face_ = 0;
  std::uint64_t version_ = 0;
  std::uint64_t note_version_ = 0;
  Rejections rejections_;  // rows of embeddings are as in the list
  std::int64_t last_rejection_ = 0;
  MemorySeen seen_;
};

void MemoryStore::log(std::int64_t face, std::optional<std::int64_t> person) {
  log_.push_back({version_, {face, person}});
}

std::optional<std::int64_t> MemoryStore::find_id(const std::string& name) const {
  const std::string tidy = tidy_name(name);
  const auto found = std::ranges::find_if(people_, [&](const auto& one) { return one.second == tidy; });
  return found == people_.end() ? std::nullopt : std::optional(found->first);
}

std::vector<std::int64_t> MemoryStore::faces_of(std::int64_t person) const {
  const auto found = faces_by_person_.find(person);
  if (found == faces_by_person_.end()) return {};
  return {found->second.begin(), found->second.end()};
}

Person MemoryStore::person_of(std::int64_t id) const {
  return {id, people_.at(id), static_cast<std::int64_t>(faces_of(id).size())};
}

std::optional<std::int64_t> MemoryStore::find_known(const std::string& hash, const Box& box,
                                                    std::span<const float> embedding, const KnownFaces& own,
                                                    bool& photo_known) const {
  if (!hash.empty()) {
    for (const StoredFace& known : faces_of_photo(hash)) {
      photo_known = true;
      if (known.box == box || same_vector(faces_.at(known.id).embedding, embedding, format_)) return known.id;
    }
  }
  return own.find(!hash.empty(), embedding);
}

std::vector<AddedFace> MemoryStore::add_faces(const std::string& given, std::span<const NewFace> faces) {
  const std::string person = checked_name(given);
  require_faces(faces, space_.dimension);
  std::vector<std::string> hashes;
  for (const NewFace& face : faces) hashes.push_back(to_hex(from_hex(face.photo_hash, "photo_hash")));
  const Lock lock(mutex_);
  std::vector<AddedFace> added;
  std::int64_t owner = find_id(person).value_or(0);
  bool changed = false;
  KnownFaces own(format_);
  for (const std::int64_t id : faces_of(owner))
    own.add(id, !faces_.at(id).face.photo_hash.empty(), faces_.at(id).embedding);
  for (std::size_t i = 0; i < faces.size(); ++i) {
    AddedFace& one = added.emplace_back(AddedFace{.person = person});
    std::vector<float> stored = as_stored(faces[i].embedding, format_);
    if (const auto known = find_known(hashes[i], faces[i].box, stored, own, one.photo_known)) {
      one.id = *known;
      one.is_new = false;
      one.person = people_.at(faces_.at(*known).face.person);
      continue;
    }
    if (owner == 0) {
      owner = ++last_person_;
      people_[owner] = person;
    }
    if (!changed) ++version_;
    changed = true;
    one.id = ++last_face_;
    own.add(one.id, !hashes[i].empty(), stored);
    faces_by_person_[owner].insert(one.id);
    faces_[one.id] = {{.id = one.id,
                       .person = owner,
                       .photo = faces[i].photo,
                       .photo_hash = hashes[i],
                       .photo_size = faces[i].photo_size,
                       .box = faces[i].box,
                       .landmarks = faces[i].landmarks,
                       .quality = faces[i].quality,
                       .added_ms = faces[i].added_ms != 0 ? faces[i].added_ms : now_ms(),
                       .has_crop = !faces[i].crop.empty()},
                      std::move(stored),
                      {faces[i].crop.begin(), faces[i].crop.end()}};
    log(one.id, owner);
  }
  std::vector<std::int64_t> enrolled;
  for (std::size_t i = 0; i < added.size(); ++i) {
    if (added[i].is_new) enrolled.push_back(added[i].id);
    for (const StoredFace& known :
         added[i].photo_known ? faces_of_photo(hashes[i]) : std::vector<StoredFace>()) {
      ImageSize& size = faces_.at(known.id).face.photo_size;
      if (size.width == 0) size = faces[i].photo_size;
    }
  }
  take_back_rejections(owner, enrolled);
  return added;
}

bool MemoryStore::remove_person(const std::string& name) {
  const Lock lock(mutex_);
  const auto id = find_id(name);
  if (!id) return false;
  ++version_;
  for (const std::int64_t face : faces_of(*id)) {
    log(face, std::nullopt);
    faces_.erase(face);
  }
  erase_person(*id);
  return true;
}

bool MemoryStore::remove_face(std::int64_t face) {
  const Lock lock(mutex_);
  const auto found = faces_.find(face);
  if (found == faces_.end()) return false;
  ++version_;
  const std::int64_t owner = found->second.face.person;
  erase_face(face);
  remove_if_without_face(owner);
  return true;
}

void MemoryStore::remove_if_without_face(std::int64_t person) {
  if (faces_of(person).empty()) erase_person(person);
}

/// Who has no faces any more.
void MemoryStore::erase_person(std::int64_t person) {
  faces_by_person_.erase(person);
  people_.erase(person);
  std::vector<std::int64_t> gone;
  for (const Rejection& one : rejections_.list) {
    if (one.person == person) gone.push_back(one.id);
  }
  for (const std::int64_t one : gone) remove_rejection(one);
}

bool MemoryStore::reject(std::int64_t person, std::span<const float> embedding, const std::string& photo_hash,
                         const Box& box) {
  require_embedding(embedding, space_.dimension);
  const std::string hash = to_hex(from_hex(photo_hash, "photo_hash"));
  const Lock lock(mutex_);
  if (!people_.contains(person)) return false;
  const std::vector<float> stored = as_stored(embedding, format_);
  if (!answered(rejections(person), {stored.size(), stored}, format_).empty()) return true;  // said before
  rejections_.list.push_back({++last_rejection_, person, hash, box, now_ms()});
  rejections_.embeddings.values.insert(rejections_.embeddings.values.end(), stored.begin(), stored.end());
  ++note_version_;
  return true;
}

bool MemoryStore::remove_rejection(std::int64_t rejection) {
  const Lock lock(mutex_);
  const auto found = std::ranges::find(rejections_.list, rejection, &Rejection::id);
  if (found == rejections_.list.end()) return false;
  const auto d = static_cast<std::ptrdiff_t>(space_.dimension);
  const auto row = rejections_.embeddings.values.begin() + (found - rejections_.list.begin()) * d;
  rejections_.embeddings.values.erase(row, row + d);
  rejections_.list.erase(found);
  ++note_version_;
  return true;
}

Rejections MemoryStore::rejections(std::optional<std::int64_t> person) const {
  const Lock lock(mutex_);
  Rejections found{{}, {space_.dimension, {}}};
  for (std::size_t i = 0; i < rejections_.list.size(); ++i) {
    if (person && rejections_.list[i].person != *person) continue;
    found.list.push_back(rejections_.list[i]);
    const auto row = rejections_.embeddings[i];
    found.embeddings.values.insert(found.embeddings.values.end(), row.begin(), row.end());
  }
  return found;
}

/// Those of the person that were said of these faces.
void MemoryStore::take_back_rejections(std::int64_t person, std::span<const std::int64_t> faces) {
  const Rejections own = rejections(person);
  if (own.list.empty()) return;
  for (const std::int64_t one : answered(own, embeddings(faces).embeddings, format_)) remove_rejection(one);
}

void MemoryStore::backup_to(const std::filesystem::path& path) const {
  throw Error(ErrorCode::kUnsupported, path.string() + ": a gallery in memory has no file to copy");
}

void MemoryStore::restore_from(const std::filesystem::path& copy) {
  throw Error(ErrorCode::kUnsupported, copy.string() + ": a gallery in memory is not made of a copy");
}

bool MemoryStore::rename_person(const std::string& from, const std::string& new_name) {
  const std::string to = checked_name(new_name);
  const Lock lock(mutex_);
  const auto id = find_id(from);
  if (!id) return false;
  if (people_.at(*id) == to) return true;
  if (find_id(to)) {
    throw Error(ErrorCode::kDataInvalid,
                name() + ": " + to + " is enrolled already; use merge to make them one");
  }
  ++version_;
  people_[*id] = to;
  return true;
}

/// Of `given` and the faces of `target`, whose they all shall be.
void MemoryStore::drop_doubles(std::vector<StoredFace> given, std::int64_t target) {
  for (StoredFace& own : faces(target)) given.push_back(std::move(own));
  for (const DoubleFace& one : find_doubles(*this, std::move(given))) erase_face(one.face);
}

/// Leaves the owner, also without faces.
void MemoryStore::erase_face(std::int64_t face) {
  log(face, std::nullopt);
  const auto found = faces_.find(face);
  faces_by_person_[found->second.face.person].erase(face);
  faces_.erase(found);
}

bool MemoryStore::merge_people(const std::string& from, const std::string& into) {
  const Lock lock(mutex_);
  const auto source = find_id(from);
  const auto target = find_id(into);
  if (!source || !target) return false;
  if (*source == *target) return true;
  ++version_;
  drop_doubles(faces(*source), *target);
  for (const std::int64_t face : faces_of(*source)) {
    log(face, *target);
    faces_.at(face).face.person = *target;
    faces_by_person_[*target].insert(face);
  }
  for (Rejection& one : rejections_.list) {
    if (one.person == *source) {
      one.person = *target;
      ++note_version_;
    }
  }
  take_back_rejections(*target, faces_of(*target));
  erase_person(*source);
  return true;
}

std::vector<std::int64_t> MemoryStore::move_faces(std::span<const std::int64_t> faces,
                                                  const std::string& given) {
  const std::string person = checked_name(given);
  const Lock lock(mutex_);
  const auto known = find_id(person);
  std::vector<StoredFace> moving;
  for (const std::int64_t id : sorted(faces)) {
    const auto found = faces_.find(id);
    if (found != faces_.end() && found->second.face.person != known) moving.push_back(found->second.face);
  }
  if (moving.empty()) return {};
  ++version_;
  const std::int64_t target = known ? *known : ++last_person_;
  if (!known) people_[target] = person;
  drop_doubles(moving, target);
  std::vector<std::int64_t> moved;
  for (const StoredFace& face : moving) {
    if (const auto left = faces_.find(face.id); left != faces_.end()) {
      log(face.id, target);
      left->second.face.person = target;
      faces_by_person_[face.person].erase(face.id);
      faces_by_person_[target].insert(face.id);
      moved.push_back(face.id);
    }
    remove_if_without_face(face.person);
  }
  take_back_rejections(target, moved);
  return moved;
}

std::vector<Person> MemoryStore::people() const {
  const Lock lock(mutex_);
  std::map<std::int64_t, std::int64_t> counts;
  for (const auto& [id, entry] : faces_) ++counts[entry.face.person];
  std::vector<Person> people;
  for (const auto& [id, name] : people_) people.push_back({id, name, counts[id]});
  std::ranges::sort(people, {}, &Person::name);
  return people;
}

std::vector<Person> MemoryStore::people(std::span<const std::int64_t> ids) const {
  const Lock lock(mutex_);
  std::vector<Person> people;
  for (const std::int64_t id : sorted(ids)) {
    if (people_.contains(id)) people.push_back(person_of(id));
  }
  return people;
}

std::optional<Person> MemoryStore::find_person(const std::string& name) const {
  const Lock lock(mutex_);
  const auto id = find_id(name);
  return id ? std::optional(person_of(*id)) : std::nullopt;
}

std::optional<Person> MemoryStore::find_person(std::int64_t id) const {
  const Lock lock(mutex_);
  return people_.contains(id) ? std::optional(person_of(id)) : std::nullopt;
}

std::int64_t MemoryStore::face_count() const {
  const Lock lock(mutex_);
  return static_cast<std::int64_t>(faces_.size());
}

std::vector<StoredFace> MemoryStore::faces(std::optional<std::int64_t> person) const {
  const Lock lock(mutex_);
  std::vector<StoredFace> found;
  for (const auto& [id, entry] : faces_) {
    if (!person || entry.face.person == *person) found.push_back(entry.face);
  }
  return found;
}

std::optional<StoredFace> MemoryStore::find_face(std::int64_t id) const {
  const Lock lock(mutex_);
  const auto found = faces_.find(id);
  return found == faces_.end() ? std::nullopt : std::optional(found->second.face);
}

std::vector<StoredFace> MemoryStore::faces_of_photo(const std::string& photo_hash) const {
  const std::string hash = to_hex(from_hex(photo_hash, "photo_hash"));
  const Lock lock(mutex_);
  std::vector<StoredFace> found;
  for (const auto& [id, entry] : faces_) {
    if (entry.face.photo_hash == hash) found.push_back(entry.face);
  }
  return found;
}

std::vector<FaceOwner> MemoryStore::owners(Shard shard) const {
  const Lock lock(mutex_);
  std::vector<FaceOwner> owners;
  for (const auto& [id, entry] : faces_) {
    if (shard.holds(id)) owners.push_back({id, entry.face.person});
  }
  return owners;
}

std::vector<FaceEvidence> MemoryStore::evidence(std::span<const std::int64_t> faces) const {
  const Lock lock(mutex_);
  std::vector<FaceEvidence> evidence;
  for (const std::int64_t id : sorted(faces)) {
    const auto found = faces_.find(id);
    if (found == faces_.end()) continue;
    const StoredFace& face = found->second.face;
    evidence.push_back({id, face.person, people_.at(face.person), face.photo});
  }
  return evidence;
}

void MemoryStore::append(FaceEmbeddings& found, const Entry& entry) const {
  found.faces.push_back({entry.face.id, entry.face.person});
  found.embeddings.values.insert(found.embeddings.values.end(), entry.embedding.begin(),
                                 entry.embedding.end());
}

void MemoryStore::read_embeddings(std::int64_t after,
                                  const std::function<void(FaceOwner, std::span<const float>)>& sink) const {
  constexpr std::size_t kAtOnce = 1000;  // so that the sink holds no lock
  for (;;) {
    FaceEmbeddings piece{{}, {space_.dimension, {}}};
    {
      const Lock lock(mutex_);
      for (auto entry = faces_.upper_bound(after); entry != faces_.end() && piece.faces.size() < kAtOnce;
           ++entry)
        append(piece, entry->second);
    }
    for (std::size_t i = 0; i < piece.faces.size(); ++i) sink(piece.faces[i], piece.embeddings[i]);
    if (piece.faces.size() < kAtOnce) return;
    after = piece.faces.back().face;
  }
}

std::vector<float> MemoryStore::embedding(std::int64_t face) const {
  return embeddings(std::span(&face, 1)).embeddings.values;
}

std::vector<std::byte> MemoryStore::crop(std::int64_t face) const {
  const Lock lock(mutex_);
  const auto found = faces_.find(face);
  return found == faces_.end() ? std::vector<std::byte>() : found->second.crop;
}

FaceEmbeddings MemoryStore::embeddings(std::span<const std::int64_t> faces) const {
  const Lock lock(mutex_);
  FaceEmbeddings found{{}, {space_.dimension, {}}};
  for (const std::int64_t id : sorted(faces)) {
    if (const auto entry = faces_.find(id); entry != faces_.end()) append(found, entry->second);
  }
  return found;
}

std::optional<std::string> MemoryStore::note(const std::string& key) const {
  const Lock lock(mutex_);
  const auto found = notes_.find(key);
  return found == notes_.end() ? std::nullopt : std::optional(found->second);
}

void MemoryStore::set_note(const std::string& key, const std::string& text) {
  const Lock lock(mutex_);
  notes_[key] = text;
  ++note_version_;
}

std::optional<std::string> MemoryStore::private_note(const std::string& key) const {
  const Lock lock(mutex_);
  const auto found = private_notes_.find(key);
  return found == private_notes_.end() ? std::nullopt : std::optional(found->second);
}

void MemoryStore::set_private_note(const std::string& key, const std::string& text) {
  const Lock lock(mutex_);
  private_notes_[key] = text;
}

std::uint64_t MemoryStore::note_version() const {
  const Lock lock(mutex_);
  return note_version_;
}

std::uint64_t MemoryStore::version() const {
  const Lock lock(mutex_);
  return version_;
}

std::optional<Changes> MemoryStore::changes_since(std::uint64_t version) const {
  const Lock lock(mutex_);
  if (version > version_) return std::nullopt;
  Changes changes{.version = version_, .faces = {}};
  for (auto logged = std::ranges::upper_bound(log_, version, {}, &Logged::version); logged != log_.end();
       ++logged)
    changes.faces.push_back(logged->change);
  return changes;
}

}  // namespace

std::unique_ptr<GalleryStore> make_memory_store(const EmbeddingSpace& space, EmbeddingFormat format) {
  require_space(space);
  return std::make_unique<MemoryStore>(space, format);
}

}  // namespace likeness
