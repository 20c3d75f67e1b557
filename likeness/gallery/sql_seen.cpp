#include "likeness/gallery/sql_seen.h"

#include <algorithm>

#include "likeness/core/error.h"

namespace likeness {

using sql::Resetting;
using sql::Statement;
using sql::Transaction;

namespace {

constexpr const char* kGroupColumns =
    "SELECT id, ignored, sightings, (SELECT count(*) FROM seen_face WHERE group_id = seen_group.id), "
    "first_ms, "
    "last_ms, (SELECT id FROM seen_face WHERE group_id = seen_group.id ORDER BY size_px DESC, id LIMIT 1) AS "
    "exemplar "
    "FROM seen_group ";
constexpr const char* kFaceColumns =
    "SELECT id, group_id, photo_hash, box_left, box_top, box_right, box_bottom, size_px, sharpness, "
    "brightness, "
    "yaw, score, time_ms, crop IS NOT NULL, ?size FROM seen_face ";

SeenGroup group_from(const Statement& row) {
  return {.id = row.integer(0),
          .shelf = row.integer(1) != 0 ? SeenShelf::kIgnored : SeenShelf::kUnknown,
          .sightings = row.integer(2),
          .faces = row.integer(3),
          .first_ms = row.integer(4),
          .last_ms = row.integer(5),
          .exemplar = row.integer(6)};
}

std::array<std::string, 2> faces_by(const char* condition) {
  return sql::with_and_without_sizes(std::string(kFaceColumns) + condition);
}

SeenFace face_from(const Statement& row, const RowValues& values) {
  const auto real = [&](int column) { return static_cast<float>(row.real(column)); };
  return {.id = row.integer(0),
          .group = row.integer(1),
          .box = {real(3), real(4), real(5), real(6)},
          .quality = {real(7), real(8), real(9), real(10), real(11)},
          .photo_hash = to_hex(row.blob(2)),
          .photo_size = values.photo_size(row.integer(14), row.integer(15),
                                          "seen face " + std::to_string(row.integer(0))),
          .time_ms = row.integer(12),
          .has_crop = row.integer(13) != 0};
}

/// The middles are read anew after a change that was not committed, or not followed.
struct Forgetting {
  explicit Forgetting(std::optional<SeenCentres>& known) : centres(known) {}
  Forgetting(const Forgetting&) = delete;
  Forgetting& operator=(const Forgetting&) = delete;
  ~Forgetting() {
    if (!done) centres.reset();
  }
  std::optional<SeenCentres>& centres;
  bool done = false;
};

/// In the place of a photo's hash, for the middle of a group belongs to no photo.
Bytes centre_context(std::int64_t group) {
  const std::string text = "seen_group " + std::to_string(group);
  const auto bytes = as_bytes(text);
  return {bytes.begin(), bytes.end()};
}

}  // namespace

void SqlSeen::require_tables() const {
  if (shared_.there) return;
  throw Error(ErrorCode::kOutputUnwritable,
              shared_.database.name() + ": of an older format and opened for reading");
}

std::vector<float> SqlSeen::compared(std::span<const float> embedding) const {
  if (!comparison_) comparison_.emplace(shared_.space.contract, shared_.database.name());
  return comparison_->comparable(embedding);
}

const SeenCentres& SqlSeen::centres() {
  const std::int64_t commits = shared_.database.others_commits();
  if (centres_ && commits == others_commits_) return *centres_;
  centres_.emplace(shared_.space.dimension);
  others_commits_ = commits;
  Statement& rows = shared_.statement("SELECT id, centre FROM seen_group ORDER BY id");
  const Resetting guard(rows);
  std::vector<float> centre(shared_.space.dimension);
  while (rows.step()) {
    const std::int64_t group = rows.integer(0);
    shared_.values.open_embedding(rows.blob(1), centre_context(group), {}, group, centre);
    centres_->set(group, compared(centre));
  }
  return *centres_;
}

std::optional<AddedSeenFace> SqlSeen::find_known(const Bytes& hash, const Box& box) const {
  if (hash.empty()) return std::nullopt;
  Statement& find = shared_.statement(
      "SELECT seen_face.id, group_id, ignored FROM seen_face JOIN seen_group ON seen_group.id = group_id "
      "WHERE "
      "photo_hash = ? AND box_left = ? AND box_top = ? AND box_right = ? AND box_bottom = ?");
  const Resetting guard(find);
  find.bind(1, std::span<const std::byte>(hash));
  int column = 2;
  for (const float side : {box.left, box.top, box.right, box.bottom})
    find.bind(column++, static_cast<double>(side));
  if (!find.step()) return std::nullopt;
  return AddedSeenFace{.face = find.integer(0),
                       .group = find.integer(1),
                       .is_new = false,
                       .shelf = find.integer(2) != 0 ? SeenShelf::kIgnored : SeenShelf::kUnknown};
}

std::int64_t SqlSeen::new_group(std::int64_t time_ms) {
  if (centres_->size() >= static_cast<std::size_t>(kMostGroups)) {
    for (const std::int64_t oldest :
         ids("SELECT id FROM seen_group ORDER BY ignored, last_ms, id LIMIT 1", {})) {
      shared_.statement("DELETE FROM seen_group WHERE id = ?").bind(1, oldest).run();
      centres_->remove(oldest);
    }
  }
  return shared_
      .statement(
          "INSERT INTO seen_group (ignored, sightings, first_ms, last_ms, centre) VALUES (0, 0, ?, ?, ?) "
          "RETURNING id")
      .bind(1, time_ms)
      .bind(2, time_ms)
      .bind(3, std::span<const std::byte>())
      .run_for_id();
}

std::int64_t SqlSeen::insert(std::int64_t group, const NewSeenFace& face, const Bytes& hash) {
  const Bytes embedding = shared_.values.seal_embedding(face.embedding, hash, face.box);
  const Bytes crop = shared_.values.seal_crop(face.crop, hash, face.box);
  Statement& insert = shared_.statement(
      "INSERT INTO seen_face (group_id, photo_hash, box_left, box_top, box_right, box_bottom, size_px, "
      "sharpness, brightness, yaw, score, time_ms, photo_width, photo_height, embedding, crop) VALUES "
      "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id");
  insert.bind(1, group);
  insert.bind_or_null(2, hash);
  int column = 3;
  const FaceQuality& q = face.quality;
  for (const float value : {face.box.left, face.box.top, face.box.right, face.box.bottom, q.size_px,
                            q.sharpness, q.brightness, q.yaw, q.score})
    insert.bind(column++, static_cast<double>(value));
  insert.bind(column++, face.time_ms);
  for (const std::int64_t side : {face.photo_size.width, face.photo_size.height})
    insert.bind_or_null(column++, side);
  insert.bind(column++, std::span<const std::byte>(embedding));
  if (face.crop.empty()) {
    insert.bind_null(column);
  } else {
    insert.bind(column, std::span<const std::byte>(crop));
  }
  return insert.run_for_id();
}

std::vector<float> SqlSeen::settle(std::int64_t group) {
  const Embeddings left = embeddings(group);
  if (left.size() == 0) {
    shared_.statement("DELETE FROM seen_group WHERE id = ?").bind(1, group).run();
    return {};
  }
  std::vector<float> centre = centre_of(left);
  const Bytes sealed = shared_.values.seal_embedding(centre, centre_context(group), {});
  shared_.statement("UPDATE seen_group SET centre = ? WHERE id = ?")
      .bind(1, std::span<const std::byte>(sealed))
      .bind(2, group)
      .run();
  return centre;
}

AddedSeenFace SqlSeen::add(const NewSeenFace& face, double link_threshold) {
  require_seen(face, shared_.space.dimension);
  const Bytes hash = from_hex(face.photo_hash, "photo_hash");
  const Lock lock(shared_.mutex);
  require_tables();
  Transaction change(shared_.database);
  if (const auto known = find_known(hash, face.box)) return *known;
  const auto likest = centres().likest(compared(face.embedding));
  Forgetting unless_done(centres_);
  AddedSeenFace added;
  added.is_new_group = !likest || likest->cosine < link_threshold;
  if (!added.is_new_group) added.cosine = likest->cosine;
  added.group = added.is_new_group ? new_group(face.time_ms) : likest->group;
  added.face = insert(added.group, face, hash);
  for (const std::int64_t one : drop_smallest(added.group)) {
    if (one == added.face) added.face = 0;
  }
  shared_
      .statement(
          "UPDATE seen_group SET sightings = sightings + 1, first_ms = CASE WHEN ?1 < first_ms THEN ?1 ELSE "
          "first_ms END, last_ms = CASE WHEN ?1 > last_ms THEN ?1 ELSE last_ms END WHERE id = ?2")
      .bind(1, face.time_ms)
      .bind(2, added.group)
      .run();
  const std::vector<float> centre = settle(added.group);
  added.shelf = find_group(added.group)->shelf;
  change.commit();
  centres_->set(added.group, compared(centre));
  unless_done.done = true;
  return added;
}

std::vector<std::int64_t> SqlSeen::drop_smallest(std::int64_t group) {
  auto smallest =
      ids("SELECT id FROM seen_face WHERE group_id = ? ORDER BY size_px DESC, id LIMIT 1000000 OFFSET ?",
          {group, kMostFacesOfGroup});
  for (const std::int64_t one : smallest)
    shared_.statement("DELETE FROM seen_face WHERE id = ?").bind(1, one).run();
  return smallest;
}

std::int64_t SqlSeen::put(const SeenGroup& as, std::span<const NewSeenFace> faces, std::int64_t into) {
  for (const NewSeenFace& face : faces) require_seen(face, shared_.space.dimension);
  const Lock lock(shared_.mutex);
  require_tables();
  Transaction change(shared_.database);
  static_cast<void>(centres());
  Forgetting unless_done(centres_);
  if (into != 0 && !find_group(into)) return 0;
  const std::int64_t group = into != 0 ? into : new_group(as.first_ms);
  bool any = into != 0;
  for (const NewSeenFace& face : faces) {
    const Bytes hash = from_hex(face.photo_hash, "photo_hash");
    if (find_known(hash, face.box)) continue;
    static_cast<void>(insert(group, face, hash));
    any = true;
  }
  if (!any) return 0;
  drop_smallest(group);
  if (into == 0) {
    shared_.statement("UPDATE seen_group SET ignored = ? WHERE id = ?")
        .bind(1, static_cast<std::int64_t>(as.shelf))
        .bind(2, group)
        .run();
  }
  shared_
      .statement(
          "UPDATE seen_group SET sightings = CASE WHEN ?1 > sightings THEN ?1 ELSE sightings END, first_ms = "
          "CASE WHEN ?2 < first_ms THEN ?2 ELSE first_ms END, last_ms = CASE WHEN ?3 > last_ms THEN ?3 ELSE "
          "last_ms END WHERE id = ?4")
      .bind(1, as.sightings)
      .bind(2, as.first_ms)
      .bind(3, as.last_ms)
      .bind(4, group)
      .run();
  const std::vector<float> centre = settle(group);
  change.commit();
  centres_->set(group, compared(centre));
  unless_done.done = true;
  return group;
}

std::vector<std::int64_t> SqlSeen::ids(const char* sql, std::initializer_list<std::int64_t> bound) const {
  Statement& rows = shared_.statement(sql);
  const Resetting guard(rows);
  int index = 1;
  for (const std::int64_t value : bound) rows.bind(index++, value);
  std::vector<std::int64_t> found;
  while (rows.step()) found.push_back(rows.integer(0));
  return found;
}

std::vector<SeenGroup> SqlSeen::groups(std::optional<SeenShelf> shelf) const {
  const Lock lock(shared_.mutex);
  std::vector<SeenGroup> groups;
  if (!shared_.there) return groups;
  static const std::string sql =
      std::string(kGroupColumns) + "WHERE ?1 < 0 OR ignored = ?1 ORDER BY last_ms DESC, id DESC";
  Statement& rows = shared_.statement(sql.c_str());
  const Resetting guard(rows);
  rows.bind(1, shelf ? static_cast<std::int64_t>(*shelf) : -1);  // of no shelf: all
  while (rows.step()) groups.push_back(group_from(rows));
  return groups;
}

std::optional<SeenGroup> SqlSeen::find_group(std::int64_t group) const {
  const Lock lock(shared_.mutex);
  if (!shared_.there) return std::nullopt;
  static const std::string sql = std::string(kGroupColumns) + "WHERE id = ?";
  Statement& row = shared_.statement(sql.c_str());
  const Resetting guard(row);
  row.bind(1, group);
  return row.step() ? std::optional(group_from(row)) : std::nullopt;
}

std::vector<SeenFace> SqlSeen::faces(std::int64_t group) const {
  const Lock lock(shared_.mutex);
  std::vector<SeenFace> faces;
  if (!shared_.there) return faces;
  static const auto sql = faces_by("WHERE group_id = ? ORDER BY id");
  Statement& rows = shared_.statement(sql[shared_.sizes].c_str());
  const Resetting guard(rows);
  rows.bind(1, group);
  while (rows.step()) faces.push_back(face_from(rows, shared_.values));
  return faces;
}

std::optional<SeenFace> SqlSeen::find_face(std::int64_t face) const {
  const Lock lock(shared_.mutex);
  if (!shared_.there) return std::nullopt;
  static const auto sql = faces_by("WHERE id = ?");
  Statement& row = shared_.statement(sql[shared_.sizes].c_str());
  const Resetting guard(row);
  row.bind(1, face);
  return row.step() ? std::optional(face_from(row, shared_.values)) : std::nullopt;
}

Embeddings SqlSeen::embeddings(std::int64_t group) const {
  const Lock lock(shared_.mutex);
  Embeddings found{shared_.space.dimension, {}};
  if (!shared_.there) return found;
  Statement& rows = shared_.statement(
      "SELECT id, photo_hash, box_left, box_top, box_right, box_bottom, embedding FROM seen_face WHERE "
      "group_id = ? ORDER BY id");
  const Resetting guard(rows);
  rows.bind(1, group);
  while (rows.step()) {
    const auto real = [&](int column) { return static_cast<float>(rows.real(column)); };
    found.values.resize(found.values.size() + found.dimension);
    shared_.values.open_embedding(rows.blob(6), rows.blob(1), {real(2), real(3), real(4), real(5)},
                                  rows.integer(0), std::span(found.values).last(found.dimension));
  }
  return found;
}

Embeddings SqlSeen::centres(std::span<const std::int64_t> groups) const {
  const Lock lock(shared_.mutex);
  Embeddings found{shared_.space.dimension, std::vector<float>(groups.size() * shared_.space.dimension)};
  if (!shared_.there) return found;
  Statement& row = shared_.statement("SELECT centre FROM seen_group WHERE id = ?");
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const Resetting guard(row);
    row.bind(1, groups[i]);
    if (!row.step()) continue;
    shared_.values.open_embedding(row.blob(0), centre_context(groups[i]), {}, groups[i],
                                  std::span(found.values).subspan(i * found.dimension, found.dimension));
  }
  return found;
}

