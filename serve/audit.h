#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace likeness::serve {

/// Who did what, a line of JSON each: ids and counts, neither names nor pictures nor vectors, so that
/// removing a person leaves nothing of his or hers here. Threads may share one.
class AuditLog {
 public:
  struct Entry {
    std::string request;
    std::optional<std::string> key;  ///< The key's id.
    std::string action;              ///< An operationId.
    std::optional<std::string> gallery;
    std::optional<std::int64_t> person;
    std::optional<std::int64_t> faces;
    std::optional<std::int64_t> named;
    int status = 0;
  };

  /// Appends to `path`; an empty path keeps the newest 1,000 entries in memory alone.
  /// @throws Error kOutputUnwritable.
  explicit AuditLog(std::filesystem::path path);
  ~AuditLog();
  AuditLog(const AuditLog&) = delete;
  AuditLog& operator=(const AuditLog&) = delete;

  /// @throws Error kOutputUnwritable.
  void add(const Entry& entry);
  /// At most `count`, newest first, of those since the start or the last 1,000.
  [[nodiscard]] std::vector<nlohmann::json> newest(std::size_t count) const;

 private:
  std::filesystem::path path_;
  int file_ = -1;
  mutable std::mutex mutex_;
  std::vector<nlohmann::json> kept_;  ///< A ring of the newest.
  std::size_t next_ = 0;
};

}  // namespace likeness::serve
