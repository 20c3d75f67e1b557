// The only file that includes Boost: one translation unit costs half a minute to compile.
#include "serve/beast_server.h"

#include <algorithm>
#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <list>
#include <map>

#include "likeness/core/error.h"

namespace likeness::serve {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using Clock = std::chrono::steady_clock;

constexpr auto kAwait = asio::use_awaitable;

/// Completion that gives an error code instead of an exception.
auto quietly(boost::system::error_code& error) { return asio::redirect_error(asio::use_awaitable, error); }

/// A client that is connected. `waiting`: it has sent no whole request yet, and may be turned away for a new
/// one.
struct Connection {
  std::string peer;
  bool waiting = true;
  Clock::time_point since = Clock::now();
  std::function<void()> close;
};

bool is_loopback(const std::string& peer) {
  boost::system::error_code ignored;
  const auto address = asio::ip::make_address(peer, ignored);
  if (ignored) return false;
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).is_loopback();
  return address.is_loopback();
}

/// An answer that a thread of the handler's is making.
struct Pending {
  explicit Pending(asio::io_context& io) : ready(io) {}
  asio::steady_timer ready;  ///< Expires at the deadline; cancelled by the answer.
  std::optional<Response> response;
};

/// Wakes a client's stream of events.
struct Waker {
  explicit Waker(asio::io_context& io) : timer(io) {}
  asio::steady_timer timer;
};

bool has_body(const RequestHead& head) { return head.length.value_or(0) > 0; }

}  // namespace

struct HttpServer::Parts : std::enable_shared_from_this<Parts> {
  Parts(const HttpOptions& given, Handler& to) : options(given), handler(to), io(1), acceptor(io), end(io) {}

  // ---- opening ----

