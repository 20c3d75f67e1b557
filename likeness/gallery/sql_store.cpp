#include "likeness/gallery/sql_store.h"

#include <algorithm>
#include <set>
#include <stdexcept>

#include "likeness/core/error.h"
#include "likeness/core/now.h"
#include "likeness/gallery/doubles.h"
#include "likeness/gallery/store_checks.h"

namespace likeness {

using sql::Resetting;
using sql::Statement;
using sql::Transaction;

namespace {

std::vector<std::int64_t> ids_of(const std::vector<StoredFace>& faces) {
  std::vector<std::int64_t> ids;
  for (const StoredFace& face : faces) ids.push_back(face.id);
  return ids;
}

}  // namespace

std::optional<std::int64_t> SqlStore::find_id(const std::string& name) const {
  if (const auto exact = find_exactly(name)) return exact;
  const std::string tidy = tidy_name(name);
  if (const auto found = tidy == name ? std::nullopt : find_exactly(tidy)) return found;
  // Names that only an older likeness could give: nobody makes more of them, and no database has any.
  if (database_->logs_names()) return std::nullopt;
  if (!untidy_) {
    untidy_.emplace();
    for (const Person& person : people()) {
      if (std::string kept = tidy_name(person.name); kept != person.name)
        untidy_->try_emplace(kept, person.id);
    }
  }
  const auto old = untidy_->find(tidy);
  if (old == untidy_->end()) return std::nullopt;
  const auto person = find_person(old->second);  // unless it is gone, or got another name
  return person && tidy_name(person->name) == tidy ? std::optional(person->id) : std::nullopt;
}

std::optional<std::int64_t> SqlStore::find_exactly(const std::string& name) const {
  Statement& find = statement_("SELECT id FROM person WHERE name_key = ?");
  const Resetting guard(find);
  const Bytes key = values_.name_key(name);
  find.bind(1, std::span<const std::byte>(key));
  return find.step() ? std::optional(find.integer(0)) : std::nullopt;
}

std::int64_t SqlStore::person_id(const std::string& name) {
  if (const auto id = find_id(name)) return *id;
  const Bytes key = values_.name_key(name);
  const Bytes sealed = values_.seal_name(name, key);
  Statement& insert = statement_("INSERT INTO person (name_key, name) VALUES (?, ?) RETURNING id");
  insert.bind(1, std::span<const std::byte>(key));
  if (encrypted()) {
    insert.bind(2, std::span<const std::byte>(sealed));
  } else {
    insert.bind(2, std::string_view(name));
  }
  return insert.run_for_id();
}

/// Of one person those whose photo is not known; with `all` the others too.
KnownFaces SqlStore::known_faces(std::int64_t person, bool all) const {
  static const std::string without =
      std::string(kEmbeddingColumns) +
      "INDEXED BY face_by_person WHERE person_id = ? AND photo_hash IS NULL ORDER BY id";
  static const std::string with =
      std::string(kEmbeddingColumns) +
      "INDEXED BY face_by_person WHERE person_id = ? AND photo_hash IS NOT NULL ORDER BY id";
  KnownFaces known(format());
  for (const bool photo_known : {false, true}) {
    if (photo_known && !all) break;
    Statement& rows = statement_(photo_known ? with.c_str() : without.c_str());
    const Resetting guard(rows);
    rows.bind(1, person);
    const FaceEmbeddings found = embeddings_from(rows);
    for (std::size_t i = 0; i < found.faces.size(); ++i)
      known.add(found.faces[i].face, photo_known, found.embeddings[i]);
  }
  return known;
}

/// The face where it is enrolled already, of the same photo or among the person's own; else empty.
std::optional<std::int64_t> SqlStore::find_known(const NewFace& face, const KnownFaces& own,
                                                 std::span<const float> embedding, bool& photo_known,
                                                 bool& lacks_size) const {
  if (!face.photo_hash.empty()) {
    const std::vector<StoredFace> of_photo = faces_of_photo(face.photo_hash);
    photo_known = !of_photo.empty();
    lacks_size =
        std::ranges::any_of(of_photo, [](const StoredFace& known) { return known.photo_size.width == 0; });
    for (const StoredFace& known : of_photo) {
      if (known.box == face.box || same_vector(this->embedding(known.id), embedding, format()))
        return known.id;
    }
  }
  return own.find(!face.photo_hash.empty(), embedding);
}

AddedFace SqlStore::add_face(std::int64_t person, const std::string& name, const NewFace& face,
                             KnownFaces& own, PhotoSizes& sizes) {
  const Bytes hash = from_hex(face.photo_hash, "photo_hash");
  AddedFace added{.id = 0, .is_new = true, .person = name, .photo_known = false};
  const std::vector<float> stored = as_stored(face.embedding, format());
  bool lacks_size = false;
  const auto known = find_known(face, own, stored, added.photo_known, lacks_size);
  if (!hash.empty() && (lacks_size || (!known && face.photo_size.width == 0))) sizes.lacking.insert(hash);
  if (added.photo_known && face.photo_size.width != 0) sizes.told.try_emplace(hash, face.photo_size);
  if (known) {
    const auto owner = find_person(find_face(*known)->person);
    added.id = *known;
    added.is_new = false;
    added.person = owner ? owner->name : "";
    return added;
  }
  const Bytes embedding = database_->to_column(values_.seal_embedding(face.embedding, hash, face.box));
  const Bytes photo = values_.seal_photo(face.photo, hash);
  Statement& insert = statement_(database_->insert_face());
  insert.bind(1, person);
  if (encrypted()) {
    insert.bind(2, std::span<const std::byte>(photo));
  } else {
    insert.bind(2, std::string_view(face.photo));
  }
  insert.bind_or_null(3, hash);
  const FaceQuality& q = face.quality;
  int column = 4;
  for (const float side : {face.box.left, face.box.top, face.box.right, face.box.bottom}) {
    insert.bind(column++, static_cast<double>(side));
  }
  insert.bind(column++, std::as_bytes(std::span(face.landmarks)));
  for (const float value : {q.size_px, q.sharpness, q.brightness, q.yaw, q.score}) {
    insert.bind(column++, static_cast<double>(value));
  }
  insert.bind(column++, face.added_ms != 0 ? face.added_ms : now_ms());
  for (const std::int64_t side : {face.photo_size.width, face.photo_size.height})
    insert.bind_or_null(column++, side);
  insert.bind(column, std::span<const std::byte>(embedding));
  added.id = insert.run_for_id();
  if (!face.crop.empty()) {
    const Bytes crop = values_.seal_crop(face.crop, hash, face.box);
    statement_("INSERT INTO face_crop (face_id, crop) VALUES (?, ?)")
        .bind(1, added.id)
        .bind(2, std::span<const std::byte>(crop))
        .run();
  }
  log_->face(added.id, person);
  own.add(added.id, !hash.empty(), stored);
  return added;
}

/// Within a change: faces of one person, who is made where new and goes again where no face is new.
std::vector<AddedFace> SqlStore::add_to_person(const std::string& person,
                                               std::span<const NewFace* const> faces, PhotoSizes& sizes) {
  std::vector<AddedFace> added;
  const std::int64_t id = person_id(person);
  const bool all = std::ranges::any_of(faces, [](const NewFace* face) { return face->photo_hash.empty(); });
  KnownFaces own = known_faces(id, all);
  const std::string name = find_person(id)->name;  // as it is kept
  for (const NewFace* face : faces) added.push_back(add_face(id, name, *face, own, sizes));
  std::vector<std::int64_t> enrolled;
  for (const AddedFace& face : added) {
    if (face.is_new) enrolled.push_back(face.id);
  }
  if (enrolled.empty()) {
    remove_if_without_face(id);
  } else {
    take_back_rejections(id, enrolled);
  }
  return added;
}

/// A change that adds faces; taken back where none of them is new: then nothing counts as changed.
std::vector<AddedFace> SqlStore::counted(const std::function<std::vector<AddedFace>(PhotoSizes&)>& add) {
  PhotoSizes sizes;
  std::vector<AddedFace> added;
  {
    Transaction change(*database_);
    log_->begin();
    added = add(sizes);
    if (std::ranges::any_of(added, &AddedFace::is_new)) {
      learn_sizes(sizes);
      log_->end();
      change.commit();
      return added;
    }
  }
  if (std::ranges::any_of(sizes.told, [&](const auto& told) { return sizes.lacking.contains(told.first); })) {
    Transaction change(*database_);
    learn_sizes(sizes);
    change.commit();
  }
  return added;
}

/// Within a change: faces that an older likeness enrolled get the size of their photo, where it came again.
void SqlStore::learn_sizes(const PhotoSizes& sizes) {
  for (const auto& [hash, size] : sizes.told) {
    if (!sizes.lacking.contains(hash)) continue;
    statement_(
        "UPDATE face SET photo_width = ?, photo_height = ? WHERE photo_hash = ? AND photo_width IS NULL")
        .bind(1, std::int64_t{size.width})
        .bind(2, std::int64_t{size.height})
        .bind(3, std::span<const std::byte>(hash))
        .run();
  }
}

std::vector<AddedFace> SqlStore::add_faces(const std::string& given, std::span<const NewFace> faces) {
  const std::string person = checked_name(given);
  require_faces(faces, space().dimension);
  if (faces.empty()) return {};
  std::vector<const NewFace*> all;
  for (const NewFace& face : faces) all.push_back(&face);
  const Lock lock(mutex_);
  return counted([&](PhotoSizes& sizes) { return add_to_person(person, all, sizes); });
}

std::vector<AddedFace> SqlStore::add_many(std::span<const Enrolment> faces) {
  std::vector<std::string> people;
  for (const Enrolment& one : faces) {
    people.push_back(checked_name(one.person));
    require_faces(std::span(&one.face, 1), space().dimension);
  }
  if (faces.empty()) return {};
  std::vector<const NewFace*> all;
  for (const Enrolment& one : faces) all.push_back(&one.face);
  const Lock lock(mutex_);
  return counted([&](PhotoSizes& sizes) {
    std::vector<AddedFace> rows = add_rows(people, faces);
    if (!rows.empty()) return rows;
    for (std::size_t first = 0, end = 0; first < faces.size(); first = end) {
      for (end = first; end < faces.size() && people[end] == people[first];) ++end;
      for (AddedFace& one : add_to_person(people[first], std::span(all).subspan(first, end - first), sizes))
        rows.push_back(std::move(one));
    }
    return rows;
  });
}

bool SqlStore::remove_person(const std::string& name) {
  const Lock lock(mutex_);
  Transaction change(*database_);
  const auto id = find_id(name);
  if (!id) return false;
  log_->begin();
  log_->faces_of(*id, std::nullopt);
  statement_("DELETE FROM person WHERE id = ?").bind(1, *id).run();
  log_->name(*id);
  log_->end();
  change.commit();
  return true;
}

bool SqlStore::remove_face(std::int64_t face) {
  const Lock lock(mutex_);
  Transaction change(*database_);
  std::int64_t owner = 0;
  {
    Statement& find = statement_("SELECT person_id FROM face WHERE id = ?");
    const Resetting guard(find);
    find.bind(1, face);
    if (!find.step()) return false;
    owner = find.integer(0);
  }
  log_->begin();
  log_->face(face, std::nullopt);
  statement_("DELETE FROM face WHERE id = ?").bind(1, face).run();
  remove_if_without_face(owner);
  log_->end();
  change.commit();
  return true;
}

void SqlStore::remove_if_without_face(std::int64_t person) {
  const auto removed =
      statement_("DELETE FROM person WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM face WHERE person_id = ?1)")
          .bind(1, person)
          .run();
  if (removed > 0) log_->name(person);
}

bool SqlStore::rename_person(const std::string& from, const std::string& new_name) {
  const std::string to = checked_name(new_name);
  const Lock lock(mutex_);
  Transaction change(*database_);
  const auto id = find_id(from);
  if (!id) return false;
  if (find_person(*id)->name == to) return true;
  if (find_id(to).value_or(*id) != *id) {
    throw Error(ErrorCode::kDataInvalid,
                name() + ": " + to + " is enrolled already; use merge to make them one");
  }
  log_->begin();
  const Bytes key = values_.name_key(to);
  const Bytes sealed = values_.seal_name(to, key);
  Statement& update = statement_("UPDATE person SET name_key = ?, name = ? WHERE id = ?");
  update.bind(1, std::span<const std::byte>(key)).bind(3, *id);
  if (encrypted()) {
    update.bind(2, std::span<const std::byte>(sealed));
  } else {
    update.bind(2, std::string_view(to));
  }
  update.run();
  log_->name(*id);
  change.commit();
  return true;
}

/// Of `given` and the faces of `target`, whose they all shall be. @returns those removed, rising.
std::vector<std::int64_t> SqlStore::drop_doubles(std::vector<StoredFace> given, std::int64_t target) {
  for (StoredFace& own : faces(target)) given.push_back(std::move(own));
  std::vector<std::int64_t> dropped;
  for (const DoubleFace& one : find_doubles(*this, std::move(given))) {
    log_->face(one.face, std::nullopt);
    statement_("DELETE FROM face WHERE id = ?").bind(1, one.face).run();
    dropped.push_back(one.face);
  }
  return dropped;
}

bool SqlStore::merge_people(const std::string& from, const std::string& into) {
  const Lock lock(mutex_);
  Transaction change(*database_);
  const auto source = find_id(from);
  const auto target = find_id(into);
  if (!source || !target) return false;
  if (*source == *target) return true;
  log_->begin();
  drop_doubles(faces(*source), *target);
  log_->faces_of(*source, *target);
  statement_("UPDATE face SET person_id = ? WHERE person_id = ?").bind(1, *target).bind(2, *source).run();
  const std::int64_t rejections = statement_("UPDATE rejection SET person_id = ? WHERE person_id = ?")
                                      .bind(1, *target)
                                      .bind(2, *source)
                                      .run();
  if (rejections > 0) log_->note();
  take_back_rejections(*target, ids_of(faces(*target)));
  statement_("DELETE FROM person WHERE id = ?").bind(1, *source).run();
  log_->name(*source);
  log_->end();
  change.commit();
  return true;
}

std::optional<std::string> SqlStore::note(const std::string& key) const {
  const Lock lock(mutex_);
  return meta_field(statement_, "note:" + key);
}

void SqlStore::set_note(const std::string& key, const std::string& text) {
  const Lock lock(mutex_);
  const std::string full_key = "note:" + key;
  Transaction change(*database_);
  statement_(
      "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value")
      .bind(1, std::string_view(full_key))
      .bind(2, std::string_view(text))
      .run();
  log_->note();
  change.commit();
}

std::vector<std::int64_t> SqlStore::move_faces(std::span<const std::int64_t> faces,
                                               const std::string& given) {
  const std::string person = checked_name(given);
  const Lock lock(mutex_);
  Transaction change(*database_);
  const auto known = find_id(person);
  std::vector<StoredFace> moving = find_faces(faces);
  std::erase_if(moving, [&](const StoredFace& face) { return face.person == known; });
  if (moving.empty()) return {};
  log_->begin();
  const std::int64_t target = known ? *known : person_id(person);
  const std::vector<std::int64_t> dropped = drop_doubles(moving, target);
  std::vector<std::int64_t> moved;
  std::set<std::int64_t> owners;
  for (const StoredFace& face : moving) {
    owners.insert(face.person);
    if (std::ranges::binary_search(dropped, face.id)) continue;
    statement_("UPDATE face SET person_id = ? WHERE id = ?").bind(1, target).bind(2, face.id).run();
    log_->face(face.id, target);
    moved.push_back(face.id);
  }
  take_back_rejections(target, moved);
  for (const std::int64_t owner : owners) remove_if_without_face(owner);
  log_->end();
  change.commit();
  return moved;
}

std::optional<std::string> SqlStore::private_note(const std::string& key) const {
  const Lock lock(mutex_);
  const std::string full_key = "private:" + key;
  Statement& get = statement_("SELECT value FROM meta WHERE key = ?");
  const Resetting guard(get);
  get.bind(1, std::string_view(full_key));
  if (!get.step()) return std::nullopt;
  return values_.open_note(get.blob(0), full_key);
}

void SqlStore::set_private_note(const std::string& key, const std::string& text) {
  const Lock lock(mutex_);
  const std::string full_key = "private:" + key;
  const Bytes sealed = values_.seal_note(text, full_key);
  Transaction change(*database_);
  statement_(
      "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value")
      .bind(1, std::string_view(full_key))
      .bind(2, std::span<const std::byte>(sealed))
      .run();
  change.commit();
}

std::uint64_t SqlStore::note_version() const {
  const Lock lock(mutex_);
  return log_ ? log_->note_version() : connection_version();
}

std::uint64_t SqlStore::version() const {
  const Lock lock(mutex_);
  return log_ ? log_->version() : connection_version();
}

std::uint64_t SqlStore::connection_version() const {
  // Commits of people and notes alike; nothing is changed by this one.
  return static_cast<std::uint64_t>(database_->others_commits());
}

std::optional<Changes> SqlStore::changes_since(std::uint64_t version) const {
  const Lock lock(mutex_);
  return log_ ? log_->since(version) : std::nullopt;
}

}  // namespace likeness