std::vector<std::byte> SqlSeen::crop(std::int64_t face) const {
  const Lock lock(shared_.mutex);
  if (!shared_.there) return {};
  Statement& row = shared_.statement(
      "SELECT photo_hash, box_left, box_top, box_right, box_bottom, crop FROM seen_face WHERE id = ?");
  const Resetting guard(row);
  row.bind(1, face);
  if (!row.step() || row.is_null(5)) return {};
  const auto real = [&](int column) { return static_cast<float>(row.real(column)); };
  return shared_.values.open_crop(row.blob(5), row.blob(0), {real(1), real(2), real(3), real(4)});
}

bool SqlSeen::remove_group(std::int64_t group) {
  const Lock lock(shared_.mutex);
  require_tables();
  Transaction change(shared_.database);
  if (!find_group(group)) return false;
  shared_.statement("DELETE FROM seen_group WHERE id = ?").bind(1, group).run();
  change.commit();
  if (centres_) centres_->remove(group);
  return true;
}

bool SqlSeen::remove_face(std::int64_t face) {
  const Lock lock(shared_.mutex);
  require_tables();
  Transaction change(shared_.database);
  const auto found = find_face(face);
  if (!found) return false;
  Forgetting anew(centres_);
  shared_.statement("DELETE FROM seen_face WHERE id = ?").bind(1, face).run();
  settle(found->group);
  change.commit();
  return true;
}

