#include "likeness/gallery/sqlite_store.h"

#include <fcntl.h>
#include <sodium.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstring>
#include <stdexcept>

#include "likeness/core/error.h"
#include "likeness/embed/byte_values.h"
#include "likeness/gallery/sqlite.h"
#include "likeness/gallery/vault.h"

namespace likeness {
namespace {

static_assert(std::endian::native == std::endian::little, "the format is little-endian");

using Bytes = std::vector<std::byte>;
using sqlite::Database;
using sqlite::Resetting;
using sqlite::Statement;
using sqlite::Transaction;

constexpr int kApplicationId = 0x4C4B4E53;  // "LKNS"
constexpr int kFormatVersion = 1;
constexpr std::size_t kMaxDimension = 65536;
constexpr std::size_t kMaxNameBytes = 1000;
constexpr std::string_view kUnlockText = "likeness gallery";

/// What sqlite_master must say, sorted by name; a file with anything else (triggers, views) is refused.
struct SchemaPart {
  const char* name;
  const char* sql;
};
constexpr SchemaPart kSchema[] = {
    {"face",
     "CREATE TABLE face (id INTEGER PRIMARY KEY AUTOINCREMENT, person_id INTEGER NOT NULL REFERENCES "
     "person(id) ON DELETE CASCADE, photo BLOB NOT NULL, photo_hash BLOB, box_left REAL NOT NULL, box_top "
     "REAL "
     "NOT NULL, box_right REAL NOT NULL, box_bottom REAL NOT NULL, landmarks BLOB NOT NULL, size_px REAL NOT "
     "NULL, sharpness REAL NOT NULL, brightness REAL NOT NULL, yaw REAL NOT NULL, score REAL NOT NULL, "
     "added_ms "
     "INTEGER NOT NULL, embedding BLOB NOT NULL)"},
    {"face_by_person", "CREATE INDEX face_by_person ON face(person_id)"},
    {"face_by_photo",
     "CREATE UNIQUE INDEX face_by_photo ON face(photo_hash, box_left, box_top, box_right, box_bottom)"},
    {"meta", "CREATE TABLE meta (key TEXT PRIMARY KEY NOT NULL, value BLOB NOT NULL) WITHOUT ROWID"},
    {"person",
     "CREATE TABLE person (id INTEGER PRIMARY KEY AUTOINCREMENT, name_key BLOB NOT NULL UNIQUE, name BLOB "
     "NOT "
     "NULL)"},
};

std::span<const std::byte> as_bytes(std::string_view text) { return std::as_bytes(std::span(text)); }
std::string as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Bytes from_hex(const std::string& hex, const std::string& what) {
  Bytes bytes(hex.size() / 2);
  if (hex.empty()) return bytes;  // libsodium takes no null pointer
  std::size_t length = 0;
  if (sodium_hex2bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), hex.data(), hex.size(),
                     nullptr, &length, nullptr) != 0 ||
      length * 2 != hex.size()) {
    throw std::invalid_argument(what + " must be hexadecimal digits");
  }
  return bytes;
}

