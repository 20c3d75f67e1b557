#include "serve/audit.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "likeness/core/error.h"
#include "likeness/core/now.h"

namespace likeness::serve {
namespace {

constexpr std::size_t kKept = 1000;

template <typename T>
nlohmann::json or_null(const std::optional<T>& value) {
  return value ? nlohmann::json(*value) : nlohmann::json(nullptr);
}

}  // namespace

AuditLog::AuditLog(std::filesystem::path path) : path_(std::move(path)) {
  if (path_.empty()) return;
  file_ = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (file_ < 0)
    throw Error(ErrorCode::kOutputUnwritable, "cannot write " + path_.string() + ": " + std::strerror(errno));
}

AuditLog::~AuditLog() {
  if (file_ >= 0) ::close(file_);
}

void AuditLog::add(const Entry& entry) {
  const std::int64_t now = now_ms();
  nlohmann::json json{{"time_ms", now},
                      {"request", entry.request},
                      {"key", or_null(entry.key)},
                      {"action", entry.action},
                      {"gallery", or_null(entry.gallery)},
                      {"person", or_null(entry.person)},
                      {"faces", or_null(entry.faces)},
                      {"named", or_null(entry.named)},
                      {"status", entry.status}};
  const std::string line = json.dump() + "\n";
  const std::lock_guard lock(mutex_);
  if (kept_.size() < kKept) {
    kept_.push_back(std::move(json));
  } else {
    kept_[next_] = std::move(json);
    next_ = (next_ + 1) % kKept;
  }
  // One write, so that lines of several processes do not mix.
  if (file_ >= 0 && ::write(file_, line.data(), line.size()) != static_cast<ssize_t>(line.size()))
    throw Error(ErrorCode::kOutputUnwritable, "cannot write " + path_.string() + ": " + std::strerror(errno));
}

std::vector<nlohmann::json> AuditLog::newest(std::size_t count) const {
  const std::lock_guard lock(mutex_);
  std::vector<nlohmann::json> found;
  for (std::size_t i = 0; i < std::min(count, kept_.size()); ++i)
    found.push_back(kept_[(next_ + kept_.size() - 1 - i) % kept_.size()]);
  return found;
}

}  // namespace likeness::serve
