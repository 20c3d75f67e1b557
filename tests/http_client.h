#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace likeness {

/// A connection to 127.0.0.1, for tests that say each byte themselves. Closed by the destructor.
class Connection {
 public:
  explicit Connection(std::uint16_t port);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// False where the server has closed it.
  bool send(std::string_view bytes);
  /// What comes until `end` has come, the server closes, or `patience` is over.
  std::string read_until(std::string_view end, std::chrono::milliseconds patience = std::chrono::seconds(20));
  /// One whole answer: header and a body of its Content-Length.
  std::string read_answer(std::chrono::milliseconds patience = std::chrono::seconds(20));
  /// Whether the server has closed it within `patience`.
  bool closed(std::chrono::milliseconds patience);

 private:
  bool read_more(std::chrono::steady_clock::time_point deadline);
  int socket_ = -1;
  std::string buffer_;
};

/// A request with a Host and, where there is a body, its length.
[[nodiscard]] std::string request_text(const std::string& method, const std::string& target,
                                       const std::string& body = "",
                                       const std::string& type = "application/json");
/// A form with one photo, as request_text() makes it.
[[nodiscard]] std::string photo_request(const std::string& target, const std::string& photo,
                                        const std::string& person = "");

/// Bytes of the body that a header announces, whatever the case of its names (uvicorn's are in lower case); 0
/// where it does not say.
[[nodiscard]] std::size_t announced_length(std::string_view head);
/// "HTTP/1.1 200 OK..." -> 200; 0 where it is no answer.
[[nodiscard]] int status_of(const std::string& answer);
[[nodiscard]] std::string body_of(const std::string& answer);

/// One request on a connection of its own.
[[nodiscard]] std::string ask(std::uint16_t port, const std::string& request);

}  // namespace likeness
