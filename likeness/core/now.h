#pragma once

#include <chrono>
#include <cstdint>

namespace likeness {

/// Milliseconds since 1970, UTC, by the system's clock.
[[nodiscard]] inline std::int64_t now_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

/// Milliseconds by a clock that nobody sets: for deadlines and waits, which end when they shall also where
/// the system's clock is put right meanwhile. Only differences mean something.
[[nodiscard]] inline std::int64_t steady_ms() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

/// Tells where the system's clock was set, by a clock that is not. For one thread.
class ClockWatch {
 public:
  static constexpr std::int64_t kAllowedMs = 60'000;

  /// Whether the clock went otherwise than by `steady` since the last call; the first call has nothing to
  /// compare with. From the next call on the clock is believed as it is now.
  [[nodiscard]] bool was_set(std::int64_t now, std::int64_t steady) {
    const std::int64_t ahead = now - steady;
    const bool jumped = known_ && (ahead - ahead_ > kAllowedMs || ahead_ - ahead > kAllowedMs);
    known_ = true;
    ahead_ = ahead;
    return jumped;
  }

 private:
  bool known_ = false;
  std::int64_t ahead_ = 0;  // of the steady clock, at the last call
};

}  // namespace likeness
