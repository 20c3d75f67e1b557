#include "serve/wire.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

namespace likeness::serve {
namespace {

namespace asio = boost::asio;

class PlainWire final : public Wire {
 public:
  explicit PlainWire(Socket socket) : Wire(std::move(socket)) {}

  Awaitable<void> greet(ErrorCode& error) override {
    error = {};
    co_return;
  }
  Awaitable<std::size_t> read_some(std::span<char> into, ErrorCode& error) override {
    const std::size_t bytes =
        co_await socket().async_read_some(asio::buffer(into.data(), into.size()), quietly(error));
    error = reason(error);
    co_return bytes;
  }
  Awaitable<void> write(std::string_view bytes, ErrorCode& error) override {
    co_await asio::async_write(socket(), asio::buffer(bytes), quietly(error));
    error = reason(error);
  }
  Awaitable<void> part() override {
    end_sending();
    co_return;
  }
};

class TlsWire final : public Wire {
 public:
  using Side = asio::ssl::stream_base::handshake_type;
  TlsWire(Socket given, asio::ssl::context& context, Side side)
      : Wire(std::move(given)), stream_(socket(), context), side_(side) {}

  void expect(const std::string& host) {
    stream_.set_verify_callback(asio::ssl::host_name_verification(host));
    SSL_set_tlsext_host_name(stream_.native_handle(), host.c_str());
  }

  Awaitable<void> greet(ErrorCode& error) override {
    co_await stream_.async_handshake(side_, quietly(error));
    error = reason(error);
  }
  Awaitable<std::size_t> read_some(std::span<char> into, ErrorCode& error) override {
    const std::size_t bytes =
        co_await stream_.async_read_some(asio::buffer(into.data(), into.size()), quietly(error));
    error = reason(error);
    co_return bytes;
  }
  Awaitable<void> write(std::string_view bytes, ErrorCode& error) override {
    co_await asio::async_write(stream_, asio::buffer(bytes), quietly(error));
    error = reason(error);
  }
  Awaitable<void> part() override {
    close_after(std::chrono::seconds(1));
    ErrorCode ignored;
    co_await stream_.async_shutdown(quietly(ignored));
  }

 private:
  asio::ssl::stream<Socket&> stream_;
  Side side_;
};

}  // namespace

struct Wire::State {
  explicit State(Socket given) : socket(std::move(given)), deadline(socket.get_executor()) {}
  Socket socket;
  asio::steady_timer deadline;
  bool expired = false;
};

Wire::Wire(Socket socket) : state_(std::make_shared<State>(std::move(socket))) {}

void Wire::close_after(std::chrono::milliseconds time) {
  state_->deadline.expires_after(time);
  // A wait that has ended already, but was not yet told so when the time was set anew, must not close
  // anything.
  state_->deadline.async_wait([weak = std::weak_ptr(state_)](const ErrorCode& error) {
    const auto state = weak.lock();
    if (error || !state || state->deadline.expiry() > std::chrono::steady_clock::now()) return;
    state->expired = true;
    ErrorCode ignored;
    state->socket.close(ignored);
  });
}

std::function<void()> Wire::closer() const {
  return [weak = std::weak_ptr(state_)] {
    ErrorCode ignored;
    if (const auto state = weak.lock()) state->socket.close(ignored);
  };
}

void Wire::end_sending() {
  ErrorCode ignored;
  state_->socket.shutdown(Socket::shutdown_send, ignored);
}

Wire::Socket& Wire::socket() { return state_->socket; }

Wire::ErrorCode Wire::reason(const ErrorCode& error) const {
  return error && state_->expired ? ErrorCode(asio::error::timed_out) : error;
}

std::unique_ptr<Wire> plain_wire(Wire::Socket socket) {
  return std::make_unique<PlainWire>(std::move(socket));
}

std::unique_ptr<Wire> tls_server_wire(Wire::Socket socket, asio::ssl::context& context) {
  return std::make_unique<TlsWire>(std::move(socket), context, asio::ssl::stream_base::server);
}

std::unique_ptr<Wire> tls_client_wire(Wire::Socket socket, asio::ssl::context& context,
                                      const std::string& host) {
  auto wire = std::make_unique<TlsWire>(std::move(socket), context, asio::ssl::stream_base::client);
  wire->expect(host);
  return wire;
}

}  // namespace likeness::serve
