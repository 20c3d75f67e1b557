#include "likeness/gallery/sqlite_store.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <map>
#include <mutex>
#include <stdexcept>

#include "likeness/core/error.h"
#include "likeness/gallery/change_log.h"
#include "likeness/gallery/known_faces.h"
#include "likeness/gallery/row_values.h"
#include "likeness/gallery/sqlite.h"
#include "likeness/gallery/sqlite_format.h"
#include "likeness/gallery/sqlite_meta.h"
#include "likeness/gallery/store_checks.h"

namespace likeness {
namespace {

using sqlite::Database;
using sqlite::Resetting;
using sqlite::Statement;
using sqlite::Statements;
using sqlite::Transaction;

constexpr const char* kFaceColumns =
    "SELECT id, person_id, photo, photo_hash, box_left, box_top, box_right, box_bottom, landmarks, size_px, "
    "sharpness, brightness, yaw, score, added_ms FROM face ";
/// For embeddings_from().
constexpr const char* kEmbeddingColumns =
    "SELECT id, person_id, photo_hash, box_left, box_top, box_right, box_bottom, embedding FROM face ";

/// Many ids as one parameter.
std::string json_of(std::span<const std::int64_t> ids) {
  std::string json = "[";
  for (const std::int64_t id : ids) json += (json.size() > 1 ? "," : "") + std::to_string(id);
  return json + "]";
}

class SqliteStore final : public GalleryStore {
 public:
  SqliteStore(GalleryFile file, const OpenOptions& options)
      : database_(std::move(file.database)),
        statement_(*database_),
        meta_(*database_, statement_, options),
        values_(*meta_.values) {
    if (file.format >= 2) log_.emplace(*database_, statement_);
  }

  const EmbeddingSpace& space() const override { return meta_.space; }
  EmbeddingFormat format() const override { return values_.format(); }
  bool encrypted() const override { return values_.encrypted(); }
  std::string identity() const override { return values_.identity(); }
  std::string name() const override { return database_->name(); }

  std::vector<AddedFace> add_faces(const std::string& person, std::span<const NewFace> faces) override;
  bool remove_person(const std::string& name) override;
  bool remove_face(std::int64_t face) override;
  bool rename_person(const std::string& from, const std::string& to) override;
  bool merge_people(const std::string& from, const std::string& into) override;

  std::vector<Person> people() const override;
  std::vector<Person> people(std::span<const std::int64_t> ids) const override;
  std::optional<Person> find_person(const std::string& name) const override;
  std::optional<Person> find_person(std::int64_t id) const override;
  std::int64_t face_count() const override;
  std::vector<StoredFace> faces(std::optional<std::int64_t> person) const override;
  std::optional<StoredFace> find_face(std::int64_t id) const override;
  std::vector<StoredFace> faces_of_photo(const std::string& photo_hash) const override;
  std::vector<FaceOwner> owners() const override;
  std::vector<FaceEvidence> evidence(std::span<const std::int64_t> faces) const override;
  void read_embeddings(std::int64_t after,
                       const std::function<void(FaceOwner, std::span<const float>)>& sink) const override;
  std::vector<float> embedding(std::int64_t face) const override;
  FaceEmbeddings embeddings(std::span<const std::int64_t> faces) const override;
  std::optional<std::string> note(const std::string& key) const override;
  void set_note(const std::string& key, const std::string& text) override;
  std::uint64_t note_version() const override;
  std::uint64_t version() const override;
  std::optional<Changes> changes_since(std::uint64_t version) const override;
  std::vector<std::string> check() const override;

 private:
  using Lock = std::lock_guard<std::recursive_mutex>;

  std::int64_t person_id(const std::string& name);
  std::optional<std::int64_t> find_id(const std::string& name) const;
  std::optional<std::int64_t> find_exactly(const std::string& name) const;
  KnownFaces known_faces(std::int64_t person, bool all) const;
  std::optional<std::int64_t> find_known(const NewFace& face, const KnownFaces& own,
                                         std::span<const float> embedding, bool& photo_known) const;
  AddedFace add_face(std::int64_t person, const std::string& name, const NewFace& face, KnownFaces& own);
  StoredFace face_from(const Statement& row) const;
  std::vector<StoredFace> faces_from(Statement& rows) const;
  Person person_from(const Statement& row) const;
  FaceEmbeddings embeddings_from(Statement& rows) const;
  std::uint64_t connection_version() const;

