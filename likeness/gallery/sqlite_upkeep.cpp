#include "likeness/gallery/sqlite_upkeep.h"

#include <system_error>

#include "likeness/core/error.h"
#include "likeness/gallery/new_database_file.h"
#include "likeness/gallery/sqlite.h"
#include "likeness/gallery/sqlite_format.h"

namespace likeness {

using sqlite::Database;
using sqlite::Statement;

namespace {

/// A smaller file is rebuilt in memory, a larger one in SQLite's folder for temporary files.
constexpr std::uintmax_t kMostInMemory = std::uintmax_t{256} << 20;

/// Everything in the -wal file goes into the file, and the former becomes empty.
void write_back_log(Database& database) {
  Statement checkpoint(database, "PRAGMA wal_checkpoint(TRUNCATE)");
  if (checkpoint.step() && checkpoint.integer(0) == 0) return;
  throw Error(ErrorCode::kUnavailable,
              database.name() +
                  ": being read by somebody else for too long: what was removed is gone for "
                  "everybody, but its bytes are in the gallery's files still; purge it again");
}

void fail_to_copy(const std::filesystem::path& copy, const char* why) {
  throw Error(ErrorCode::kOutputUnwritable, "cannot write " + copy.string() + ": " + why);
}

/// One moment's pages, whatever is written meanwhile: all in one step.
void copy_pages(Database& from, const std::filesystem::path& path) {
  Database to(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  to.execute("PRAGMA synchronous = FULL");
  sqlite3_backup* backup = sqlite3_backup_init(to.handle(), "main", from.handle(), "main");
  if (backup == nullptr) to.fail("starting a copy");
  const int stepped = sqlite3_backup_step(backup, -1);
  const int finished = sqlite3_backup_finish(backup);
  if (stepped != SQLITE_DONE || finished != SQLITE_OK) to.fail("copying the gallery");
}

/// Where a connection sees another file as "copy".
class Attached {
 public:
  Attached(Database& database, const std::filesystem::path& path) : database_(database) {
    Statement attach(database, "ATTACH ? AS copy");
    attach.bind(1, std::string_view(path.native())).run();
  }
  Attached(const Attached&) = delete;
  Attached& operator=(const Attached&) = delete;
  ~Attached() { sqlite3_exec(database_.handle(), "DETACH copy", nullptr, nullptr, nullptr); }

 private:
  Database& database_;
};

/// Faces are known by their numbers, in views and indexes: one number must never be two faces.
void require_own_copy(Database& database, const std::filesystem::path& copy) {
  Statement other(database,
                  "SELECT 1 FROM main.meta AS now LEFT JOIN copy.meta AS old USING (key) WHERE key IN "
                  "('identity', 'contract_id', 'dimension', 'embedding_format', 'salt') AND old.value IS NOT "
                  "now.value");
  if (other.step())
    throw Error(ErrorCode::kDataInvalid,
                copy.string() + ": a copy of another gallery than " + database.name());
  Statement apart(
      database,
      "SELECT 1 FROM main.face AS now JOIN copy.face AS old USING (id) WHERE old.embedding IS NOT "
      "now.embedding LIMIT 1");
  if (apart.step()) {
    throw Error(
        ErrorCode::kDataInvalid,
        copy.string() + ": was changed apart from " + database.name() +
            " since it was copied: the same number is another face in each; stop what has the gallery "
            "open and put the copy in its place");
  }
}

constexpr const char* kPutBack =
    "PRAGMA defer_foreign_keys = ON;"
    "CREATE TEMP TABLE kept AS SELECT key, max(main.meta.value, coalesce(copy.meta.value, 0)) + 1 AS value "
    "FROM "
    "main.meta LEFT JOIN copy.meta USING (key) WHERE key IN ('version', 'note_version');"
    "DELETE FROM main.change; DELETE FROM main.rejection; DELETE FROM main.seen_face; DELETE FROM "
    "main.seen_group; "
    "DELETE FROM main.face_crop; DELETE FROM main.face; DELETE FROM main.person; DELETE FROM main.meta;"
    "INSERT INTO main.meta SELECT * FROM copy.meta; INSERT INTO main.person SELECT * FROM copy.person;"
    "INSERT INTO main.face SELECT * FROM copy.face; INSERT INTO main.rejection SELECT * FROM copy.rejection;"
    "INSERT INTO main.face_crop SELECT * FROM copy.face_crop;"
    "INSERT INTO main.seen_group SELECT * FROM copy.seen_group;"
    "INSERT INTO main.seen_face SELECT * FROM copy.seen_face;"
    // Numbers that were given since are not given again.
    "UPDATE main.sqlite_sequence SET seq = max(seq, coalesce((SELECT seq FROM copy.sqlite_sequence AS old "
    "WHERE "
    "old.name = main.sqlite_sequence.name), 0));"
    "INSERT INTO main.sqlite_sequence (name, seq) SELECT name, seq FROM copy.sqlite_sequence WHERE name NOT "
    "IN "
    "(SELECT name FROM main.sqlite_sequence);"
    // Whoever asks what has changed is told to compare everything.
    "INSERT OR REPLACE INTO main.meta SELECT key, value FROM temp.kept;"
    "INSERT OR REPLACE INTO main.meta SELECT 'log_after', value FROM temp.kept WHERE key = 'version';"
    "DROP TABLE temp.kept";

}  // namespace

void purge_gallery_file(const std::filesystem::path& path, const OpenOptions& options) {
  if (options.read_only) {
    throw Error(ErrorCode::kOutputUnwritable, path.string() + ": opened for reading; it cannot be purged");
  }
  const GalleryFile file = open_gallery_file(path, options);
  Database& database = *file.database;
  // secure_delete overwrites rows that are deleted. It leaves copies of rows that SQLite moved from one page
  // to another, and these outlive the row: only a file made anew is without them.
  std::error_code ignored;
  const std::uintmax_t size = std::filesystem::file_size(path, ignored);
  if (!ignored && size > kMostInMemory) database.execute("PRAGMA temp_store = FILE");
  database.execute("VACUUM");
  write_back_log(database);
}

void backup_gallery_file(const std::filesystem::path& path, const std::filesystem::path& copy,
                         int lock_timeout_ms) {
  std::error_code ignored;
  // What lies beside an older gallery of that name would be taken for this one's.
  for (const char* tail : {"", "-wal", "-shm"}) {
    if (std::filesystem::exists(copy.string() + tail, ignored))
      fail_to_copy(copy.string() + tail, "exists already; choose another name");
  }
  const GalleryFile from =
      open_gallery_file(path, {.read_only = true, .lock_timeout_ms = lock_timeout_ms, .passphrase = {}});
  const NewDatabaseFile file(copy);
  copy_pages(*from.database, file.temporary());
  if (!file.publish()) fail_to_copy(copy, "exists already; choose another name");
}

void restore_gallery_file(const std::filesystem::path& path, const std::filesystem::path& copy,
                          const OpenOptions& options) {
  if (options.read_only) {
    throw Error(ErrorCode::kOutputUnwritable,
                path.string() + ": opened for reading; nothing can be put back");
  }
  const GalleryFile file = open_gallery_file(path, options);
  Database& database = *file.database;
  // The copy itself stays as it is, also where it is of an older format.
  const NewDatabaseFile draft(std::filesystem::absolute(path.string() + ".restored"));
  copy_pages(*open_gallery_file(copy, {.read_only = true, .passphrase = {}}).database, draft.temporary());
  static_cast<void>(open_gallery_file(draft.temporary(), {.passphrase = {}}));
  {
    const Attached attached(database, draft.temporary());
    sql::Transaction change(database);
    require_own_copy(database, copy);
    database.execute(kPutBack);
    change.commit();
  }
}

}  // namespace likeness
