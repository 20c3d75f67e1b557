#pragma once

#include <filesystem>

namespace likeness {

/// A SQLite file that is made under another name beside its final one: killed half-way, there is none. What
/// is not published is removed, and so is what a killed process of the same number left.
class NewDatabaseFile {
 public:
  explicit NewDatabaseFile(std::filesystem::path path);
  NewDatabaseFile(const NewDatabaseFile&) = delete;
  NewDatabaseFile& operator=(const NewDatabaseFile&) = delete;
  ~NewDatabaseFile() { remove(); }

  [[nodiscard]] const std::filesystem::path& temporary() const { return temporary_; }
  /// Gives the file, closed and flushed by SQLite, its name; of two that make the same one, one is told that
  /// it is there: false. @throws Error kOutputUnwritable.
  [[nodiscard]] bool publish() const;

 private:
  void remove() const;
  std::filesystem::path path_;
  std::filesystem::path temporary_;
};

}  // namespace likeness
