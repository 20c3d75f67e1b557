#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace likeness::serve {

using Fields = std::vector<std::pair<std::string, std::string>>;

/// The first value of that name; nothing where there is none.
[[nodiscard]] std::optional<std::string_view> find_field(const Fields& fields, std::string_view name);

/// A request without its body. Plain values, as everything here.
struct RequestHead {
  std::string method;                   ///< As sent: "GET", ...
  std::string target;                   ///< As sent: path and query.
  std::vector<std::string> path;        ///< Segments, decoded; "/v1/people" has two, "/v1/" a last empty one.
  Fields query;                         ///< Decoded, in the order sent.
  Fields headers;                       ///< Names in lower case, in the order sent.
  std::string peer;                     ///< The client's address, without its port.
  std::string id;                       ///< Names this request in logs and answers.
  std::optional<std::size_t> length{};  ///< Of the body, where the client says it.
};

struct Request : RequestHead {
  std::string body;
};

/// Events for one client that waits for them (server-sent events). Threads may share one.
class EventStream {
 public:
  virtual ~EventStream() = default;
  /// What has come since the last call, ready to be sent; empty: nothing.
  [[nodiscard]] virtual std::string take() = 0;
  /// Called from any thread, at most once after each take() that gave nothing, when there is more.
  virtual void on_more(std::function<void()> wake) = 0;
  /// Whether no more will come.
  [[nodiscard]] virtual bool ended() const = 0;
};

struct Response {
  int status = 200;
  std::string type = "application/json";
  Fields headers{};
  std::string body{};
  std::shared_ptr<EventStream> events{};  ///< Instead of a body: goes on until one side ends it.
};

/// A request that this program makes of another server.
struct Outgoing {
  std::string method = "GET";
  std::string url;  ///< http:// or https://; never with a secret in it, for errors name it.
  Fields headers{};
  std::string body{};
  std::chrono::milliseconds patience{10'000};  ///< For the whole exchange.
  std::size_t most_bytes = 16U << 20;          ///< Of the answer's body; 0: it is not read.
};
/// Makes a request: send() of beast_server.h, or what a test has in its place.
using Send = std::function<Response(const Outgoing&)>;

/// What is known of a request when its header is there.
struct Admission {
  std::optional<Response> refusal{};  ///< Sent at once; the body is not read.
  std::size_t body_limit = 0;         ///< Most bytes of a body that are read.
};

/// What answers requests. Threads call it at once.
class Handler {
 public:
  virtual ~Handler() = default;
  /// Before the body is read.
  [[nodiscard]] virtual Admission admit(const RequestHead& head) = 0;
  /// Answers by calling `reply` once, from any thread, now or later. Where it takes longer than the server's
  /// deadline its answer is dropped.
  virtual void handle(Request request, std::function<void(Response)> reply) = 0;
  /// The answer to what never became a request (bad syntax, too large, too slow) or took too long.
  [[nodiscard]] virtual Response refuse(int status, const std::string& id, const std::string& message) = 0;
};

/// Percent escapes undone; nothing where one is damaged, or gives a NUL.
[[nodiscard]] std::optional<std::string> percent_decoded(std::string_view text);

/// Letters, digits and what is `kept` as they are, all else by percent escapes.
[[nodiscard]] std::string percent_encoded(std::string_view text, std::string_view kept);

/// "/a%20b/c?d=e" taken apart; nothing where it is no path, or an escape is damaged.
struct Target {
  std::vector<std::string> path;
  Fields query;
};
[[nodiscard]] std::optional<Target> parse_target(std::string_view target);

/// A request's id: 16 hexadecimal digits, made at random.
[[nodiscard]] std::string new_request_id();

}  // namespace likeness::serve
