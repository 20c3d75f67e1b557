#include "likeness/gallery/new_database_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>

#include "likeness/core/error.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

fs::path temporary_name(const fs::path& path) {
  static std::atomic<unsigned> number = 0;
  return path.string() + ".new-" + std::to_string(::getpid()) + "-" + std::to_string(number++);
}

void sync_folder(const fs::path& path) {
  const auto folder = path.parent_path().empty() ? fs::path(".") : path.parent_path();
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

}  // namespace

NewDatabaseFile::NewDatabaseFile(fs::path path) : path_(std::move(path)), temporary_(temporary_name(path_)) {
  remove();
}

void NewDatabaseFile::remove() const {
  std::error_code ignored;
  for (const char* tail : {"", "-wal", "-shm", "-journal"}) fs::remove(temporary_.string() + tail, ignored);
}

bool NewDatabaseFile::publish() const {
  if (::link(temporary_.c_str(), path_.c_str()) != 0) {
    if (errno == EEXIST) return false;
    throw Error(ErrorCode::kOutputUnwritable, path_.string() + ": " + std::strerror(errno));
  }
  sync_folder(path_);
  return true;
}

}  // namespace likeness
