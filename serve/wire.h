#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace likeness::serve {

/// One connection, with or without TLS: bytes in, bytes out. What speaks HTTP over it is compiled once and
/// not once for each kind of stream; Asio's and Beast's own operations, made anew for each, took four times
/// as long to compile. Of one thread: that of the socket's io_context.
class Wire {
 public:
  using Socket = boost::asio::ip::tcp::socket;
  using ErrorCode = boost::system::error_code;
  template <typename T>
  using Awaitable = boost::asio::awaitable<T>;

  virtual ~Wire() = default;
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  /// Closes the connection after that time; counts anew with each call.
  void close_after(std::chrono::milliseconds time);
  /// Closes the connection; what waits on it ends with an error. The function may be called after this is
  /// gone.
  [[nodiscard]] std::function<void()> closer() const;
  /// Tells the other side that no more will be sent.
  void end_sending();
  [[nodiscard]] Socket& socket();
  /// `error`, or that close_after() has closed the connection, where it has.
  [[nodiscard]] ErrorCode reason(const ErrorCode& error) const;

  /// Before anything else; nothing where there is no TLS.
  virtual Awaitable<void> greet(ErrorCode& error) = 0;
  /// How many bytes were read: at least one, or `error` is set. The error is asio::error::timed_out where
  /// close_after() has closed the connection.
  virtual Awaitable<std::size_t> read_some(std::span<char> into, ErrorCode& error) = 0;
  /// All of `bytes`, which must live until then; errors as those of read_some().
  virtual Awaitable<void> write(std::string_view bytes, ErrorCode& error) = 0;
  /// After the last byte: takes leave, and waits a second for the other side's.
  virtual Awaitable<void> part() = 0;

 protected:
  explicit Wire(Socket socket);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// Completion that gives an error code instead of an exception.
inline auto quietly(Wire::ErrorCode& error) {
  return boost::asio::redirect_error(boost::asio::use_awaitable, error);
}

[[nodiscard]] std::unique_ptr<Wire> plain_wire(Wire::Socket socket);
/// The server's side of TLS. `context` must outlive the wire.
[[nodiscard]] std::unique_ptr<Wire> tls_server_wire(Wire::Socket socket, boost::asio::ssl::context& context);
/// The client's side; the other side's certificate must be `host`'s.
[[nodiscard]] std::unique_ptr<Wire> tls_client_wire(Wire::Socket socket, boost::asio::ssl::context& context,
                                                    const std::string& host);

}  // namespace likeness::serve
