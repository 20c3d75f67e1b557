#include "likeness/core/cache_folder.h"

#include <cstddef>
#include <cstdlib>
#include <span>
#include <system_error>

#include "likeness/core/sha256.h"

namespace likeness {

std::filesystem::path cache_folder() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  if (cache != nullptr && *cache != '\0') return std::filesystem::path(cache) / "likeness";
  const char* home = std::getenv("HOME");
  if (home == nullptr || *home == '\0') return {};
  return std::filesystem::path(home) / ".cache" / "likeness";
}

CachePlace cache_place(const std::filesystem::path& folder, const std::filesystem::path& source,
                       const std::string& what, std::string_view ending) {
  std::error_code error;
  const std::filesystem::path whole = std::filesystem::canonical(source, error);
  const std::string identity = error ? "" : file_identity(whole);
  if (folder.empty() || identity.empty()) return {};
  const std::string made = whole.string() + "\n" + what;
  std::string name = sha256(std::as_bytes(std::span(made))).substr(0, 24);
  return {folder / name.append(ending), whole, made + identity};
}

std::string file_identity(const std::filesystem::path& file) {
  std::error_code error;
  const auto size = std::filesystem::file_size(file, error);
  if (error) return "";
  const auto changed = std::filesystem::last_write_time(file, error).time_since_epoch().count();
  if (error) return "";
  return file.string() + "\n" + std::to_string(size) + " " + std::to_string(changed) + "\n";
}

void make_cache_folder(const std::filesystem::path& folder) {
  std::error_code error;
  if (std::filesystem::create_directories(folder, error)) {
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
  }
}

}  // namespace likeness