  // One connection: calls wait for each other. Recursive, for some members are made of others.
  mutable std::recursive_mutex mutex_;
  std::unique_ptr<Database> database_;
  mutable Statements statement_;
  SqliteMeta meta_;
  const RowValues& values_;
  mutable std::optional<std::map<std::string, std::int64_t>> untidy_;  // people by what they should be called
  mutable std::optional<ChangeLog> log_;                               // empty: format 1, opened for reading
};

std::optional<std::int64_t> SqliteStore::find_id(const std::string& name) const {
  if (const auto exact = find_exactly(name)) return exact;
  const std::string tidy = tidy_name(name);
  if (const auto found = tidy == name ? std::nullopt : find_exactly(tidy)) return found;
  // Names that only an older likeness could give: nobody makes more of them.
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

std::optional<std::int64_t> SqliteStore::find_exactly(const std::string& name) const {
  Statement& find = statement_("SELECT id FROM person WHERE name_key = ?");
  const Resetting guard(find);
  const Bytes key = values_.name_key(name);
  find.bind(1, std::span<const std::byte>(key));
  return find.step() ? std::optional(find.integer(0)) : std::nullopt;
}

std::int64_t SqliteStore::person_id(const std::string& name) {
  if (const auto id = find_id(name)) return *id;
  const Bytes key = values_.name_key(name);
  const Bytes sealed = values_.seal_name(name, key);
  Statement& insert = statement_("INSERT INTO person (name_key, name) VALUES (?, ?)");
  insert.bind(1, std::span<const std::byte>(key));
  if (encrypted()) {
    insert.bind(2, std::span<const std::byte>(sealed));
  } else {
    insert.bind(2, std::string_view(name));
  }
  insert.run();
  return sqlite3_last_insert_rowid(database_->handle());
}

/// Of one person those whose photo is not known; with `all` the others too.
KnownFaces SqliteStore::known_faces(std::int64_t person, bool all) const {
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
std::optional<std::int64_t> SqliteStore::find_known(const NewFace& face, const KnownFaces& own,
                                                    std::span<const float> embedding,
                                                    bool& photo_known) const {
  if (!face.photo_hash.empty()) {
    for (const StoredFace& known : faces_of_photo(face.photo_hash)) {
      photo_known = true;
      if (known.box == face.box || same_vector(this->embedding(known.id), embedding, format()))
        return known.id;
    }
  }
  return own.find(!face.photo_hash.empty(), embedding);
}

AddedFace SqliteStore::add_face(std::int64_t person, const std::string& name, const NewFace& face,
                                KnownFaces& own) {
  const Bytes hash = from_hex(face.photo_hash, "photo_hash");
  AddedFace added{.id = 0, .is_new = true, .person = name, .photo_known = false};
  const std::vector<float> stored = as_stored(face.embedding, format());
  if (const auto known = find_known(face, own, stored, added.photo_known)) {
    const auto owner = find_person(find_face(*known)->person);
    added.id = *known;
    added.is_new = false;
    added.person = owner ? owner->name : "";
    return added;
  }
  const Bytes embedding = values_.seal_embedding(face.embedding, hash, face.box);
  const Bytes photo = values_.seal_photo(face.photo, hash);
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  Statement& insert = statement_(
      "INSERT INTO face (person_id, photo, photo_hash, box_left, box_top, box_right, box_bottom, landmarks, "
      "size_px, sharpness, brightness, yaw, score, added_ms, embedding) VALUES "
      "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  insert.bind(1, person);
  if (encrypted()) {
    insert.bind(2, std::span<const std::byte>(photo));
  } else {
    insert.bind(2, std::string_view(face.photo));
  }
  if (hash.empty()) {
    insert.bind_null(3);
  } else {
    insert.bind(3, std::span<const std::byte>(hash));
  }
  const FaceQuality& q = face.quality;
  int column = 4;
  for (const float side : {face.box.left, face.box.top, face.box.right, face.box.bottom}) {
    insert.bind(column++, static_cast<double>(side));
  }
  insert.bind(column++, std::as_bytes(std::span(face.landmarks)));
  for (const float value : {q.size_px, q.sharpness, q.brightness, q.yaw, q.score}) {
    insert.bind(column++, static_cast<double>(value));
  }
  insert.bind(column++,
              static_cast<std::int64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count()));
  insert.bind(column, std::span<const std::byte>(embedding));
  insert.run();
  added.id = sqlite3_last_insert_rowid(database_->handle());
  log_->face(added.id, person);
  own.add(added.id, !hash.empty(), stored);
  return added;
}

std::vector<AddedFace> SqliteStore::add_faces(const std::string& given, std::span<const NewFace> faces) {
  const std::string person = checked_name(given);
  require_embeddings(faces, space().dimension);
  std::vector<AddedFace> added;
  if (faces.empty()) return added;
  const Lock lock(mutex_);
  Transaction change(*database_);
  log_->begin();
  const std::int64_t id = person_id(person);
  const bool all = std::ranges::any_of(faces, [](const NewFace& face) { return face.photo_hash.empty(); });
  KnownFaces own = known_faces(id, all);
  const std::string name = find_person(id)->name;  // as it is kept
  for (const NewFace& face : faces) added.push_back(add_face(id, name, face, own));
  // Else rolled back: nobody is left without a face, and nothing counts as changed.
  if (std::ranges::none_of(added, &AddedFace::is_new)) return added;
  log_->end();
  change.commit();
  return added;
}

bool SqliteStore::remove_person(const std::string& name) {
  const Lock lock(mutex_);
  Transaction change(*database_);
  const auto id = find_id(name);
  if (!id) return false;
  log_->begin();
  log_->faces_of(*id, std::nullopt);
  statement_("DELETE FROM person WHERE id = ?").bind(1, *id).run();
  log_->end();
  change.commit();
  return true;
}

bool SqliteStore::remove_face(std::int64_t face) {
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
  statement_("DELETE FROM person WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM face WHERE person_id = ?1)")
      .bind(1, owner)
      .run();
  log_->end();
  change.commit();
  return true;
}

bool SqliteStore::rename_person(const std::string& from, const std::string& new_name) {
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
  change.commit();
  return true;
}

bool SqliteStore::merge_people(const std::string& from, const std::string& into) {
  const Lock lock(mutex_);
  Transaction change(*database_);
  const auto source = find_id(from);
  const auto target = find_id(into);
  if (!source || !target) return false;
  if (*source == *target) return true;
  log_->begin();
  log_->faces_of(*source, *target);
  statement_("UPDATE face SET person_id = ? WHERE person_id = ?").bind(1, *target).bind(2, *source).run();
  statement_("DELETE FROM person WHERE id = ?").bind(1, *source).run();
  log_->end();
  change.commit();
  return true;
}

Person SqliteStore::person_from(const Statement& row) const {
  return {row.integer(0), values_.open_name(row.blob(2), row.blob(1)), row.integer(3)};
}

std::vector<Person> SqliteStore::people() const {
  const Lock lock(mutex_);
  Statement& rows = statement_(
      "SELECT id, name_key, name, (SELECT count(*) FROM face WHERE person_id = person.id) FROM person");
  const Resetting guard(rows);
  std::vector<Person> people;
  while (rows.step()) people.push_back(person_from(rows));
  std::ranges::sort(people, {}, &Person::name);
  return people;
}

std::vector<Person> SqliteStore::people(std::span<const std::int64_t> ids) const {
  const Lock lock(mutex_);
  Statement& rows = statement_(
      "SELECT id, name_key, name, (SELECT count(*) FROM face WHERE person_id = person.id) FROM person "
      "WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id");
  const Resetting guard(rows);
  const std::string asked = json_of(ids);
  rows.bind(1, std::string_view(asked));
  std::vector<Person> people;
  while (rows.step()) people.push_back(person_from(rows));
  return people;
}

std::optional<Person> SqliteStore::find_person(const std::string& name) const {
  const Lock lock(mutex_);
  const auto id = find_id(name);
  return id ? find_person(*id) : std::nullopt;
}

std::optional<Person> SqliteStore::find_person(std::int64_t id) const {
  const auto found = people(std::span(&id, 1));
  return found.empty() ? std::nullopt : std::optional(found[0]);
}

std::int64_t SqliteStore::face_count() const {
  const Lock lock(mutex_);
  Statement& row = statement_("SELECT count(*) FROM face");
  const Resetting guard(row);
  return row.step() ? row.integer(0) : 0;
}

StoredFace SqliteStore::face_from(const Statement& row) const {
  StoredFace face;
  face.id = row.integer(0);
  face.person = row.integer(1);
  face.photo = values_.open_photo(row.blob(2), row.blob(3));
  face.photo_hash = to_hex(row.blob(3));
  const auto real = [&](int column) { return static_cast<float>(row.real(column)); };
  face.box = {real(4), real(5), real(6), real(7)};
  const auto landmarks = row.blob(8);
  if (landmarks.size() != sizeof(face.landmarks)) {
    values_.damaged("the landmarks of face " + std::to_string(face.id) + " have " +
                    std::to_string(landmarks.size()) + " bytes, not " +
                    std::to_string(sizeof(face.landmarks)));
  }
  std::memcpy(face.landmarks.data(), landmarks.data(), landmarks.size());
  face.quality = {real(9), real(10), real(11), real(12), real(13)};
  face.added_ms = row.integer(14);
  return face;
}

std::vector<StoredFace> SqliteStore::faces_from(Statement& rows) const {
  std::vector<StoredFace> faces;
  while (rows.step()) faces.push_back(face_from(rows));
  return faces;
}

std::vector<StoredFace> SqliteStore::faces(std::optional<std::int64_t> person) const {
  const Lock lock(mutex_);
  static const std::string one = std::string(kFaceColumns) + "WHERE person_id = ? ORDER BY id";
  static const std::string all = std::string(kFaceColumns) + "ORDER BY id";
  Statement& rows = statement_(person ? one.c_str() : all.c_str());
  const Resetting guard(rows);
  if (person) rows.bind(1, *person);
  return faces_from(rows);
}

std::optional<StoredFace> SqliteStore::find_face(std::int64_t id) const {
  const Lock lock(mutex_);
  static const std::string sql = std::string(kFaceColumns) + "WHERE id = ?";
  Statement& row = statement_(sql.c_str());
  const Resetting guard(row);
  row.bind(1, id);
  return row.step() ? std::optional(face_from(row)) : std::nullopt;
}

std::vector<StoredFace> SqliteStore::faces_of_photo(const std::string& photo_hash) const {
  const Lock lock(mutex_);
  static const std::string sql = std::string(kFaceColumns) + "WHERE photo_hash = ? ORDER BY id";
  Statement& rows = statement_(sql.c_str());
  const Resetting guard(rows);
  const Bytes hash = from_hex(photo_hash, "photo_hash");
  rows.bind(1, std::span<const std::byte>(hash));
  return faces_from(rows);
}

std::vector<FaceOwner> SqliteStore::owners() const {
  const Lock lock(mutex_);
  // Answered by the index face_by_person alone: no embedding is read.
  Statement& rows = statement_("SELECT id, person_id FROM face INDEXED BY face_by_person");
  const Resetting guard(rows);
  std::vector<FaceOwner> owners;
  while (rows.step()) owners.push_back({rows.integer(0), rows.integer(1)});
  std::ranges::sort(owners, {}, &FaceOwner::face);
  return owners;
}

std::vector<FaceEvidence> SqliteStore::evidence(std::span<const std::int64_t> faces) const {
  const Lock lock(mutex_);
  Statement& rows = statement_(
      "SELECT face.id, person_id, name_key, name, photo, photo_hash FROM face JOIN person ON person.id = "
      "person_id WHERE face.id IN (SELECT value FROM json_each(?)) ORDER BY face.id");
  const Resetting guard(rows);
  const std::string asked = json_of(faces);
  rows.bind(1, std::string_view(asked));
  std::vector<FaceEvidence> evidence;
  while (rows.step()) {
    evidence.push_back({rows.integer(0), rows.integer(1), values_.open_name(rows.blob(3), rows.blob(2)),
                        values_.open_photo(rows.blob(4), rows.blob(5))});
  }
  return evidence;
}

FaceEmbeddings SqliteStore::embeddings_from(Statement& rows) const {
  const std::size_t d = space().dimension;
  FaceEmbeddings found{{}, {d, {}}};
  while (rows.step()) {
    const auto real = [&](int column) { return static_cast<float>(rows.real(column)); };
    found.faces.push_back({rows.integer(0), rows.integer(1)});
    found.embeddings.values.resize(found.faces.size() * d);
    values_.open_embedding(rows.blob(7), rows.blob(2), {real(3), real(4), real(5), real(6)}, rows.integer(0),
                           std::span(found.embeddings.values).last(d));
  }
  return found;
}

void SqliteStore::read_embeddings(std::int64_t after,
                                  const std::function<void(FaceOwner, std::span<const float>)>& sink) const {
  // A piece at a time, so that others get their turn, and the sink may take as long as it wants.
  constexpr std::int64_t kAtOnce = 1000;
  for (FaceEmbeddings piece;; after = piece.faces.back().face) {
    {
      const Lock lock(mutex_);
      static const std::string sql = std::string(kEmbeddingColumns) + "WHERE id > ? ORDER BY id LIMIT ?";
      Statement& rows = statement_(sql.c_str());
      const Resetting guard(rows);
      rows.bind(1, after).bind(2, kAtOnce);
      piece = embeddings_from(rows);
    }
    for (std::size_t i = 0; i < piece.faces.size(); ++i) sink(piece.faces[i], piece.embeddings[i]);
    if (piece.faces.size() < kAtOnce) return;
  }
}

std::vector<float> SqliteStore::embedding(std::int64_t face) const {
  return embeddings(std::span(&face, 1)).embeddings.values;
}

FaceEmbeddings SqliteStore::embeddings(std::span<const std::int64_t> faces) const {
  const Lock lock(mutex_);
  static const std::string sql =
      std::string(kEmbeddingColumns) + "WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id";
  Statement& rows = statement_(sql.c_str());
  const Resetting guard(rows);
  const std::string asked = json_of(faces);
  rows.bind(1, std::string_view(asked));
  return embeddings_from(rows);
}

std::optional<std::string> SqliteStore::note(const std::string& key) const {
  const Lock lock(mutex_);
  return meta_field(statement_, "note:" + key);
}

void SqliteStore::set_note(const std::string& key, const std::string& text) {
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

std::uint64_t SqliteStore::note_version() const {
  const Lock lock(mutex_);
  return log_ ? log_->note_version() : connection_version();
}

std::uint64_t SqliteStore::version() const {
  const Lock lock(mutex_);
  return log_ ? log_->version() : connection_version();
}

std::uint64_t SqliteStore::connection_version() const {
  // data_version counts other connections' commits, of people and notes alike; nothing is changed by this
  // one.
  Statement& row = statement_("PRAGMA data_version");
  const Resetting guard(row);
  return row.step() ? static_cast<std::uint64_t>(row.integer(0)) : 0;
}

std::optional<Changes> SqliteStore::changes_since(std::uint64_t version) const {
  const Lock lock(mutex_);
  return log_ ? log_->since(version) : std::nullopt;
}

std::vector<std::string> SqliteStore::check() const {
  const Lock lock(mutex_);
  std::vector<std::string> wrong;
  Statement integrity(*database_, "PRAGMA integrity_check");
  while (integrity.step()) {
    if (const std::string line = integrity.text(0); line != "ok") wrong.push_back("file: " + line);
  }
  if (!wrong.empty()) return wrong;
  Statement keys(*database_, "PRAGMA foreign_key_check");
  while (keys.step()) {
    wrong.push_back("row " + std::to_string(keys.integer(1)) + " of " + keys.text(0) + " belongs to nobody");
  }
  const auto note_error = [&](const auto& work) {
    try {
      work();
    } catch (const Error& error) {
      wrong.emplace_back(error.what());
    }
  };
  note_error([&] {
    for (const Person& person : people()) {
      if (person.faces == 0) wrong.push_back(person.name + " has no face");
    }
  });
  if (log_) {
    note_error([&] { static_cast<void>(log_->since(log_->version())); });
    note_error([&] { static_cast<void>(log_->note_version()); });
  }
  for (const FaceOwner& owner : owners()) {
    note_error([&] { static_cast<void>(embedding(owner.face)); });
    note_error([&] { static_cast<void>(find_face(owner.face)); });
  }
  return wrong;
}

}  // namespace

std::unique_ptr<GalleryStore> open_sqlite_gallery(const std::filesystem::path& path,
                                                  const OpenOptions& options) {
  return std::make_unique<SqliteStore>(open_gallery_file(path, options), options);
}

}  // namespace likeness
