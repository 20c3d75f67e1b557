#pragma once

#include <filesystem>

namespace likeness {

/// Where programs keep what they can make again: $XDG_CACHE_HOME/likeness, or ~/.cache/likeness. Empty where
/// neither variable says anything.
[[nodiscard]] std::filesystem::path cache_folder();

}  // namespace likeness
