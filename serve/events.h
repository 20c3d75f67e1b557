#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "serve/http.h"

namespace likeness::serve {

/// What happened, for whoever listens: ids and counts, and a name only where a face got one.
struct Event {
  std::string kind;  ///< "searched", "enrolled", "removed", ...
  std::string gallery;
  nlohmann::ordered_json data;  ///< An object.
};

/// An event as listeners get it: one object with kind, gallery, time_ms (since 1970, UTC) and its data.
[[nodiscard]] std::string event_text(const Event& event, std::int64_t time_ms);

/// Hands events to listeners and webhooks. A listener that does not keep up loses the oldest. Threads may
/// share one.
class EventHub {
 public:
  using Lost = std::function<void()>;
  explicit EventHub(Lost lost = {});
  ~EventHub();

  void publish(const Event& event);
  /// Events of one gallery from now on; null where too many listen already.
  [[nodiscard]] std::shared_ptr<EventStream> listen(const std::string& gallery);
  /// Calls `hook` for every event, from whoever publishes; set before the first.
  void add_hook(std::function<void(const Event&)> hook);
  /// Ends all streams.
  void end();

 private:
  class Stream;
  Lost lost_;
  std::mutex mutex_;
  std::uint64_t next_ = 1;
  std::vector<std::weak_ptr<Stream>> streams_;
  std::vector<std::function<void(const Event&)>> hooks_;
  bool ended_ = false;
};

/// Posts each event to an address, signed, on a thread of its own: tried three times, a second apart and
/// twice that; what waits beyond 1,000 is lost, oldest first.
class Webhook {
 public:
  using Post = std::function<int(const std::string& url, const Fields& headers, const std::string& body)>;
  struct Options {
    std::string url;
    std::string secret;  ///< Key of the HMAC-SHA256.
  };
  /// `post` gives a status or throws; `lost` is called for each event that could not be delivered.
  Webhook(Options options, Post post, EventHub::Lost lost);
  ~Webhook();
  void send(const Event& event);

 private:
  void work(const std::stop_token& stop);
  [[nodiscard]] bool deliver(const std::string& body, const std::stop_token& stop);

  Options options_;
  Post post_;
  EventHub::Lost lost_;
  std::mutex mutex_;
  std::condition_variable_any more_;
  std::deque<std::string> waiting_;
  std::jthread thread_;
};

/// HMAC-SHA256 of `text`, hexadecimal.
[[nodiscard]] std::string hmac_sha256(std::string_view key, std::string_view text);

}  // namespace likeness::serve