  void open_tls() {
    if (!options.tls) return;
    tls.emplace(asio::ssl::context::tls_server);
    tls->set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_sslv2 |
                     asio::ssl::context::no_sslv3 | asio::ssl::context::no_tlsv1 |
                     asio::ssl::context::no_tlsv1_1);
    for (const auto& file : {options.tls->certificate, options.tls->key}) {
      std::error_code error;
      if (!std::filesystem::is_regular_file(file, error))
        throw Error(ErrorCode::kInputUnreadable, "cannot read " + file.string() + ": there is no such file");
    }
    boost::system::error_code error;
    tls->use_certificate_chain_file(options.tls->certificate.string(), error);
    if (error)
      throw Error(ErrorCode::kDataInvalid,
                  options.tls->certificate.string() + ": no certificate in PEM: " + error.message());
    tls->use_private_key_file(options.tls->key.string(), asio::ssl::context::pem, error);
    if (error)
      throw Error(ErrorCode::kDataInvalid,
                  options.tls->key.string() +
                      ": no private key in PEM that fits the certificate: " + error.message());
  }

  void listen() {
    boost::system::error_code error;
    const auto address = asio::ip::make_address(options.address, error);
    if (error)
      throw std::invalid_argument(options.address +
                                  ": no address to listen on; write 127.0.0.1, 0.0.0.0 or ::1");
    const tcp::endpoint endpoint(address, options.port);
    acceptor.open(endpoint.protocol());
    acceptor.set_option(asio::socket_base::reuse_address(true));
    acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (error)
      throw Error(ErrorCode::kUnavailable, "cannot listen on " + options.address + " port " +
                                               std::to_string(options.port) + ": " + error.message());
  }

  // ---- connections ----

  asio::awaitable<void> accept() {
    while (!stopping) {
      boost::system::error_code error;
      tcp::socket socket = co_await acceptor.async_accept(quietly(error));
      if (stopping || error == asio::error::operation_aborted) co_return;
      if (error) {  // out of descriptors, or gone already: wait a moment and go on
        asio::steady_timer pause(io, std::chrono::milliseconds(50));
        co_await pause.async_wait(quietly(error));
        continue;
      }
      const auto endpoint = socket.remote_endpoint(error);
      if (error) continue;
      const std::string peer = endpoint.address().to_string();
      if (!make_room(peer)) continue;
      socket.set_option(tcp::no_delay(true), error);
      begin(std::move(socket), peer);
    }
  }

  /// Whether one more may come from there; turns away who has waited longest where all places are taken.
  bool make_room(const std::string& peer) {
    if (!is_loopback(peer)) {
      const auto same = std::count_if(connections.begin(), connections.end(),
                                      [&](const Connection& c) { return c.peer == peer; });
      if (static_cast<std::size_t>(same) >= options.limits.connections_an_address) return false;
    }
    if (connections.size() < options.limits.connections) return true;
    auto oldest = connections.end();
    for (auto c = connections.begin(); c != connections.end(); ++c) {
      if (c->waiting && c->close && (oldest == connections.end() || c->since < oldest->since)) oldest = c;
    }
    if (oldest == connections.end()) return false;
    std::exchange(oldest->close, nullptr)();
    return true;
  }

  void begin(tcp::socket socket, const std::string& peer) {
    connections.push_back({.peer = peer});
    const auto place = std::prev(connections.end());
    // Not its own owner: what is still connected when the server goes is destroyed with `io`.
    const auto gone = [this, place](const std::exception_ptr&) {
      connections.erase(place);
      end_if_done();
    };
    beast::tcp_stream stream(std::move(socket));
    if (tls) {
      asio::co_spawn(io, talk_tls(std::move(stream), *place), gone);
    } else {
      asio::co_spawn(io, talk_plain(std::move(stream), *place), gone);
    }
  }

  asio::awaitable<void> talk_plain(beast::tcp_stream stream, Connection& connection) {
    co_await talk(stream, stream, connection);
    boost::system::error_code ignored;
    stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
  }

  asio::awaitable<void> talk_tls(beast::tcp_stream raw, Connection& connection) {
    beast::ssl_stream<beast::tcp_stream> stream(std::move(raw), *tls);
    beast::tcp_stream& lowest = beast::get_lowest_layer(stream);
    connection.close = [&lowest] { lowest.socket().close(); };
    boost::system::error_code error;
    lowest.expires_after(options.limits.header_time);
    co_await stream.async_handshake(asio::ssl::stream_base::server, quietly(error));
    if (error) co_return;
    co_await talk(stream, lowest, connection);
    lowest.expires_after(std::chrono::seconds(1));
    co_await stream.async_shutdown(quietly(error));
  }

  /// One request after the other, until one side has enough.
  template <typename Stream>
  asio::awaitable<void> talk(Stream& stream, beast::tcp_stream& lowest, Connection& connection) {
    beast::flat_buffer buffer;
    bool first = true;
    while (!stopping) {
      connection.waiting = true;
      connection.since = Clock::now();
      connection.close = [&lowest] { lowest.socket().close(); };
      lowest.expires_after(first ? options.limits.header_time : options.limits.idle_time);
      first = false;
      if (!co_await request(stream, lowest, buffer, connection)) co_return;
    }
  }

  /// Whether the connection goes on.
  template <typename Stream>
  asio::awaitable<bool> request(Stream& stream, beast::tcp_stream& lowest, beast::flat_buffer& buffer,
                                Connection& connection) {
    http::request_parser<http::string_body> parser;
    parser.header_limit(static_cast<std::uint32_t>(options.limits.header_bytes));
    parser.body_limit(boost::none);  // each route has its own
    boost::system::error_code error;
    co_await http::async_read_header(stream, buffer, parser, quietly(error));
    RequestHead head{.peer = connection.peer, .id = new_request_id()};
    if (error) {
      const auto status = status_for(error);
      if (status)
        co_await send(stream, lowest, handler.refuse(status->first, head.id, status->second),
                      {.keep = false});
      co_return false;
    }
    connection.waiting = false;
    const auto& message = parser.get();
    const Sent how{.keep = message.keep_alive() && !stopping,
                   .head_only = message.method() == http::verb::head,
                   .version = message.version()};
    if (const auto wrong = fill(message, parser, head)) {
      co_await send(stream, lowest, handler.refuse(wrong->first, head.id, wrong->second),
                    {.keep = false, .head_only = how.head_only, .version = how.version});
      co_return false;
    }
    Admission admission = handler.admit(head);
    if (!admission.refusal && head.length.value_or(0) > admission.body_limit) {
      admission.refusal = handler.refuse(413, head.id,
                                         "the body has " + std::to_string(*head.length) + " bytes; at most " +
                                             std::to_string(admission.body_limit) + " are read here");
    }
    if (admission.refusal) {
      const bool keep = how.keep && !has_body(head) && !message.chunked();
      co_await send(stream, lowest, std::move(*admission.refusal),
                    {.keep = keep, .head_only = how.head_only, .version = how.version});
      if (!keep) co_await read_rest(stream, lowest);
      co_return keep;
    }
    if (!co_await read_body(stream, lowest, buffer, parser, admission.body_limit, head)) co_return false;
    // By name: g++ 12 destroys an aggregate twice that is made within the operand of co_await.
    Request whole{std::move(head), std::move(parser.get().body())};
    Response response = co_await answer(std::move(whole));
    if (response.events) {
      co_await send_events(stream, lowest, response);
      co_return false;
    }
    Sent sent = how;
    sent.keep = sent.keep && !stopping;
    co_return co_await send(stream, lowest, std::move(response), sent) && sent.keep;
  }

  template <typename Stream, typename Parser>
  asio::awaitable<bool> read_body(Stream& stream, beast::tcp_stream& lowest, beast::flat_buffer& buffer,
                                  Parser& parser, std::size_t limit, const RequestHead& head) {
    if (parser.is_done()) co_return true;
    boost::system::error_code error;
    if (beast::iequals(parser.get()[http::field::expect], "100-continue")) {
      http::response<http::empty_body> go_on(http::status::continue_, parser.get().version());
      co_await http::async_write(stream, go_on, quietly(error));
      if (error) co_return false;
    }
    parser.body_limit(limit);
    const std::size_t bytes = head.length.value_or(limit);
    lowest.expires_after(options.limits.body_time + std::chrono::seconds(bytes >> 16));
    co_await http::async_read(stream, buffer, parser, quietly(error));
    if (!error) co_return true;
    if (error == http::error::body_limit) {
      co_await send(
          stream, lowest,
          handler.refuse(413, head.id,
                         "the body is too large; at most " + std::to_string(limit) + " bytes are read here"),
          {.keep = false});
      co_await read_rest(stream, lowest);
    } else if (const auto status = status_for(error)) {
      co_await send(stream, lowest, handler.refuse(status->first, head.id, status->second), {.keep = false});
    }
    co_return false;
  }

  /// Reads on for a moment: a client that is still sending would lose the answer if we closed before it
  /// looked.
  template <typename Stream>
  asio::awaitable<void> read_rest(Stream& stream, beast::tcp_stream& lowest) {
    constexpr std::size_t kMost = 8U << 20;
    boost::system::error_code error;
    lowest.socket().shutdown(tcp::socket::shutdown_send, error);
    lowest.expires_after(std::chrono::seconds(2));
    std::array<char, 16384> lost{};
    for (std::size_t read = 0; read < kMost;) {
      const std::size_t bytes = co_await stream.async_read_some(asio::buffer(lost), quietly(error));
      if (error) co_return;
      read += bytes;
    }
  }

  asio::awaitable<Response> answer(Request request) {
    const auto pending = std::make_shared<Pending>(io);
    pending->ready.expires_after(options.limits.request_time);
    const std::string id = request.id;
    handler.handle(std::move(request), [self = shared_from_this(), pending](Response response) {
      asio::post(self->io, [pending, response = std::move(response)]() mutable {
        pending->response = std::move(response);
        pending->ready.cancel();
      });
    });
    boost::system::error_code error;
    co_await pending->ready.async_wait(quietly(error));
    if (pending->response) co_return std::move(*pending->response);
    co_return handler.refuse(
        503, id,
        "the work was not done within " + std::to_string(options.limits.request_time.count() / 1000) + " s");
  }

  // ---- sending ----

  struct Sent {
    bool keep = true;
    bool head_only = false;
    unsigned version = 11;
  };

  template <typename Stream>
  asio::awaitable<bool> send(Stream& stream, beast::tcp_stream& lowest, Response response, Sent how) {
    http::response<http::string_body> message(static_cast<http::status>(response.status), how.version);
    for (const auto& [name, value] : response.headers) message.insert(name, value);
    if (response.status != 204) message.set(http::field::content_type, response.type);
    message.keep_alive(how.keep);
    const std::size_t bytes = response.body.size();
    message.body() = std::move(response.body);
    if (response.status != 204) message.content_length(bytes);
    lowest.expires_after(options.limits.body_time + std::chrono::seconds(bytes >> 16));
    boost::system::error_code error;
    if (how.head_only) {
      http::response_serializer<http::string_body> serializer(message);
      serializer.split(true);
      co_await http::async_write_header(stream, serializer, quietly(error));
    } else {
      co_await http::async_write(stream, message, quietly(error));
    }
    co_return !error;
  }

  template <typename Stream>
  asio::awaitable<void> send_events(Stream& stream, beast::tcp_stream& lowest, const Response& response) {
    http::response<http::empty_body> message(http::status::ok, 11);
    for (const auto& [name, value] : response.headers) message.insert(name, value);
    message.set(http::field::content_type, "text/event-stream");
    message.set(http::field::cache_control, "no-store");
    message.chunked(true);
    http::response_serializer<http::empty_body> serializer(message);
    lowest.expires_after(options.limits.body_time);
    boost::system::error_code error;
    co_await http::async_write_header(stream, serializer, quietly(error));
    const auto waker = std::make_shared<Waker>(io);
    const EventStream& events = *response.events;
    while (!error && !stopping && !events.ended()) {
      std::string text = response.events->take();
      if (text.empty()) {
        waker->timer.expires_after(std::chrono::seconds(15));
        response.events->on_more(
            [self = shared_from_this(), waker] { asio::post(self->io, [waker] { waker->timer.cancel(); }); });
        boost::system::error_code woken;
        event_waits.push_back(waker);
        co_await waker->timer.async_wait(quietly(woken));
        event_waits.remove(waker);
        text = response.events->take();
        if (text.empty()) text = ": still here\n\n";  // finds out whether the client is
      }
      lowest.expires_after(options.limits.body_time);
      co_await asio::async_write(stream, http::make_chunk(asio::buffer(text)), quietly(error));
    }
    if (!error) co_await asio::async_write(stream, http::make_chunk_last(), quietly(error));
  }

  // ---- reading ----

  /// The status and words for what went wrong while reading; nothing where nobody is left to be told.
  static std::optional<std::pair<int, std::string>> status_for(const boost::system::error_code& error) {
    if (error == beast::error::timeout) return std::nullopt;  // the stream is closed by then
    if (error == http::error::header_limit || error == http::error::buffer_overflow)
      return std::pair(431, std::string("the request's header is too large"));
    if (error.category() != make_error_code(http::error::bad_method).category()) return std::nullopt;
    if (error == http::error::end_of_stream || error == http::error::partial_message) return std::nullopt;
    if (error == http::error::bad_version) return std::pair(505, std::string("HTTP/1.1 is spoken here"));
    return std::pair(400, "this is no HTTP request: " + error.message());
  }

  /// What Beast leaves to its user: one Host, one length, no more fields than allowed.
  template <typename Message, typename Parser>
  std::optional<std::pair<int, std::string>> fill(const Message& message, const Parser& parser,
                                                  RequestHead& head) const {
    head.method = std::string(message.method_string());
    head.target = std::string(message.target());
    std::size_t fields = 0;
    for (const auto& field : message) {
      if (++fields > options.limits.header_fields)
        return std::pair(431, "more than " + std::to_string(options.limits.header_fields) + " header fields");
      std::string name(field.name_string());
      std::transform(name.begin(), name.end(), name.begin(),
                     [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      head.headers.emplace_back(std::move(name), std::string(field.value()));
    }
    const auto count = [&](const char* name) {
      return std::count_if(head.headers.begin(), head.headers.end(),
                           [&](const auto& f) { return f.first == name; });
    };
    if (count("host") > 1 || (count("host") == 0 && message.version() >= 11))
      return std::pair(400, std::string("a request needs one Host field"));
    if (count("content-length") > 1 || (count("content-length") == 1 && count("transfer-encoding") > 0))
      return std::pair(400, std::string("a request needs one length"));
    if (count("content-encoding") > 0 && *find_field(head.headers, "content-encoding") != "identity")
      return std::pair(415, std::string("compressed bodies are not read; send the body as it is"));
    if (parser.content_length()) head.length = static_cast<std::size_t>(*parser.content_length());
    auto target = parse_target(head.target);
    if (!target) return std::pair(400, std::string("the request's target is no path"));
    head.path = std::move(target->path);
    head.query = std::move(target->query);
    return std::nullopt;
  }

  // ---- the end ----

  void begin_stop(std::chrono::milliseconds patience) {
    if (std::exchange(stopping, true)) return;
    boost::system::error_code ignored;
    acceptor.close(ignored);
    for (Connection& connection : connections) {
      if (connection.waiting && connection.close) std::exchange(connection.close, nullptr)();
    }
    for (const auto& waker : event_waits) waker->timer.cancel();
    end.expires_after(patience);
    end.async_wait([this](const boost::system::error_code& error) {
      if (!error) io.stop();
    });
    end_if_done();
  }

  void end_if_done() {
    if (stopping && connections.empty()) end.cancel();
  }

  HttpOptions options;
  Handler& handler;
  asio::io_context io;
  std::optional<asio::ssl::context> tls;
  tcp::acceptor acceptor;
  asio::steady_timer end;
  std::list<Connection> connections;
  std::list<std::shared_ptr<Waker>> event_waits;
  bool stopping = false;
};

HttpServer::HttpServer(const HttpOptions& options, Handler& handler)
    : parts_(std::make_shared<Parts>(options, handler)) {
  parts_->open_tls();
  parts_->listen();
}
HttpServer::~HttpServer() = default;

std::uint16_t HttpServer::port() const { return parts_->acceptor.local_endpoint().port(); }

void HttpServer::run() {
  asio::co_spawn(parts_->io, parts_->accept(), asio::detached);
  parts_->io.run();
}

void HttpServer::stop(std::chrono::milliseconds patience) {
  asio::post(parts_->io, [parts = parts_.get(), patience] { parts->begin_stop(patience); });
}

// ---- posting ----

namespace {

struct Url {
  bool tls = false;
  std::string host;
  std::string port;
  std::string target;
};

Url parse_url(const std::string& url) {
  Url parsed;
  std::string rest;
  if (url.rfind("http://", 0) == 0) {
    rest = url.substr(7);
  } else if (url.rfind("https://", 0) == 0) {
    parsed.tls = true;
    rest = url.substr(8);
  } else {
    throw std::invalid_argument(url + ": an address begins with http:// or https://");
  }
  const std::size_t slash = rest.find('/');
  parsed.target = slash == std::string::npos ? "/" : rest.substr(slash);
  std::string host = rest.substr(0, slash);
  const std::size_t colon = host.rfind(':');
  if (colon != std::string::npos && host.find(']', colon) == std::string::npos) {
    parsed.port = host.substr(colon + 1);
    host.resize(colon);
  } else {
    parsed.port = parsed.tls ? "443" : "80";
  }
  parsed.host = host;
  if (host.empty()) throw std::invalid_argument(url + ": no host");
  return parsed;
}

template <typename Stream>
asio::awaitable<int> exchange(Stream& stream, const Url& url, const Fields& headers,
                              const std::string& body) {
  http::request<http::string_body> request(http::verb::post, url.target, 11);
  request.set(http::field::host, url.host);
  for (const auto& [name, value] : headers) request.set(name, value);
  request.body() = body;
  request.prepare_payload();
  co_await http::async_write(stream, request, kAwait);
  beast::flat_buffer buffer;
  http::response_parser<http::string_body> answer;
  answer.body_limit(1U << 20);
  co_await http::async_read_header(stream, buffer, answer, kAwait);
  co_return static_cast<int>(answer.get().result_int());
}

asio::awaitable<int> post_to(asio::io_context& io, Url url, const Fields& headers, const std::string& body,
                             std::chrono::milliseconds patience) {
  tcp::resolver resolver(io);
  const auto places = co_await resolver.async_resolve(url.host, url.port, kAwait);
  if (!url.tls) {
    beast::tcp_stream stream(io);
    stream.expires_after(patience);
    co_await stream.async_connect(places, kAwait);
    co_return co_await exchange(stream, url, headers, body);
  }
  asio::ssl::context context(asio::ssl::context::tls_client);
  context.set_default_verify_paths();
  context.set_verify_mode(asio::ssl::verify_peer);
  beast::ssl_stream<beast::tcp_stream> stream(io, context);
  stream.set_verify_callback(asio::ssl::host_name_verification(url.host));
  SSL_set_tlsext_host_name(stream.native_handle(), url.host.c_str());
  beast::get_lowest_layer(stream).expires_after(patience);
  co_await beast::get_lowest_layer(stream).async_connect(places, kAwait);
  co_await stream.async_handshake(asio::ssl::stream_base::client, kAwait);
  co_return co_await exchange(stream, url, headers, body);
}

}  // namespace

int post(const std::string& url, const Fields& headers, const std::string& body,
         std::chrono::milliseconds patience) {
  asio::io_context io(1);
  int status = 0;
  std::exception_ptr failure;
  asio::co_spawn(io, post_to(io, parse_url(url), headers, body, patience),
                 [&](std::exception_ptr error, int result) {
                   failure = error;
                   status = result;
                 });
  io.run();
  try {
    if (failure) std::rethrow_exception(failure);
  } catch (const boost::system::system_error& error) {
    throw Error(ErrorCode::kUnavailable, url + ": " + error.code().message());
  }
  return status;
}

}  // namespace likeness::serve
