#include "likeness/core/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <random>
#include <string>
#include <utility>

#include "likeness/core/error.h"

namespace likeness {
namespace {

constexpr int kMostAttempts = 100;  // of 2^32 names; as many collisions are no accident

[[noreturn]] void fail(const std::filesystem::path& path, int error) {
  throw Error(ErrorCode::kOutputUnwritable, "cannot write " + path.string() + ": " + std::strerror(error));
}

}  // namespace

AtomicFile::AtomicFile(std::filesystem::path path, mode_t mode) : path_(std::move(path)) {
  // A folder under the final name would fail only at the rename, after all the work.
  std::error_code ignored;
  if (std::filesystem::is_directory(path_, ignored)) fail(path_, EISDIR);
  // Not mkostemps(): its files are for their owner only, and what the process's umask allows cannot be asked
  // without changing it for a moment. So the kernel applies it, or the folder's default ACL, to an ordinary
  // file.
  std::random_device random;
  for (int attempt = 0; descriptor_ < 0; ++attempt) {
    temporary_ = path_.string() + "." + std::to_string(random()) + ".tmp";
    descriptor_ = ::open(temporary_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (descriptor_ < 0 && (errno != EEXIST || attempt == kMostAttempts)) fail(path_, errno);
  }
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!committed_) ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      fail(path_, errno);
    }
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void AtomicFile::commit() {
  // A library may have replaced the temporary file by one of its own, so flush what lies under the name now.
  ::close(std::exchange(descriptor_, ::open(temporary_.c_str(), O_RDONLY | O_CLOEXEC)));
  if (descriptor_ < 0) fail(path_, errno);
  if (::fsync(descriptor_) != 0) fail(path_, errno);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail(path_, errno);
  committed_ = true;
}

void write_file(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

void write_file(const std::filesystem::path& path, std::string_view text) {
  write_file(path, std::as_bytes(std::span(text.data(), text.size())));
}

}  // namespace likeness