std::string to_hex(std::span<const std::byte> bytes) {
  std::string hex(bytes.size() * 2 + 1, '\0');
  sodium_bin2hex(hex.data(), hex.size(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  hex.pop_back();
  return hex;
}

void require_name(const std::string& name) {
  const bool printable = std::ranges::none_of(name, [](unsigned char c) { return c < 32 || c == 127; });
  if (name.empty() || name.size() > kMaxNameBytes || !printable) {
    throw std::invalid_argument("a person's name must be 1 to 1000 bytes without control characters");
  }
  if (name == "unknown")
    throw std::invalid_argument("\"unknown\" is what strangers are called; choose another name");
}

class SqliteStore final : public GalleryStore {
 public:
  SqliteStore(const std::filesystem::path& path, std::unique_ptr<Database> database,
              const OpenOptions& options);

  const EmbeddingSpace& space() const override { return space_; }
  EmbeddingFormat format() const override { return format_; }
  bool encrypted() const override { return vault_ != nullptr; }
  std::string identity() const override { return identity_; }

  std::vector<AddedFace> add_faces(const std::string& person, std::span<const NewFace> faces) override;
  bool remove_person(const std::string& name) override;
  bool remove_face(std::int64_t face) override;
  bool rename_person(const std::string& from, const std::string& to) override;
  bool merge_people(const std::string& from, const std::string& into) override;

  std::vector<Person> people() const override;
  std::optional<Person> find_person(const std::string& name) const override;
  std::optional<Person> find_person(std::int64_t id) const override;
  std::int64_t face_count() const override;
  std::vector<StoredFace> faces(std::optional<std::int64_t> person) const override;
  std::optional<StoredFace> find_face(std::int64_t id) const override;
  std::vector<StoredFace> faces_of_photo(const std::string& photo_hash) const override;
  std::vector<FaceOwner> owners() const override;
  void read_embeddings(std::int64_t after,
                       const std::function<void(FaceOwner, std::span<const float>)>& sink) const override;
  std::vector<float> embedding(std::int64_t face) const override;
  std::optional<std::string> note(const std::string& key) const override;
  void set_note(const std::string& key, const std::string& text) override;
  std::uint64_t version() const override;
  std::vector<std::string> check() const override;

 private:
  [[noreturn]] void damaged(const std::string& what) const {
    throw Error(ErrorCode::kDataInvalid,
                path_ + ": damaged: " + what + "; `gallery check` lists everything wrong");
  }
  Statement& cached(const char* sql) const;
  std::optional<std::string> meta(const std::string& key) const;

  Bytes seal(std::span<const std::byte> plain, const std::string& context) const;
  Bytes open(std::span<const std::byte> stored, const std::string& context, const char* what) const;
  Bytes name_key(const std::string& name) const;
  std::string name_of(const Statement& row, int key_column, int name_column) const;
  Bytes encode_embedding(std::span<const float> values) const;
  void decode_embedding(std::span<const std::byte> bytes, std::int64_t face, std::span<float> out) const;
  std::string face_context(std::span<const std::byte> photo_hash, const Box& box) const;

  std::int64_t person_id(const std::string& name);
  std::optional<std::int64_t> find_id(const std::string& name) const;
  AddedFace add_face(std::int64_t person, const std::string& name, const NewFace& face);
  StoredFace face_from(const Statement& row) const;
  std::vector<StoredFace> faces_from(Statement& rows) const;

  std::string path_;
  std::unique_ptr<Database> database_;
  mutable std::vector<std::pair<const char*, std::unique_ptr<Statement>>> statements_;  // keyed by literal
  EmbeddingSpace space_;
  EmbeddingFormat format_ = EmbeddingFormat::kF32;
  std::string identity_;
  std::unique_ptr<Vault> vault_;
};

constexpr const char* kFaceColumns =
    "SELECT id, person_id, photo, photo_hash, box_left, box_top, box_right, box_bottom, landmarks, size_px, "
    "sharpness, brightness, yaw, score, added_ms FROM face ";

SqliteStore::SqliteStore(const std::filesystem::path& path, std::unique_ptr<Database> database,
                         const OpenOptions& options)
    : path_(path.string()), database_(std::move(database)) {
  const auto required = [&](const char* key) {
    auto value = meta(key);
    if (!value) damaged(std::string("field ") + key + " is missing");
    return *value;
  };
  space_.set_id(required("contract_id"));
  space_.contract = required("contract");
  space_.precision = required("precision");
  identity_ = required("identity");
  const std::string dimension = required("dimension");
  const bool digits = !dimension.empty() && dimension.size() <= 5 &&
                      std::ranges::all_of(dimension, [](char c) { return c >= '0' && c <= '9'; });
  space_.dimension = digits ? std::stoul(dimension) : 0;
  if (space_.dimension == 0 || space_.dimension > kMaxDimension) damaged("dimension is '" + dimension + "'");
  const std::string format = required("embedding_format");
  if (format != "f32" && format != "int8") damaged("embedding_format is '" + format + "'");
  format_ = format == "int8" ? EmbeddingFormat::kInt8 : EmbeddingFormat::kF32;

  const auto salt_text = meta("salt");
  if (!salt_text) return;
  if (!options.passphrase) {
    throw Error(ErrorCode::kDataInvalid,
                path_ + ": encrypted; give its passphrase with --key-file or LIKENESS_GALLERY_KEY");
  }
  Vault::Salt salt;
  if (salt_text->size() != salt.size()) damaged("salt has " + std::to_string(salt_text->size()) + " bytes");
  std::memcpy(salt.data(), salt_text->data(), salt.size());
  vault_ = std::make_unique<Vault>(*options.passphrase, salt);
  if (!vault_->open(as_bytes(required("unlock")), "unlock" + identity_)) {
    throw Error(ErrorCode::kDataInvalid, path_ + ": wrong passphrase");
  }
}

Statement& SqliteStore::cached(const char* sql) const {
  for (const auto& [key, statement] : statements_) {
    if (key == sql) return *statement;
  }
  statements_.emplace_back(sql, std::make_unique<Statement>(*database_, sql));
  return *statements_.back().second;
}

std::optional<std::string> SqliteStore::meta(const std::string& key) const {
  Statement& get = cached("SELECT value FROM meta WHERE key = ?");
  const Resetting guard(get);
  get.bind(1, std::string_view(key));
  return get.step() ? std::optional(get.text(0)) : std::nullopt;
}

Bytes SqliteStore::seal(std::span<const std::byte> plain, const std::string& context) const {
  return vault_ ? vault_->seal(plain, context + identity_) : Bytes(plain.begin(), plain.end());
}

Bytes SqliteStore::open(std::span<const std::byte> stored, const std::string& context,
                        const char* what) const {
  if (!vault_) return {stored.begin(), stored.end()};
  auto plain = vault_->open(stored, context + identity_);
  if (!plain) damaged(std::string("a ") + what + " does not decrypt");
  return *std::move(plain);
}

Bytes SqliteStore::name_key(const std::string& name) const {
  if (vault_) return vault_->fingerprint(name);
  const auto bytes = as_bytes(name);
  return {bytes.begin(), bytes.end()};
}

std::string SqliteStore::name_of(const Statement& row, int key_column, int name_column) const {
  return as_text(open(row.blob(name_column), "name" + as_text(row.blob(key_column)), "name"));
}

std::string SqliteStore::face_context(std::span<const std::byte> photo_hash, const Box& box) const {
  return "face" + as_text(photo_hash) + as_text(std::as_bytes(std::span(&box, 1)));
}

Bytes SqliteStore::encode_embedding(std::span<const float> values) const {
  if (format_ == EmbeddingFormat::kF32) {
    const auto bytes = std::as_bytes(values);
    return {bytes.begin(), bytes.end()};
  }
  Bytes bytes(sizeof(float) + values.size());
  const float scale =
      quantize(values, {reinterpret_cast<std::int8_t*>(bytes.data() + sizeof(float)), values.size()});
  std::memcpy(bytes.data(), &scale, sizeof(float));
  return bytes;
}

void SqliteStore::decode_embedding(std::span<const std::byte> bytes, std::int64_t face,
                                   std::span<float> out) const {
  const bool f32 = format_ == EmbeddingFormat::kF32;
  const std::size_t expected = f32 ? out.size() * sizeof(float) : out.size() + sizeof(float);
  if (bytes.size() != expected) {
    damaged("the embedding of face " + std::to_string(face) + " has " + std::to_string(bytes.size()) +
            " bytes, not " + std::to_string(expected));
  }
  if (f32) {
    std::memcpy(out.data(), bytes.data(), bytes.size());
  } else {
    float scale = 0;
    std::memcpy(&scale, bytes.data(), sizeof(float));
    const auto* values = reinterpret_cast<const std::int8_t*>(bytes.data() + sizeof(float));
    for (std::size_t j = 0; j < out.size(); ++j) out[j] = scale * static_cast<float>(values[j]);
  }
  double squares = 0;
  for (const float value : out) squares += static_cast<double>(value) * value;
  if (!(std::abs(squares - 1) < 1e-3)) {  // false for NaN as well
    damaged("the embedding of face " + std::to_string(face) + " is not of unit length");
  }
}

std::optional<std::int64_t> SqliteStore::find_id(const std::string& name) const {
  Statement& find = cached("SELECT id FROM person WHERE name_key = ?");
  const Resetting guard(find);
  const Bytes key = name_key(name);
  find.bind(1, std::span<const std::byte>(key));
  return find.step() ? std::optional(find.integer(0)) : std::nullopt;
}

std::int64_t SqliteStore::person_id(const std::string& name) {
  if (const auto id = find_id(name)) return *id;
  const Bytes key = name_key(name);
  const Bytes sealed = seal(as_bytes(name), "name" + as_text(key));
  Statement& insert = cached("INSERT INTO person (name_key, name) VALUES (?, ?)");
  insert.bind(1, std::span<const std::byte>(key));
  if (vault_) {
    insert.bind(2, std::span<const std::byte>(sealed));
  } else {
    insert.bind(2, std::string_view(name));
  }
  insert.run();
  return sqlite3_last_insert_rowid(database_->handle());
}

AddedFace SqliteStore::add_face(std::int64_t person, const std::string& name, const NewFace& face) {
  const Bytes hash = from_hex(face.photo_hash, "photo_hash");
  AddedFace added{.id = 0, .is_new = true, .person = name, .photo_known = false};
  if (!hash.empty()) {
    for (const StoredFace& known : faces_of_photo(face.photo_hash)) {
      added.photo_known = true;
      if (!(known.box == face.box)) continue;
      const auto owner = find_person(known.person);
      return {.id = known.id, .is_new = false, .person = owner ? owner->name : "", .photo_known = true};
    }
  }
  const std::string context = face_context(hash, face.box);
  const Bytes embedding = seal(encode_embedding(face.embedding), context);
  const Bytes photo = seal(as_bytes(face.photo), "photo" + as_text(hash));
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  Statement& insert = cached(
      "INSERT INTO face (person_id, photo, photo_hash, box_left, box_top, box_right, box_bottom, landmarks, "
      "size_px, sharpness, brightness, yaw, score, added_ms, embedding) VALUES "
      "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  insert.bind(1, person);
  if (vault_) {
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
  return added;
}

std::vector<AddedFace> SqliteStore::add_faces(const std::string& person, std::span<const NewFace> faces) {
  require_name(person);
  for (const NewFace& face : faces) {
    double squares = 0;
    for (const float value : face.embedding) squares += static_cast<double>(value) * value;
    if (face.embedding.size() != space_.dimension || !(std::abs(squares - 1) < 1e-4)) {
      throw std::invalid_argument("an embedding must have " + std::to_string(space_.dimension) +
                                  " values and unit length");
    }
  }
  std::vector<AddedFace> added;
  if (faces.empty()) return added;
  Transaction change(*database_);
  const bool known_person = find_id(person).has_value();
  const std::int64_t id = person_id(person);
  for (const NewFace& face : faces) added.push_back(add_face(id, person, face));
  const bool any_new = std::ranges::any_of(added, &AddedFace::is_new);
  if (!known_person && !any_new) return added;  // rolled back: nobody is left without a face
  change.commit();
  return added;
}

bool SqliteStore::remove_person(const std::string& name) {
  Transaction change(*database_);
  const Bytes key = name_key(name);
  cached("DELETE FROM person WHERE name_key = ?").bind(1, std::span<const std::byte>(key)).run();
  const bool removed = sqlite3_changes(database_->handle()) > 0;
  change.commit();
  return removed;
}

bool SqliteStore::remove_face(std::int64_t face) {
  Transaction change(*database_);
  std::int64_t owner = 0;
  {
    Statement& find = cached("SELECT person_id FROM face WHERE id = ?");
    const Resetting guard(find);
    find.bind(1, face);
    if (!find.step()) return false;
    owner = find.integer(0);
  }
  cached("DELETE FROM face WHERE id = ?").bind(1, face).run();
  cached("DELETE FROM person WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM face WHERE person_id = ?1)")
      .bind(1, owner)
      .run();
  change.commit();
  return true;
}

bool SqliteStore::rename_person(const std::string& from, const std::string& to) {
  require_name(to);
  Transaction change(*database_);
  const auto id = find_id(from);
  if (!id) return false;
  if (from != to && find_id(to)) {
    throw Error(ErrorCode::kDataInvalid,
                path_ + ": " + to + " is enrolled already; use merge to make them one");
  }
  const Bytes key = name_key(to);
  const Bytes sealed = seal(as_bytes(to), "name" + as_text(key));
  Statement& update = cached("UPDATE person SET name_key = ?, name = ? WHERE id = ?");
  update.bind(1, std::span<const std::byte>(key)).bind(3, *id);
  if (vault_) {
    update.bind(2, std::span<const std::byte>(sealed));
  } else {
    update.bind(2, std::string_view(to));
  }
  update.run();
  change.commit();
  return true;
}

bool SqliteStore::merge_people(const std::string& from, const std::string& into) {
  Transaction change(*database_);
  const auto source = find_id(from);
  const auto target = find_id(into);
  if (!source || !target) return false;
  if (*source == *target) return true;
  cached("UPDATE face SET person_id = ? WHERE person_id = ?").bind(1, *target).bind(2, *source).run();
  cached("DELETE FROM person WHERE id = ?").bind(1, *source).run();
  change.commit();
  return true;
}

std::vector<Person> SqliteStore::people() const {
  Statement& rows = cached(
      "SELECT id, name_key, name, (SELECT count(*) FROM face WHERE person_id = person.id) FROM person");
  const Resetting guard(rows);
  std::vector<Person> people;
  while (rows.step()) people.push_back({rows.integer(0), name_of(rows, 1, 2), rows.integer(3)});
  std::ranges::sort(people, {}, &Person::name);
  return people;
}

std::optional<Person> SqliteStore::find_person(const std::string& name) const {
  const auto id = find_id(name);
  return id ? find_person(*id) : std::nullopt;
}

std::optional<Person> SqliteStore::find_person(std::int64_t id) const {
  Statement& row = cached(
      "SELECT id, name_key, name, (SELECT count(*) FROM face WHERE person_id = person.id) FROM person WHERE "
      "id "
      "= ?");
  const Resetting guard(row);
  row.bind(1, id);
  if (!row.step()) return std::nullopt;
  return Person{row.integer(0), name_of(row, 1, 2), row.integer(3)};
}

std::int64_t SqliteStore::face_count() const {
  Statement& row = cached("SELECT count(*) FROM face");
  const Resetting guard(row);
  return row.step() ? row.integer(0) : 0;
}

StoredFace SqliteStore::face_from(const Statement& row) const {
  StoredFace face;
  face.id = row.integer(0);
  face.person = row.integer(1);
  const auto hash = row.blob(3);
  face.photo = as_text(open(row.blob(2), "photo" + as_text(hash), "photo's path"));
  face.photo_hash = to_hex(row.blob(3));
  const auto real = [&](int column) { return static_cast<float>(row.real(column)); };
  face.box = {real(4), real(5), real(6), real(7)};
  const auto landmarks = row.blob(8);
  if (landmarks.size() != sizeof(face.landmarks)) {
    damaged("the landmarks of face " + std::to_string(face.id) + " have " + std::to_string(landmarks.size()) +
            " bytes, not " + std::to_string(sizeof(face.landmarks)));
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
  static const std::string one = std::string(kFaceColumns) + "WHERE person_id = ? ORDER BY id";
  static const std::string all = std::string(kFaceColumns) + "ORDER BY id";
  Statement& rows = cached(person ? one.c_str() : all.c_str());
  const Resetting guard(rows);
  if (person) rows.bind(1, *person);
  return faces_from(rows);
}

std::optional<StoredFace> SqliteStore::find_face(std::int64_t id) const {
  static const std::string sql = std::string(kFaceColumns) + "WHERE id = ?";
  Statement& row = cached(sql.c_str());
  const Resetting guard(row);
  row.bind(1, id);
  return row.step() ? std::optional(face_from(row)) : std::nullopt;
}

std::vector<StoredFace> SqliteStore::faces_of_photo(const std::string& photo_hash) const {
  static const std::string sql = std::string(kFaceColumns) + "WHERE photo_hash = ? ORDER BY id";
  Statement& rows = cached(sql.c_str());
  const Resetting guard(rows);
  const Bytes hash = from_hex(photo_hash, "photo_hash");
  rows.bind(1, std::span<const std::byte>(hash));
  return faces_from(rows);
}

std::vector<FaceOwner> SqliteStore::owners() const {
  // Answered by the index face_by_person alone: no embedding is read.
  Statement& rows = cached("SELECT id, person_id FROM face INDEXED BY face_by_person");
  const Resetting guard(rows);
  std::vector<FaceOwner> owners;
  while (rows.step()) owners.push_back({rows.integer(0), rows.integer(1)});
  std::ranges::sort(owners, {}, &FaceOwner::face);
  return owners;
}

void SqliteStore::read_embeddings(std::int64_t after,
                                  const std::function<void(FaceOwner, std::span<const float>)>& sink) const {
  // A statement of its own: the sink may call this store.
  Statement rows(
      *database_,
      "SELECT id, person_id, photo_hash, box_left, box_top, box_right, box_bottom, embedding FROM face "
      "WHERE id > ? ORDER BY id");
  rows.bind(1, after);
  std::vector<float> values(space_.dimension);
  while (rows.step()) {
    const auto real = [&](int column) { return static_cast<float>(rows.real(column)); };
    const FaceOwner owner{rows.integer(0), rows.integer(1)};
    if (vault_) {
      const std::string context = face_context(rows.blob(2), {real(3), real(4), real(5), real(6)});
      decode_embedding(open(rows.blob(7), context, "embedding"), owner.face, values);
    } else {
      decode_embedding(rows.blob(7), owner.face, values);
    }
    sink(owner, values);
  }
}

std::vector<float> SqliteStore::embedding(std::int64_t face) const {
  Statement& row =
      cached("SELECT photo_hash, box_left, box_top, box_right, box_bottom, embedding FROM face WHERE id = ?");
  const Resetting guard(row);
  row.bind(1, face);
  if (!row.step()) return {};
  const auto real = [&](int column) { return static_cast<float>(row.real(column)); };
  std::vector<float> values(space_.dimension);
  const std::string context = face_context(row.blob(0), {real(1), real(2), real(3), real(4)});
  decode_embedding(open(row.blob(5), context, "embedding"), face, values);
  return values;
}

std::optional<std::string> SqliteStore::note(const std::string& key) const { return meta("note:" + key); }

void SqliteStore::set_note(const std::string& key, const std::string& text) {
  const std::string full_key = "note:" + key;
  Transaction change(*database_);
  cached("INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value")
      .bind(1, std::string_view(full_key))
      .bind(2, std::string_view(text))
      .run();
  change.commit();
}

std::uint64_t SqliteStore::version() const {
  // data_version counts other connections' commits, total_changes our own; both only rise.
  Statement& row = cached("PRAGMA data_version");
  const Resetting guard(row);
  const std::uint64_t others = row.step() ? static_cast<std::uint64_t>(row.integer(0)) : 0;
  return (others << 32) + static_cast<std::uint32_t>(sqlite3_total_changes(database_->handle()));
}

std::vector<std::string> SqliteStore::check() const {
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
  for (const FaceOwner& owner : owners()) {
    note_error([&] { static_cast<void>(embedding(owner.face)); });
    note_error([&] { static_cast<void>(find_face(owner.face)); });
  }
  return wrong;
}

void configure(Database& database, int lock_timeout_ms) {
  sqlite3_busy_timeout(database.handle(), lock_timeout_ms);
  sqlite3_db_config(database.handle(), SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(database.handle(), SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  // synchronous=FULL: in WAL mode a commit returns after its bytes are on the disk. secure_delete: a removed
  // face is overwritten, not only unlinked. mmap_size=0: a file cut short is an error, not a SIGBUS.
  database.execute(
      "PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA temp_store = "
      "MEMORY; "
      "PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0");
}

std::int64_t pragma(Database& database, const char* sql) {
  Statement row(database, sql);
  return row.step() ? row.integer(0) : 0;
}

void require_our_schema(Database& database) {
  if (pragma(database, "PRAGMA application_id") != kApplicationId) {
    throw Error(ErrorCode::kDataInvalid, database.name() + ": a SQLite database, but not a gallery");
  }
  const std::int64_t version = pragma(database, "PRAGMA user_version");
  if (version > kFormatVersion) {
    throw Error(ErrorCode::kDataInvalid, database.name() + ": gallery format " + std::to_string(version) +
                                             ", made by a newer likeness; this one reads format " +
                                             std::to_string(kFormatVersion));
  }
  if (version != kFormatVersion) {
    throw Error(ErrorCode::kDataInvalid,
                database.name() + ": damaged: gallery format " + std::to_string(version) + " never existed");
  }
  Statement rows(
      database,
      "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite^_%' ESCAPE '^' ORDER BY name");
  std::size_t count = 0;
  while (rows.step()) {
    const std::string name = rows.text(0);
    if (count >= std::size(kSchema) || name != kSchema[count].name || rows.text(1) != kSchema[count].sql) {
      throw Error(ErrorCode::kDataInvalid,
                  database.name() + ": damaged: unexpected definition of '" + name + "'");
    }
    ++count;
  }
  if (count != std::size(kSchema)) {
    throw Error(ErrorCode::kDataInvalid,
                database.name() + ": damaged: table '" + kSchema[count].name + "' is missing");
  }
}

std::unique_ptr<Database> connect(const std::filesystem::path& path, const OpenOptions& options,
                                  const std::string& uri_options) {
  auto database = std::make_unique<Database>(
      path, options.read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE, uri_options);
  configure(*database, options.lock_timeout_ms);
  require_our_schema(*database);
  return database;
}

void sync_folder(const std::filesystem::path& path) {
  const auto folder = path.parent_path().empty() ? std::filesystem::path(".") : path.parent_path();
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

/// Removes a half-made gallery unless it got its final name.
struct Temporary {
  std::filesystem::path path;
  ~Temporary() {
    std::error_code ignored;
    for (const char* tail : {"", "-wal", "-shm", "-journal"}) {
      std::filesystem::remove(path.string() + tail, ignored);
    }
  }
};

void write_meta(Database& database, const EmbeddingSpace& space, const CreateOptions& options) {
  Statement insert(database, "INSERT INTO meta (key, value) VALUES (?, ?)");
  const auto put = [&](std::string_view key, std::string_view value) {
    insert.bind(1, key).bind(2, value).run();
  };
  const auto put_bytes = [&](std::string_view key, std::span<const std::byte> value) {
    insert.bind(1, key).bind(2, value).run();
  };
  const std::string identity = to_hex(Vault::new_salt());
  put("identity", identity);
  put("contract_id", space.id());
  put("contract", space.contract);
  put("precision", space.precision);
  put("dimension", std::to_string(space.dimension));
  put("embedding_format", options.format == EmbeddingFormat::kInt8 ? "int8" : "f32");
  if (!options.passphrase) return;
  const Vault::Salt salt = Vault::new_salt();
  put_bytes("salt", salt);
  put_bytes("unlock", Vault(*options.passphrase, salt).seal(as_bytes(kUnlockText), "unlock" + identity));
}

}  // namespace

std::unique_ptr<GalleryStore> open_sqlite_gallery(const std::filesystem::path& path,
                                                  const OpenOptions& options) {
  std::error_code trouble;
  if (!std::filesystem::is_regular_file(path, trouble)) {
    throw Error(ErrorCode::kInputUnreadable, path.string() + ": no such gallery; `gallery add` makes one");
  }
  if (::access(path.c_str(), R_OK) != 0) {
    throw Error(ErrorCode::kInputUnreadable,
                path.string() + ": may not be read (" + std::strerror(errno) + ")");
  }
  std::unique_ptr<Database> database;
  try {
    database = connect(path, options, {});
  } catch (const Error& error) {
    // A folder that cannot be written has no place for SQLite's -shm file; without a -wal file nothing can be
    // pending, and the file may be read as it is.
    const bool retry = options.read_only && error.code() == ErrorCode::kOutputUnwritable &&
                       !std::filesystem::exists(path.string() + "-wal", trouble);
    if (!retry) throw;
    database = connect(path, options, "?immutable=1");
  }
  if (!options.read_only && sqlite3_db_readonly(database->handle(), "main") == 1) {
    throw Error(ErrorCode::kOutputUnwritable, path.string() + ": read-only; its permissions forbid changes");
  }
  return std::make_unique<SqliteStore>(path, std::move(database), options);
}

void create_sqlite_gallery(const std::filesystem::path& path, const EmbeddingSpace& space,
                           const CreateOptions& options) {
  if (space.contract_id.empty() || space.dimension == 0 || space.dimension > kMaxDimension) {
    throw std::invalid_argument("a gallery needs a contract id and a dimension of 1 to 65536");
  }
  // Made under another name and linked into place: killed half-way, there is no gallery; of two processes
  // that make the same one, one is refused.
  const Temporary temporary{path.string() + ".new-" + std::to_string(::getpid())};
  {
    Database database(temporary.path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    database.execute("PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
    Transaction change(database);
    for (const SchemaPart& part : {kSchema[4], kSchema[0], kSchema[1], kSchema[2], kSchema[3]}) {
      database.execute(part.sql);
    }
    database.execute(("PRAGMA application_id = " + std::to_string(kApplicationId)).c_str());
    database.execute(("PRAGMA user_version = " + std::to_string(kFormatVersion)).c_str());
    write_meta(database, space, options);
    change.commit();
  }
  if (::link(temporary.path.c_str(), path.c_str()) != 0) {
    const int reason = errno;
    throw Error(
        ErrorCode::kOutputUnwritable,
        path.string() + (reason == EEXIST ? ": exists already" : std::string(": ") + std::strerror(reason)));
  }
  sync_folder(path);
}

}  // namespace likeness
