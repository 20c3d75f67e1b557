#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace likeness::serve {

/// Signatures that were honoured, as long as they would be once more: who has read a request on its way must
/// not be able to send it again. A client's own retry within the second of its signature is the same request,
/// byte for byte (boto3 1.44.8), so what comes again within `retry_ms` is one. Threads may share one.
class AwsReplays {
 public:
  static constexpr std::int64_t kRetryMs = 5000;
  /// A signature is at most so far from the server's clock, either way (as AWS), so it holds at most twice as
  /// long; counted by steady_ms(), for a clock that was ahead and is set right brings its time back.
  static constexpr std::int64_t kSkewMs = 300'000;

  explicit AwsReplays(std::int64_t retry_ms = kRetryMs) : retry_ms_(retry_ms) {}

  /// Whether this signature, once it is known to be right, was honoured longer ago than a retry takes; else
  /// it is noted. Each server knows its own requests alone, and none from before it started. A clock that is
  /// set back by more than ten minutes makes requests from before that good once more.
  [[nodiscard]] bool is_replay(std::string_view signature, std::int64_t steady_ms);
  [[nodiscard]] std::size_t size() const;

 private:
  const std::int64_t retry_ms_;
  mutable std::mutex mutex_;
  std::map<std::string, std::int64_t, std::less<>> honoured_;  // since when; 200 bytes each, for ten minutes
  std::int64_t next_look_ms_ = 0;
};

}  // namespace likeness::serve
