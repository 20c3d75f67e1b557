#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "serve/http.h"

namespace likeness::serve {

/// A server certificate and its key, both PEM.
struct TlsFiles {
  std::filesystem::path certificate;  ///< With the chain behind it.
  std::filesystem::path key;
};

/// The figures that no request may exceed; their reasons stand in docs/service.md.
struct HttpLimits {
  std::size_t header_bytes = 16U << 10;
  std::size_t header_fields = 100;
  std::size_t connections = 256;
  std::size_t connections_an_address = 16;  ///< Not for loopback, where a proxy may stand before us.
  std::chrono::milliseconds header_time{10'000};
  std::chrono::milliseconds idle_time{30'000};     ///< Between two requests of a connection.
  std::chrono::milliseconds body_time{10'000};     ///< And a second more for each 64 KiB.
  std::chrono::milliseconds request_time{60'000};  ///< From the whole request to its answer.
};

struct HttpOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 8080;  ///< 0: any that is free.
  std::optional<TlsFiles> tls{};
  HttpLimits limits{};
};

/// Speaks HTTP/1.1 on one thread and leaves the work to a Handler. Where all connections are taken, the one
/// that has waited longest without a whole request makes room for a new one: clients that stall keep nobody
/// out.
class HttpServer {
 public:
  /// Listens. `handler` must outlive this.
  /// @throws Error kUnavailable where the address or port cannot be had; kInputUnreadable, kDataInvalid for
  /// the certificate; std::invalid_argument for an address that is none.
  HttpServer(const HttpOptions& options, Handler& handler);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  [[nodiscard]] std::uint16_t port() const;
  /// Serves until stop() has ended it.
  void run();
  /// From any thread: takes no more connections or requests; run() returns when what is under way is
  /// answered, at the latest after `patience`.
  void stop(std::chrono::milliseconds patience);

 private:
  struct Parts;
  std::shared_ptr<Parts> parts_;
};

/// Sends a request to an http:// or https:// address and waits for its answer: status, type and body. https
/// checks the server's certificate by the system's authorities. A redirection is not followed; it is the
/// answer.
/// @throws Error kUnavailable where there is no whole answer within `patience`, kInputUnreadable where it is
/// larger; std::invalid_argument for another kind of address.
[[nodiscard]] Response send(const Outgoing& request);

/// The status of the answer to a POST. @throws as send().
[[nodiscard]] int post(const std::string& url, const Fields& headers, const std::string& body,
                       std::chrono::milliseconds patience);
/// The same with the whole answer, of at most 16 MiB.
[[nodiscard]] Response forward(const std::string& url, const Fields& headers, const std::string& body,
                               std::chrono::milliseconds patience);
/// GET of an address, which may hold user and password (http://USER:PASSWORD@HOST/...). The body has at most
/// `most` bytes. `stop` ends it at once.
/// @throws Error kUnavailable in words without the address.
[[nodiscard]] Response get(const std::string& url, std::chrono::milliseconds patience, std::size_t most,
                           const std::stop_token& stop);
/// @throws std::invalid_argument, in words without it, where it is no address that get() takes.
void require_url(const std::string& url);

}  // namespace likeness::serve
