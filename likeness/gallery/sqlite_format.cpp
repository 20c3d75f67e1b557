#include "likeness/gallery/sqlite_format.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "likeness/core/error.h"
#include "likeness/gallery/new_database_file.h"
#include "likeness/gallery/sql_meta.h"
#include "likeness/gallery/sqlite_store.h"
#include "likeness/gallery/store_checks.h"

namespace likeness {
namespace {

using sql::Transaction;
using sqlite::Database;
using sqlite::Statement;

constexpr int kApplicationId = 0x4C4B4E53;  // "LKNS"

/// What sqlite_master must say, sorted by name; a file with anything else (triggers, views) is refused.
struct SchemaPart {
  int since;  // format
  const char* name;
  const char* sql;
};
constexpr SchemaPart kSchema[] = {
    {2, "change",
     "CREATE TABLE change (id INTEGER PRIMARY KEY, version INTEGER NOT NULL, face_id INTEGER NOT NULL, "
     "person_id INTEGER)"},
    {1, "face",
     "CREATE TABLE face (id INTEGER PRIMARY KEY AUTOINCREMENT, person_id INTEGER NOT NULL REFERENCES "
     "person(id) ON DELETE CASCADE, photo BLOB NOT NULL, photo_hash BLOB, box_left REAL NOT NULL, box_top "
     "REAL "
     "NOT NULL, box_right REAL NOT NULL, box_bottom REAL NOT NULL, landmarks BLOB NOT NULL, size_px REAL NOT "
     "NULL, sharpness REAL NOT NULL, brightness REAL NOT NULL, yaw REAL NOT NULL, score REAL NOT NULL, "
     "added_ms "
     "INTEGER NOT NULL, embedding BLOB NOT NULL)"},
    {1, "face_by_person", "CREATE INDEX face_by_person ON face(person_id)"},
    {1, "face_by_photo",
     "CREATE UNIQUE INDEX face_by_photo ON face(photo_hash, box_left, box_top, box_right, box_bottom)"},
    {4, "face_crop",
     "CREATE TABLE face_crop (face_id INTEGER PRIMARY KEY REFERENCES face(id) ON DELETE CASCADE, crop BLOB "
     "NOT "
     "NULL)"},
    {1, "meta", "CREATE TABLE meta (key TEXT PRIMARY KEY NOT NULL, value BLOB NOT NULL) WITHOUT ROWID"},
    {1, "person",
     "CREATE TABLE person (id INTEGER PRIMARY KEY AUTOINCREMENT, name_key BLOB NOT NULL UNIQUE, name BLOB "
     "NOT "
     "NULL)"},
    {3, "rejection",
     "CREATE TABLE rejection (id INTEGER PRIMARY KEY AUTOINCREMENT, person_id INTEGER NOT NULL REFERENCES "
     "person(id) ON DELETE CASCADE, photo_hash BLOB, box_left REAL NOT NULL, box_top REAL NOT NULL, "
     "box_right "
     "REAL NOT NULL, box_bottom REAL NOT NULL, time_ms INTEGER NOT NULL, embedding BLOB NOT NULL)"},
    {3, "rejection_by_person", "CREATE INDEX rejection_by_person ON rejection(person_id)"},
    {3, "seen_face",
     "CREATE TABLE seen_face (id INTEGER PRIMARY KEY AUTOINCREMENT, group_id INTEGER NOT NULL REFERENCES "
     "seen_group(id) ON DELETE CASCADE, photo_hash BLOB, box_left REAL NOT NULL, box_top REAL NOT NULL, "
     "box_right REAL NOT NULL, box_bottom REAL NOT NULL, size_px REAL NOT NULL, sharpness REAL NOT NULL, "
     "brightness REAL NOT NULL, yaw REAL NOT NULL, score REAL NOT NULL, time_ms INTEGER NOT NULL, embedding "
     "BLOB NOT NULL, crop BLOB)"},
    {3, "seen_face_by_group", "CREATE INDEX seen_face_by_group ON seen_face(group_id, size_px)"},
    {3, "seen_face_by_photo",
     "CREATE UNIQUE INDEX seen_face_by_photo ON seen_face(photo_hash, box_left, box_top, box_right, "
     "box_bottom)"},
    {3, "seen_group",
     "CREATE TABLE seen_group (id INTEGER PRIMARY KEY AUTOINCREMENT, ignored INTEGER NOT NULL, sightings "
     "INTEGER NOT NULL, first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL, centre BLOB NOT NULL)"},
    {3, "seen_group_by_time", "CREATE INDEX seen_group_by_time ON seen_group(ignored, last_ms)"},
};

/// Columns that tables got after their first format, at their ends, as ALTER TABLE writes them.
struct AddedColumn {
  int since;  // format
  std::string_view table;
  const char* sql;
};
constexpr AddedColumn kAddedColumns[] = {{5, "face", "photo_width INTEGER"},
                                         {5, "face", "photo_height INTEGER"},
                                         {5, "seen_face", "photo_width INTEGER"},
                                         {5, "seen_face", "photo_height INTEGER"}};

/// What sqlite_master says of a part in a file of this format.
std::string sql_of(const SchemaPart& part, int format) {
  std::string sql = part.sql;
  for (const AddedColumn& column : kAddedColumns) {
    if (column.table == part.name && column.since <= format)
      sql.insert(sql.size() - 1, std::string(", ") + column.sql);  // before the bracket
  }
  return sql;
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

/// The file's format, once it is known to be a gallery.
int format_of(Database& database) {
  if (pragma(database, "PRAGMA application_id") != kApplicationId) {
    throw Error(ErrorCode::kDataInvalid, database.name() + ": a SQLite database, but not a gallery");
  }
  const std::int64_t version = pragma(database, "PRAGMA user_version");
  if (version > kFormatVersion) {
    throw Error(ErrorCode::kDataInvalid, database.name() + ": gallery format " + std::to_string(version) +
                                             ", made by a newer likeness; this one reads format " +
                                             std::to_string(kFormatVersion));
  }
  if (version < kOldestFormat) {
    throw Error(ErrorCode::kDataInvalid,
                database.name() + ": damaged: gallery format " + std::to_string(version) + " never existed");
  }
  return static_cast<int>(version);
}

void require_schema(Database& database, int format) {
  Statement rows(
      database,
      "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite^_%' ESCAPE '^' ORDER BY name");
  std::vector<SchemaPart> parts;
  std::ranges::copy_if(kSchema, std::back_inserter(parts),
                       [&](const SchemaPart& part) { return part.since <= format; });
  std::size_t count = 0;
  while (rows.step()) {
    const std::string name = rows.text(0);
    if (count >= parts.size() || name != parts[count].name || rows.text(1) != sql_of(parts[count], format)) {
      throw Error(ErrorCode::kDataInvalid,
                  database.name() + ": damaged: unexpected definition of '" + name + "'");
    }
    ++count;
  }
  if (count != parts.size()) {
    throw Error(ErrorCode::kDataInvalid,
                database.name() + ": damaged: table '" + parts[count].name + "' is missing");
  }
}

void set_format(Database& database) {
  database.execute(("PRAGMA user_version = " + std::to_string(kFormatVersion)).c_str());
}

void start_counting(Database& database) {
  database.execute(
      "INSERT INTO meta (key, value) VALUES ('version', 0), ('note_version', 0), ('log_after', 0)");
}

/// From an older format. Killed half-way, it is of that still; of two processes at once the second finds it
/// done.
void upgrade(Database& database) {
  Transaction change(database);
  const int format = format_of(database);
  if (format == kFormatVersion) return;
  for (const SchemaPart& part : kSchema) {
    if (part.since > format) {
      database.execute(sql_of(part, kFormatVersion).c_str());
      continue;
    }
    for (const AddedColumn& column : kAddedColumns) {
      if (column.table == part.name && column.since > format)
        database.execute((std::string("ALTER TABLE ") + part.name + " ADD COLUMN " + column.sql).c_str());
    }
  }
  if (format < 2) start_counting(database);
  set_format(database);
  change.commit();
}

GalleryFile connect(const std::filesystem::path& path, const OpenOptions& options,
                    const std::string& uri_options) {
  GalleryFile file;
  file.database = std::make_unique<Database>(
      path, options.read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE, uri_options);
  Database& database = *file.database;
  configure(database, options.lock_timeout_ms);
  file.format = format_of(database);
  if (!options.read_only && file.format < kFormatVersion &&
      sqlite3_db_readonly(database.handle(), "main") != 1) {
    require_schema(database, file.format);
    upgrade(database);
    file.format = kFormatVersion;
  }
  require_schema(database, file.format);
  return file;
}

}  // namespace

GalleryFile open_gallery_file(const std::filesystem::path& path, const OpenOptions& options) {
  std::error_code trouble;
  if (!std::filesystem::is_regular_file(path, trouble)) {
    throw Error(ErrorCode::kInputUnreadable, path.string() + ": no such gallery", Remedy::kEnrolSomebody);
  }
  if (::access(path.c_str(), R_OK) != 0) {
    throw Error(ErrorCode::kInputUnreadable,
                path.string() + ": may not be read (" + std::strerror(errno) + ")");
  }
  GalleryFile file;
  try {
    file = connect(path, options, {});
  } catch (const Error& error) {
    // A folder that cannot be written has no place for SQLite's -shm file; without a -wal file nothing can be
    // pending, and the file may be read as it is.
    const bool retry = options.read_only && error.code() == ErrorCode::kOutputUnwritable &&
                       !std::filesystem::exists(path.string() + "-wal", trouble);
    if (!retry) throw;
    file = connect(path, options, "?immutable=1");
  }
  if (!options.read_only && sqlite3_db_readonly(file.database->handle(), "main") == 1) {
    throw Error(ErrorCode::kOutputUnwritable, path.string() + ": read-only; its permissions forbid changes");
  }
  return file;
}

bool try_create_sqlite_gallery(const std::filesystem::path& path, const EmbeddingSpace& space,
                               const CreateOptions& options) {
  require_space(space);
  // Made under another name and linked into place: killed half-way, there is no gallery; of two that make the
  // same one, one is told that it is there.
  const NewDatabaseFile file(path);
  {
    Database database(file.temporary(), SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    database.execute("PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
    Transaction change(database);
    for (const SchemaPart& part : kSchema) database.execute(sql_of(part, kFormatVersion).c_str());
    database.execute(("PRAGMA application_id = " + std::to_string(kApplicationId)).c_str());
    set_format(database);
    start_counting(database);
    write_meta(database, space, options);
    change.commit();
  }
  return file.publish();
}

void create_sqlite_gallery(const std::filesystem::path& path, const EmbeddingSpace& space,
                           const CreateOptions& options) {
  if (!try_create_sqlite_gallery(path, space, options)) {
    throw Error(ErrorCode::kOutputUnwritable, path.string() + ": exists already");
  }
}

}  // namespace likeness
