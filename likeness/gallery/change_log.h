#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "likeness/gallery/sql.h"
#include "likeness/gallery/store.h"

namespace likeness {

/// The counters and the log of changes of a gallery (docs/gallery_format.md). One thread.
class ChangeLog {
 public:
  /// Rows kept, and a tenth more before the oldest are removed: who has seen none of the last hundred
  /// thousand changes reads everything.
  static constexpr std::int64_t kRows = 100'000;

  ChangeLog(sql::Database& database, sql::Statements& statements);

  // Within the transaction of a change:
  /// Counts the change; first of all.
  void begin();
  void face(std::int64_t face, std::optional<std::int64_t> person);
  /// The version that is being made, and rows of it that somebody else has written.
  [[nodiscard]] std::int64_t making() const { return static_cast<std::int64_t>(version_); }
  void written(std::int64_t rows) { rows_until_look_ -= rows; }
  /// A new name, or a person who is gone; a row of no face, where such are kept.
  void name(std::int64_t person);
  /// All faces that `person` has now.
  void faces_of(std::int64_t person, std::optional<std::int64_t> new_owner);
  /// Removes what is too old; last of all.
  void end();
  void note();

  [[nodiscard]] std::uint64_t version() const { return counter("version"); }
  [[nodiscard]] std::uint64_t note_version() const { return counter("note_version"); }
  [[nodiscard]] std::optional<Changes> since(std::uint64_t version) const;

 private:
  [[nodiscard]] std::uint64_t counter(const char* key) const;
  std::uint64_t count(const char* key);

  sql::Database& database_;
  sql::Statements& statement_;
  std::string select_;
  std::string count_;
  std::string drop_before_;
  std::int64_t rows_until_look_ = 0;  // at the length of the log
  std::uint64_t version_ = 0;         // of the change that is being made
};

}  // namespace likeness
