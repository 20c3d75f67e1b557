#include "serve/compat/aws_replays.h"

namespace likeness::serve {

bool AwsReplays::is_replay(std::string_view signature, std::int64_t steady_ms) {
  constexpr std::int64_t kBetweenLooksMs = 10'000;
  const std::lock_guard lock(mutex_);
  if (steady_ms >= next_look_ms_) {
    std::erase_if(honoured_, [&](const auto& one) { return one.second + 2 * kSkewMs + 1000 < steady_ms; });
    next_look_ms_ = steady_ms + kBetweenLooksMs;
  }
  const auto found = honoured_.find(signature);
  if (found != honoured_.end()) return steady_ms - found->second > retry_ms_;
  honoured_.emplace(signature, steady_ms);
  return false;
}

std::size_t AwsReplays::size() const {
  const std::lock_guard lock(mutex_);
  return honoured_.size();
}

}  // namespace likeness::serve