bool SqlSeen::set_shelf(std::int64_t group, SeenShelf shelf) {
  const Lock lock(shared_.mutex);
  require_tables();
  Transaction change(shared_.database);
  if (!find_group(group)) return false;
  shared_.statement("UPDATE seen_group SET ignored = ? WHERE id = ?")
      .bind(1, static_cast<std::int64_t>(shelf))
      .bind(2, group)
      .run();
  change.commit();
  return true;
}

std::size_t SqlSeen::remove_older_than(std::int64_t time_ms, std::optional<SeenShelf> shelf) {
  const Lock lock(shared_.mutex);
  require_tables();
  Transaction change(shared_.database);
  // Of a shelf that does not exist: all.
  const std::int64_t of = shelf ? static_cast<std::int64_t>(*shelf) : -1;
  const auto touched =
      ids("SELECT DISTINCT group_id FROM seen_face JOIN seen_group ON seen_group.id = group_id WHERE time_ms "
          "< ?1 "
          "AND (?2 < 0 OR ignored = ?2)",
          {time_ms, of});
  Forgetting anew(centres_);
  std::size_t removed = 0;
  for (const std::int64_t group : touched) {
    removed +=
        static_cast<std::size_t>(shared_.statement("DELETE FROM seen_face WHERE group_id = ? AND time_ms < ?")
                                     .bind(1, group)
                                     .bind(2, time_ms)
                                     .run());
    settle(group);
  }
  change.commit();
  return removed;
}

void SqlSeen::check(std::vector<std::string>& wrong) const {
  const auto note_error = [&](const auto& work) {
    try {
      work();
    } catch (const Error& error) {
      wrong.emplace_back(error.what());
    }
  };
  for (const SeenGroup& group : groups({})) {
    if (group.faces == 0) wrong.push_back("seen group " + std::to_string(group.id) + " has no face");
    note_error([&] { static_cast<void>(embeddings(group.id)); });
    note_error([&] {
      for (const SeenFace& face : faces(group.id)) {
        if (face.has_crop) note_error([&] { static_cast<void>(crop(face.id)); });
      }
    });
  }
}

}  // namespace likeness
