#pragma once

#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

namespace likeness {

/// A file that appears under its final name complete or not at all: bytes go to a temporary file in the same
/// folder, commit() flushes it to disk and renames it. Without commit()
/// the destructor removes what was written. For libraries that write a file by themselves, `temporary()` is
/// the path to give them. Not for sharing between threads.
class AtomicFile {
 public:
  /// Creates the temporary file beside `path`. `mode`: who may read and write it, from its first moment on,
  /// less what the process's umask forbids. @throws Error kOutputUnwritable with the reason.
  explicit AtomicFile(std::filesystem::path path, mode_t mode = 0666);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();

  [[nodiscard]] const std::filesystem::path& temporary() const { return temporary_; }
  /// Appends bytes. @throws Error kOutputUnwritable (disk full, ...).
  void write(std::span<const std::byte> bytes);
  /// Makes the file appear as `path`, replacing what was there. @throws Error kOutputUnwritable.
  void commit();

 private:
  std::filesystem::path path_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
  bool committed_ = false;
};

/// Writes `bytes` as `path`, complete or not at all. @throws Error kOutputUnwritable.
void write_file(const std::filesystem::path& path, std::span<const std::byte> bytes);
void write_file(const std::filesystem::path& path, std::string_view text);

}  // namespace likeness
