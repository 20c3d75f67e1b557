#include "serve/compat/aws_replays.h"

namespace likeness::serve {

bool AwsReplays::is_replay(std::string_view signature, std::int64_t valid_until_ms, std::int64_t now_ms) {
  constexpr std::int64_t kBetweenLooks_ms = 10'000;
  const std::lock_guard lock(mutex_);
  if (now_ms >= next_look_ms_) {
    std::erase_if(honoured_, [&](const auto& one) { return one.second.valid_until_ms < now_ms; });
    next_look_ms_ = now_ms + kBetweenLooks_ms;
  }
  const auto found = honoured_.find(signature);
  if (found != honoured_.end()) return now_ms - found->second.first_ms > retry_ms_;
  honoured_.emplace(signature, Honoured{now_ms, valid_until_ms});
  return false;
}

std::size_t AwsReplays::size() const {
  const std::lock_guard lock(mutex_);
  return honoured_.size();
}

}  // namespace likeness::serve
