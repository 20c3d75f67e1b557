#include "likeness/gallery/change_log.h"

#include <string_view>

#include "likeness/core/error.h"

namespace likeness {

using sql::Resetting;
using sql::Statement;

ChangeLog::ChangeLog(sql::Database& database, sql::Statements& statements)
    : database_(database), statement_(statements) {
  const std::string table = database.counters();
  select_ = "SELECT value FROM " + table + " WHERE key = ? AND typeof(value) = 'integer'";
  count_ = "UPDATE " + table + " SET value = value + 1 WHERE key = ? RETURNING value";
  drop_before_ = "UPDATE " + table +
                 " SET value = (SELECT version FROM change WHERE id <= ? ORDER BY id DESC LIMIT 1) "
                 "WHERE key = 'log_after'";
}

std::uint64_t ChangeLog::counter(const char* key) const {
  Statement& get = statement_(select_.c_str());
  const Resetting guard(get);
  get.bind(1, std::string_view(key));
  if (!get.step() || get.integer(0) < 0) {
    throw Error(ErrorCode::kDataInvalid,
                database_.name() + ": damaged: field " + key + " is missing or no number");
  }
  return static_cast<std::uint64_t>(get.integer(0));
}

std::uint64_t ChangeLog::count(const char* key) {
  database_.announce();
  return static_cast<std::uint64_t>(statement_(count_.c_str()).bind(1, std::string_view(key)).run_for_id());
}

void ChangeLog::begin() { version_ = count("version"); }

void ChangeLog::note() { count("note_version"); }

void ChangeLog::face(std::int64_t face, std::optional<std::int64_t> person) {
  Statement& insert = statement_("INSERT INTO change (version, face_id, person_id) VALUES (?, ?, ?)");
  insert.bind(1, static_cast<std::int64_t>(version_)).bind(2, face);
  if (person) {
    insert.bind(3, *person);
  } else {
    insert.bind_null(3);
  }
  rows_until_look_ -= insert.run();
}

void ChangeLog::name(std::int64_t person) {
  if (database_.logs_names()) face(0, person);
}

void ChangeLog::faces_of(std::int64_t person, std::optional<std::int64_t> new_owner) {
  Statement& insert = statement_(
      "INSERT INTO change (version, face_id, person_id) SELECT CAST(? AS BIGINT), id, CAST(? AS BIGINT) FROM "
      "face "
      "WHERE person_id = ?");
  insert.bind(1, static_cast<std::int64_t>(version_)).bind(3, person);
  if (new_owner) {
    insert.bind(2, *new_owner);
  } else {
    insert.bind_null(2);
  }
  rows_until_look_ -= insert.run();
}

void ChangeLog::end() {
  if (rows_until_look_ > 0) return;
  rows_until_look_ = kRows / 100;
  Statement& ends = statement_("SELECT (SELECT min(id) FROM change), (SELECT max(id) FROM change)");
  std::int64_t first = 0;
  std::int64_t last = 0;
  {
    const Resetting guard(ends);
    if (ends.step()) {
      first = ends.integer(0);
      last = ends.integer(1);
    }
  }
  if (last - first < kRows + kRows / 10) return;
  // A version of which one row goes is no longer complete.
  statement_(drop_before_.c_str()).bind(1, last - kRows).run();
  statement_("DELETE FROM change WHERE id <= ?").bind(1, last - kRows).run();
}

std::optional<Changes> ChangeLog::since(std::uint64_t version) const {
  const sql::Snapshot one_moment(database_);
  Changes changes{.version = this->version(), .faces = {}};
  if (version > changes.version || version < counter("log_after")) return std::nullopt;
  // From the newest on: versions rise with the ids, and few rows are new.
  Statement& rows = statement_(
      "SELECT face_id, person_id FROM change WHERE id > coalesce((SELECT id FROM change WHERE version <= ? "
      "ORDER BY id DESC LIMIT 1), 0) ORDER BY id");
  const Resetting guard(rows);
  rows.bind(1, static_cast<std::int64_t>(version));
  while (rows.step()) {
    if (rows.integer(0) == 0) {
      changes.renamed.push_back(rows.integer(1));
      continue;
    }
    changes.faces.push_back(
        {rows.integer(0), rows.is_null(1) ? std::nullopt : std::optional(rows.integer(1))});
  }
  return changes;
}

}  // namespace likeness
