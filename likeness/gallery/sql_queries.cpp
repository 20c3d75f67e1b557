#include <algorithm>
#include <cstring>

#include "likeness/core/error.h"
#include "likeness/gallery/sql_store.h"

namespace likeness {

using sql::Resetting;
using sql::Statement;

namespace {

constexpr const char* kFaceColumns =
    "SELECT id, person_id, photo, photo_hash, box_left, box_top, box_right, box_bottom, landmarks, size_px, "
    "sharpness, brightness, yaw, score, added_ms, EXISTS (SELECT 1 FROM face_crop WHERE face_id = face.id), "
    "?size "
    "FROM face ";

std::array<std::string, 2> faces_by(const char* condition) {
  return sql::with_and_without_sizes(std::string(kFaceColumns) + condition);
}

}  // namespace

Person SqlStore::person_from(const Statement& row) const {
  return {row.integer(0), values_.open_name(row.blob(2), row.blob(1)), row.integer(3)};
}

std::vector<Person> SqlStore::people() const {
  const Lock lock(mutex_);
  Statement& rows = statement_(
      "SELECT id, name_key, name, (SELECT count(*) FROM face WHERE person_id = person.id) FROM person");
  const Resetting guard(rows);
  std::vector<Person> people;
  while (rows.step()) people.push_back(person_from(rows));
  std::ranges::sort(people, {}, &Person::name);
  return people;
}

std::vector<Person> SqlStore::people(std::span<const std::int64_t> ids) const {
  const Lock lock(mutex_);
  Statement& rows = statement_(
      "SELECT id, name_key, name, (SELECT count(*) FROM face WHERE person_id = person.id) FROM person "
      "WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id");
  const Resetting guard(rows);
  rows.bind_list(1, ids);
  std::vector<Person> people;
  while (rows.step()) people.push_back(person_from(rows));
  return people;
}

std::optional<Person> SqlStore::find_person(const std::string& name) const {
  const Lock lock(mutex_);
  const auto id = find_id(name);
  return id ? find_person(*id) : std::nullopt;
}

std::optional<Person> SqlStore::find_person(std::int64_t id) const {
  const auto found = people(std::span(&id, 1));
  return found.empty() ? std::nullopt : std::optional(found[0]);
}

std::int64_t SqlStore::face_count() const {
  const Lock lock(mutex_);
  Statement& row = statement_("SELECT count(*) FROM face");
  const Resetting guard(row);
  return row.step() ? row.integer(0) : 0;
}

StoredFace SqlStore::face_from(const Statement& row) const {
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
  face.has_crop = row.integer(15) != 0;
  face.photo_size = values_.photo_size(row.integer(16), row.integer(17), "face " + std::to_string(face.id));
  return face;
}

std::vector<StoredFace> SqlStore::faces_from(Statement& rows) const {
  std::vector<StoredFace> faces;
  while (rows.step()) faces.push_back(face_from(rows));
  return faces;
}

std::vector<StoredFace> SqlStore::faces(std::optional<std::int64_t> person) const {
  const Lock lock(mutex_);
  static const auto one = faces_by("WHERE person_id = ? ORDER BY id");
  static const auto all = faces_by("ORDER BY id");
  Statement& rows = statement_((person ? one : all)[has_sizes_].c_str());
  const Resetting guard(rows);
  if (person) rows.bind(1, *person);
  return faces_from(rows);
}

std::optional<StoredFace> SqlStore::find_face(std::int64_t id) const {
  const Lock lock(mutex_);
  static const auto sql = faces_by("WHERE id = ?");
  Statement& row = statement_(sql[has_sizes_].c_str());
  const Resetting guard(row);
  row.bind(1, id);
  return row.step() ? std::optional(face_from(row)) : std::nullopt;
}

std::vector<StoredFace> SqlStore::find_faces(std::span<const std::int64_t> ids) const {
  static const auto sql = faces_by("WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id");
  Statement& rows = statement_(sql[has_sizes_].c_str());
  const Resetting guard(rows);
  rows.bind_list(1, ids);
  return faces_from(rows);
}

std::vector<StoredFace> SqlStore::faces_of_photo(const std::string& photo_hash) const {
  const Lock lock(mutex_);
  static const auto sql = faces_by("WHERE photo_hash = ? ORDER BY id");
  Statement& rows = statement_(sql[has_sizes_].c_str());
  const Resetting guard(rows);
  const Bytes hash = from_hex(photo_hash, "photo_hash");
  rows.bind(1, std::span<const std::byte>(hash));
  return faces_from(rows);
}

std::vector<FaceOwner> SqlStore::owners(Shard shard) const {
  const Lock lock(mutex_);
  // Answered by the index face_by_person alone: no embedding is read.
  Statement& rows = statement_("SELECT id, person_id FROM face INDEXED BY face_by_person WHERE id % ? = ?");
  const Resetting guard(rows);
  rows.bind(1, std::int64_t{shard.of}).bind(2, std::int64_t{shard.number});
  std::vector<FaceOwner> owners;
  while (rows.step()) owners.push_back({rows.integer(0), rows.integer(1)});
  std::ranges::sort(owners, {}, &FaceOwner::face);
  return owners;
}

std::vector<FaceEvidence> SqlStore::evidence(std::span<const std::int64_t> faces) const {
  const Lock lock(mutex_);
  Statement& rows = statement_(
      "SELECT face.id, person_id, name_key, name, photo, photo_hash FROM face JOIN person ON person.id = "
      "person_id WHERE face.id IN (SELECT value FROM json_each(?)) ORDER BY face.id");
  const Resetting guard(rows);
  rows.bind_list(1, faces);
  std::vector<FaceEvidence> evidence;
  while (rows.step()) {
    evidence.push_back({rows.integer(0), rows.integer(1), values_.open_name(rows.blob(3), rows.blob(2)),
                        values_.open_photo(rows.blob(4), rows.blob(5))});
  }
  return evidence;
}

FaceEmbeddings SqlStore::embeddings_from(Statement& rows) const {
  const std::size_t d = space().dimension;
  FaceEmbeddings found{{}, {d, {}}};
  Bytes buffer;
  while (rows.step()) {
    const auto real = [&](int column) { return static_cast<float>(rows.real(column)); };
    found.faces.push_back({rows.integer(0), rows.integer(1)});
    found.embeddings.values.resize(found.faces.size() * d);
    values_.open_embedding(database_->from_column(rows.blob(7), buffer), rows.blob(2),
                           {real(3), real(4), real(5), real(6)}, rows.integer(0),
                           std::span(found.embeddings.values).last(d));
  }
  return found;
}

void SqlStore::read_embeddings(std::int64_t after,
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

std::vector<float> SqlStore::embedding(std::int64_t face) const {
  return embeddings(std::span(&face, 1)).embeddings.values;
}

std::vector<std::byte> SqlStore::crop(std::int64_t face) const {
  const Lock lock(mutex_);
  Statement& row = statement_(
      "SELECT photo_hash, box_left, box_top, box_right, box_bottom, crop FROM face_crop JOIN face ON id = "
      "face_id "
      "WHERE face_id = ?");
  const Resetting guard(row);
  row.bind(1, face);
  if (!row.step()) return {};
  const auto real = [&](int column) { return static_cast<float>(row.real(column)); };
  return values_.open_crop(row.blob(5), row.blob(0), {real(1), real(2), real(3), real(4)});
}

FaceEmbeddings SqlStore::embeddings(std::span<const std::int64_t> faces) const {
  const Lock lock(mutex_);
  static const std::string sql =
      std::string(kEmbeddingColumns) + "WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id";
  Statement& rows = statement_(sql.c_str());
  const Resetting guard(rows);
  rows.bind_list(1, faces);
  return embeddings_from(rows);
}

std::vector<std::string> SqlStore::check() const {
  const Lock lock(mutex_);
  std::vector<std::string> wrong;
  database_->check(wrong);
  if (!wrong.empty() && wrong[0].starts_with("file: ")) return wrong;
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
  note_error([&] { static_cast<void>(rejections({})); });
  seen_->check(wrong);
  std::vector<std::int64_t> ids;
  for (const FaceOwner& owner : owners({})) ids.push_back(owner.face);
  constexpr std::size_t kAtOnce = 500;
  for (std::size_t first = 0; first < ids.size(); first += kAtOnce) {
    const auto piece = std::span(ids).subspan(first, std::min(kAtOnce, ids.size() - first));
    const std::size_t before = wrong.size();
    note_error([&] {
      static_cast<void>(embeddings(piece));
      for (const StoredFace& face : find_faces(piece)) {
        if (face.has_crop) static_cast<void>(crop(face.id));
      }
    });
    if (wrong.size() == before) continue;
    wrong.resize(before);  // which of them, and whether there are more
    for (const std::int64_t id : piece) {
      note_error([&] { static_cast<void>(embedding(id)); });
      note_error([&] { static_cast<void>(crop(id)); });
      note_error([&] { static_cast<void>(find_face(id)); });
    }
  }
  return wrong;
}

}  // namespace likeness
