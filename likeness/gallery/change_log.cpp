#include "likeness/gallery/change_log.h"

#include <algorithm>

#include "likeness/core/error.h"

namespace likeness {

using sqlite::Resetting;
using sqlite::Statement;

std::uint64_t ChangeLog::counter(const char* key) const {
  Statement& get = statement_("SELECT value FROM meta WHERE key = ? AND typeof(value) = 'integer'");
  const Resetting guard(get);
  get.bind(1, std::string_view(key));
  if (!get.step() || get.integer(0) < 0) {
    throw Error(ErrorCode::kDataInvalid,
                database_.name() + ": damaged: field " + key + " is missing or no number");
  }
  return static_cast<std::uint64_t>(get.integer(0));
}

void ChangeLog::count(const char* key) {
  statement_("UPDATE meta SET value = value + 1 WHERE key = ?").bind(1, std::string_view(key)).run();
}

void ChangeLog::begin() {
  count("version");
  version_ = version();
}

void ChangeLog::note() { count("note_version"); }

void ChangeLog::face(std::int64_t face, std::optional<std::int64_t> person) {
  Statement& insert = statement_("INSERT INTO change (version, face_id, person_id) VALUES (?, ?, ?)");
  insert.bind(1, static_cast<std::int64_t>(version_)).bind(2, face);
  if (person) {
    insert.bind(3, *person);
  } else {
    insert.bind_null(3);
  }
  insert.run();
}

void ChangeLog::faces_of(std::int64_t person, std::optional<std::int64_t> new_owner) {
  Statement& insert = statement_(
      "INSERT INTO change (version, face_id, person_id) SELECT ?, id, ? FROM face WHERE person_id = ?");
  insert.bind(1, static_cast<std::int64_t>(version_)).bind(3, person);
  if (new_owner) {
    insert.bind(2, *new_owner);
  } else {
    insert.bind_null(2);
  }
  insert.run();
}

void ChangeLog::end() {
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
  statement_(
      "UPDATE meta SET value = (SELECT version FROM change WHERE id <= ? ORDER BY id DESC LIMIT 1) "
      "WHERE key = 'log_after'")
      .bind(1, last - kRows)
      .run();
  statement_("DELETE FROM change WHERE id <= ?").bind(1, last - kRows).run();
}

std::optional<Changes> ChangeLog::since(std::uint64_t version) const {
  const sqlite::Snapshot one_moment(database_);
  Changes changes{.version = this->version(), .faces = {}};
  if (version > changes.version || version < counter("log_after")) return std::nullopt;
  // From the newest on: versions rise with the ids, and few rows are new.
  Statement& rows = statement_("SELECT version, face_id, person_id FROM change ORDER BY id DESC");
  const Resetting guard(rows);
  while (rows.step() && static_cast<std::uint64_t>(rows.integer(0)) > version) {
    changes.faces.push_back(
        {rows.integer(1), rows.is_null(2) ? std::nullopt : std::optional(rows.integer(2))});
  }
  std::ranges::reverse(changes.faces);
  return changes;
}

}  // namespace likeness
