#pragma once

#include <algorithm>
#include <filesystem>
#include <vector>

namespace likeness {

/// The first photos in and below a folder that has as many, by their paths.
inline std::vector<std::filesystem::path> first_photos(const std::filesystem::path& folder,
                                                       std::size_t count) {
  std::vector<std::filesystem::path> photos;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) photos.push_back(entry.path());
  }
  std::sort(photos.begin(), photos.end());
  photos.resize(count);
  return photos;
}

}  // namespace likeness
