#pragma once

#include <cstdint>
#include <optional>

#include "likeness/gallery/sqlite.h"
#include "likeness/gallery/store.h"

namespace likeness {

/// The counters and the log of changes in a gallery's file of format 2 (docs/gallery_format.md). One thread.
class ChangeLog {
 public:
  /// Rows kept, and a tenth more before the oldest are removed: who has seen none of the last hundred
  /// thousand changes reads everything.
  static constexpr std::int64_t kRows = 100'000;

  ChangeLog(sqlite::Database& database, sqlite::Statements& statements)
      : database_(database), statement_(statements) {}

  // Within the transaction of a change:
  /// Counts the change; first of all.
  void begin();
  void face(std::int64_t face, std::optional<std::int64_t> person);
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
  void count(const char* key);

  sqlite::Database& database_;
  sqlite::Statements& statement_;
  std::uint64_t version_ = 0;  // of the change that is being made
};

}  // namespace likeness
