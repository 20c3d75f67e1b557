#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace likeness {

/// Where programs keep what they can make again: $XDG_CACHE_HOME/likeness, or ~/.cache/likeness. Empty where
/// neither variable says anything.
[[nodiscard]] std::filesystem::path cache_folder();

/// Where a program keeps what it made of a file.
struct CachePlace {
  std::filesystem::path file;    ///< Empty: nowhere.
  std::filesystem::path source;  ///< The file it is made of, without links.
  std::string key;               ///< What it depends on: it holds only for an equal key.
};

/// In `folder`, for what is made of `source` in the way `what` says; the name ends with `ending`. Nowhere
/// where `folder` is empty or there is no `source`.
[[nodiscard]] CachePlace cache_place(const std::filesystem::path& folder, const std::filesystem::path& source,
                                     const std::string& what, std::string_view ending);

/// Which bytes a file has, without reading them: its path, size and time of change. Empty where it is not
/// there.
[[nodiscard]] std::string file_identity(const std::filesystem::path& file);

/// Makes the folder, for its user alone. That it cannot be made is told by whoever writes there.
void make_cache_folder(const std::filesystem::path& folder);

}  // namespace likeness
