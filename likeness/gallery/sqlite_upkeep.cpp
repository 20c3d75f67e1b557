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
  {
    Database to(file.temporary(), SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    to.execute("PRAGMA synchronous = FULL");
    sqlite3_backup* backup = sqlite3_backup_init(to.handle(), "main", from.database->handle(), "main");
    if (backup == nullptr) to.fail("starting a copy");
    // All in one step: one moment's pages, whatever is written meanwhile.
    const int stepped = sqlite3_backup_step(backup, -1);
    const int finished = sqlite3_backup_finish(backup);
    if (stepped != SQLITE_DONE || finished != SQLITE_OK) to.fail("copying the gallery");
  }
  if (!file.publish()) fail_to_copy(copy, "exists already; choose another name");
}

}  // namespace likeness
