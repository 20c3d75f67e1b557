#pragma once

#include <chrono>
#include <cstdint>

namespace likeness {

/// Milliseconds since 1970, UTC, by the system's clock.
[[nodiscard]] inline std::int64_t now_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

}  // namespace likeness
