// This file and wire.cpp are the only ones that include Boost.
#include "serve/beast_server.h"

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/http/string_body.hpp>
#include <list>
#include <sstream>

#include "likeness/core/error.h"
#include "serve/wire.h"

namespace likeness::serve {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using Clock = std::chrono::steady_clock;

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

using Parser = http::request_parser<http::string_body>;

constexpr std::size_t kChunk = 64U << 10;  ///< Bytes read at once, as Beast's own operations do.
constexpr std::size_t kSmall = 64U << 10;  ///< A body up to that many bytes is sent with its header.

/// Reads until `done()`. The errors are those of the parser, and those of the connection.
template <typename AnyParser, typename Done>
asio::awaitable<void> read_until(Wire& wire, beast::flat_buffer& buffer, AnyParser& parser,
                                 boost::system::error_code& error, Done done) {
  error = {};
  while (true) {
    while (!done() && buffer.size() > 0) {
      const std::size_t used = parser.put(buffer.data(), error);
      buffer.consume(used);
      if (error == http::error::need_more) {
        error = {};
        break;
      }
      if (error) co_return;
    }
    if (done()) co_return;
    const auto room = buffer.prepare(kChunk);
    const std::size_t bytes = co_await wire.read_some({static_cast<char*>(room.data()), room.size()}, error);
    if (error == asio::error::eof) {
      error = {};
      if (parser.got_some()) parser.put_eof(error);
      if (!error && !done()) error = http::error::end_of_stream;
      co_return;
    }
    if (error) co_return;
    buffer.commit(bytes);
  }
}

template <typename AnyParser>
asio::awaitable<void> read_header(Wire& wire, beast::flat_buffer& buffer, AnyParser& parser,
                                  boost::system::error_code& error) {
  parser.eager(false);
  co_await read_until(wire, buffer, parser, error, [&parser] { return parser.is_header_done(); });
}

template <typename AnyParser>
asio::awaitable<void> read_body(Wire& wire, beast::flat_buffer& buffer, AnyParser& parser,
                                boost::system::error_code& error) {
  parser.eager(true);
  co_await read_until(wire, buffer, parser, error, [&parser] { return parser.is_done(); });
}

std::string status_line(int status, unsigned version) {
  const auto reason = http::obsolete_reason(static_cast<http::status>(status));
  return (version >= 11 ? "HTTP/1.1 " : "HTTP/1.0 ") + std::to_string(status) + " " + std::string(reason) +
         "\r\n";
}

/// A value is of one line, whatever it was made of: no field can begin another.
void add_field(std::string& text, std::string_view name, std::string_view value) {
  text.append(name).append(": ");
  for (const char c : value) text.push_back(c == '\r' || c == '\n' ? ' ' : c);
  text += "\r\n";
}

std::string chunk_of(const std::string& text) {
  std::ostringstream chunk;
  chunk << std::hex << text.size() << "\r\n" << text << "\r\n";
  return chunk.str();
}

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
    auto wire = tls ? tls_server_wire(std::move(socket), *tls) : plain_wire(std::move(socket));
    asio::co_spawn(io, talk(std::move(wire), *place), gone);
  }

  /// One request after the other, until one side has enough.
  asio::awaitable<void> talk(std::unique_ptr<Wire> wire, Connection& connection) {
    connection.close = wire->closer();
    boost::system::error_code error;
    wire->close_after(options.limits.header_time);
    co_await wire->greet(error);
    if (error) co_return;
    beast::flat_buffer buffer;
    bool first = true;
    while (!stopping) {
      connection.waiting = true;
      connection.since = Clock::now();
      wire->close_after(first ? options.limits.header_time : options.limits.idle_time);
      first = false;
      if (!co_await request(*wire, buffer, connection)) break;
    }
    co_await wire->part();
  }

  /// Whether the connection goes on.
  asio::awaitable<bool> request(Wire& wire, beast::flat_buffer& buffer, Connection& connection) {
    Parser parser;
    parser.header_limit(static_cast<std::uint32_t>(options.limits.header_bytes));
    parser.body_limit(boost::none);  // each route has its own
    boost::system::error_code error;
    co_await read_header(wire, buffer, parser, error);
    RequestHead head{.peer = connection.peer, .id = new_request_id()};
    if (error) {
      const auto status = status_for(error);
      if (status)
        co_await send(wire, handler.refuse(status->first, head.id, status->second), {.keep = false});
      co_return false;
    }
    connection.waiting = false;
    const auto& message = parser.get();
    const Sent how{.keep = message.keep_alive() && !stopping,
                   .head_only = message.method() == http::verb::head,
                   .version = message.version()};
    if (const auto wrong = fill(message, parser, head)) {
      co_await send(wire, handler.refuse(wrong->first, head.id, wrong->second),
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
      co_await send(wire, std::move(*admission.refusal),
                    {.keep = keep, .head_only = how.head_only, .version = how.version});
      if (!keep) co_await read_rest(wire);
      co_return keep;
    }
    if (!co_await read_whole(wire, buffer, parser, admission.body_limit, head)) co_return false;
    // By name: g++ 12 destroys an aggregate twice that is made within the operand of co_await.
    Request whole{std::move(head), std::move(parser.get().body())};
    wire.close_after(options.limits.request_time +
                     options.limits.body_time);  // it is our turn, and not for ever
    Response response = co_await answer(std::move(whole));
    if (response.events) {
      co_await send_events(wire, response);
      co_return false;
    }
    Sent sent = how;
    sent.keep = sent.keep && !stopping;
    co_return co_await send(wire, std::move(response), sent) && sent.keep;
  }

  /// The request's body; whether it is all there.
  asio::awaitable<bool> read_whole(Wire& wire, beast::flat_buffer& buffer, Parser& parser, std::size_t limit,
                                   const RequestHead& head) {
    if (parser.is_done()) co_return true;
    boost::system::error_code error;
    if (beast::iequals(parser.get()[http::field::expect], "100-continue")) {
      co_await wire.write("HTTP/1.1 100 Continue\r\n\r\n", error);
      if (error) co_return false;
    }
    parser.body_limit(limit);
    const std::size_t bytes = head.length.value_or(limit);
    wire.close_after(options.limits.body_time + std::chrono::seconds(bytes >> 16));
    co_await read_body(wire, buffer, parser, error);
    if (!error) co_return true;
    if (error == http::error::body_limit) {
      co_await send(
          wire,
          handler.refuse(413, head.id,
                         "the body is too large; at most " + std::to_string(limit) + " bytes are read here"),
          {.keep = false});
      co_await read_rest(wire);
    } else if (const auto status = status_for(error)) {
      co_await send(wire, handler.refuse(status->first, head.id, status->second), {.keep = false});
    }
    co_return false;
  }

  /// Reads on for a moment: a client that is still sending would lose the answer if we closed before it
  /// looked.
  static asio::awaitable<void> read_rest(Wire& wire) {
    constexpr std::size_t kMost = 8U << 20;
    boost::system::error_code error;
    wire.end_sending();
    wire.close_after(std::chrono::seconds(2));
    std::array<char, 16384> lost{};
    for (std::size_t read = 0; read < kMost;) {
      const std::size_t bytes = co_await wire.read_some(lost, error);
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

  asio::awaitable<bool> send(Wire& wire, Response response, Sent how) {
    std::string text = status_line(response.status, how.version);
    for (const auto& [name, value] : response.headers) add_field(text, name, value);
    if (response.status != 204 && response.status != 304) {
      add_field(text, "Content-Type", response.type);
      add_field(text, "Content-Length", std::to_string(response.body.size()));
    }
    if (how.keep != (how.version >= 11)) add_field(text, "Connection", how.keep ? "keep-alive" : "close");
    text += "\r\n";
    // A small body goes with its header in one packet; a large one is not copied.
    const bool apart = response.body.size() > kSmall;
    if (!how.head_only && !apart) text += response.body;
    wire.close_after(options.limits.body_time + std::chrono::seconds(response.body.size() >> 16));
    boost::system::error_code error;
    co_await wire.write(text, error);
    if (!error && !how.head_only && apart) co_await wire.write(response.body, error);
    co_return !error;
  }

  asio::awaitable<void> send_events(Wire& wire, const Response& response) {
    std::string head = status_line(200, 11);
    for (const auto& [name, value] : response.headers) add_field(head, name, value);
    add_field(head, "Content-Type", "text/event-stream");
    add_field(head, "Cache-Control", "no-store");
    add_field(head, "Transfer-Encoding", "chunked");
    head += "\r\n";
    wire.close_after(options.limits.body_time);
    boost::system::error_code error;
    co_await wire.write(head, error);
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
        // Longer than any wait for the next event, which is no fault of the client's.
        wire.close_after(std::chrono::seconds(60));
        co_await waker->timer.async_wait(quietly(woken));
        event_waits.remove(waker);
        text = response.events->take();
        if (text.empty()) text = ": still here\n\n";  // finds out whether the client is
      }
      wire.close_after(options.limits.body_time);
      const std::string chunk = chunk_of(text);
      co_await wire.write(chunk, error);
    }
    if (!error) co_await wire.write("0\r\n\r\n", error);
  }

  // ---- reading ----

  /// The status and words for what went wrong while reading; nothing where nobody is left to be told.
  static std::optional<std::pair<int, std::string>> status_for(const boost::system::error_code& error) {
    if (error == http::error::header_limit || error == http::error::buffer_overflow)
      return std::pair(431, std::string("the request's header is too large"));
    if (error.category() != make_error_code(http::error::bad_method).category()) return std::nullopt;
    if (error == http::error::end_of_stream || error == http::error::partial_message) return std::nullopt;
    if (error == http::error::bad_version) return std::pair(505, std::string("HTTP/1.1 is spoken here"));
    return std::pair(400, "this is no HTTP request: " + error.message());
  }

  /// What Beast leaves to its user: one Host, one length, no more fields than allowed.
  std::optional<std::pair<int, std::string>> fill(const Parser::value_type& message, const Parser& parser,
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

// ---- asking others ----

namespace {

struct Url {
  bool tls = false;
  std::string host;
  std::string port;
  std::string target;
  std::string credentials;  ///< "user:password", escapes undone; empty: none.

  /// As it may be told.
  [[nodiscard]] std::string place() const { return host + ":" + port; }
};

/// @throws std::invalid_argument in words without the address.
Url parse_url(const std::string& url) {
  Url parsed;
  std::string rest;
  if (url.rfind("http://", 0) == 0) {
    rest = url.substr(7);
  } else if (url.rfind("https://", 0) == 0) {
    parsed.tls = true;
    rest = url.substr(8);
  } else {
    throw std::invalid_argument("an address begins with http:// or https://");
  }
  const std::size_t slash = rest.find_first_of("/?#");
  parsed.target = slash == std::string::npos ? "/" : rest.substr(slash, rest.find('#', slash) - slash);
  if (parsed.target.empty() || parsed.target.front() != '/') parsed.target.insert(0, "/");
  std::string host = rest.substr(0, slash);
  if (const std::size_t at = host.rfind('@'); at != std::string::npos) {
    auto credentials = percent_decoded(host.substr(0, at));
    if (!credentials) throw std::invalid_argument("user or password of an address has a damaged escape");
    parsed.credentials = std::move(*credentials);
    host.erase(0, at + 1);
  }
  const std::size_t colon = host.rfind(':');
  if (colon != std::string::npos && host.find(']', colon) == std::string::npos) {
    parsed.port = host.substr(colon + 1);
    host.resize(colon);
  } else {
    parsed.port = parsed.tls ? "443" : "80";
  }
  parsed.host = host;
  if (host.empty()) throw std::invalid_argument("an address without a host");
  for (const std::string* part : {&parsed.host, &parsed.target}) {
    if (std::any_of(part->begin(), part->end(), [](unsigned char c) { return c <= ' ' || c == 127; }))
      throw std::invalid_argument("an address has no blanks");
  }
  return parsed;
}

std::string text_of(const Outgoing& request, const Url& url) {
  std::string text = request.method + " " + url.target + " HTTP/1.1\r\n";
  const bool usual = url.port == (url.tls ? "443" : "80");
  add_field(text, "Host", usual ? url.host : url.place());
  for (const auto& [name, value] : request.headers) add_field(text, name, value);
  if (!url.credentials.empty()) {
    std::string encoded(4 * ((url.credentials.size() + 2) / 3) + 1, '\0');
    encoded.resize(static_cast<std::size_t>(
        EVP_EncodeBlock(reinterpret_cast<unsigned char*>(encoded.data()),
                        reinterpret_cast<const unsigned char*>(url.credentials.data()),
                        static_cast<int>(url.credentials.size()))));
    add_field(text, "Authorization", "Basic " + encoded);
  }
  if (request.method == "GET")
    add_field(text, "Connection", "close");
  else
    add_field(text, "Content-Length", std::to_string(request.body.size()));
  return text + "\r\n" + request.body;
}

asio::awaitable<Response> exchange(asio::io_context& io, const Outgoing& request, const Url& url) {
  tcp::resolver resolver(io);
  // [::1] is written so in an address alone. Named: g++ 12 destroys the temporaries of a condition within
  // co_await twice.
  const bool v6 = url.host.front() == '[' && url.host.back() == ']';
  const std::string name = v6 ? url.host.substr(1, url.host.size() - 2) : url.host;
  const auto places = co_await resolver.async_resolve(name, url.port, asio::use_awaitable);
  std::optional<asio::ssl::context> context;
  if (url.tls) {  // The system's authorities take a tenth of a second to read.
    context.emplace(asio::ssl::context::tls_client);
    context->set_default_verify_paths();
    context->set_verify_mode(asio::ssl::verify_peer);
  }
  const auto wire =
      context ? tls_client_wire(tcp::socket(io), *context, url.host) : plain_wire(tcp::socket(io));
  boost::system::error_code error;
  const auto check = [&error] {
    if (error) throw boost::system::system_error(error);
  };
  wire->close_after(request.patience);
  co_await asio::async_connect(wire->socket(), places, quietly(error));
  error = wire->reason(error);
  check();
  co_await wire->greet(error);
  check();
  const std::string text = text_of(request, url);
  co_await wire->write(text, error);
  check();
  beast::flat_buffer buffer;
  http::response_parser<http::string_body> answer;
  answer.body_limit(request.most_bytes > 0 ? request.most_bytes : 1U << 20);
  co_await read_header(*wire, buffer, answer, error);
  check();
  if (request.most_bytes > 0) co_await read_body(*wire, buffer, answer, error);
  check();
  co_return Response{.status = static_cast<int>(answer.get().result_int()),
                     .type = std::string(answer.get()[http::field::content_type]),
                     .body = std::move(answer.get().body())};
}

/// @throws boost::system::system_error.
Response answer_to(const Outgoing& request, const Url& url, const std::stop_token& stop) {
  asio::io_context io(1);
  Response response;
  std::exception_ptr failure =
      std::make_exception_ptr(boost::system::system_error(asio::error::operation_aborted));
  asio::co_spawn(io, exchange(io, request, url), [&](std::exception_ptr error, Response result) {
    failure = error;
    response = std::move(result);
  });
  const std::stop_callback ender(stop, [&io] { io.stop(); });
  io.run();
  if (failure) std::rethrow_exception(failure);
  return response;
}

Url url_named(const std::string& url) {
  try {
    return parse_url(url);
  } catch (const std::invalid_argument& error) {
    throw std::invalid_argument(url + ": " + error.what());
  }
}

}  // namespace

Response send(const Outgoing& request) {
  try {
    return answer_to(request, url_named(request.url), {});
  } catch (const boost::system::system_error& error) {
    if (error.code() == http::error::body_limit)
      throw Error(ErrorCode::kInputUnreadable, request.url + ": the answer has more than " +
                                                   std::to_string(request.most_bytes) + " bytes");
    throw Error(ErrorCode::kUnavailable, request.url + ": " + error.code().message());
  }
}

int post(const std::string& url, const Fields& headers, const std::string& body,
         std::chrono::milliseconds patience) {
  return send({.method = "POST",
               .url = url,
               .headers = headers,
               .body = body,
               .patience = patience,
               .most_bytes = 0})
      .status;
}

Response forward(const std::string& url, const Fields& headers, const std::string& body,
                 std::chrono::milliseconds patience) {
  return send({.method = "POST", .url = url, .headers = headers, .body = body, .patience = patience});
}

Response get(const std::string& url, std::chrono::milliseconds patience, std::size_t most,
             const std::stop_token& stop) {
  const Outgoing request{.headers = {{"User-Agent", "likeness"}}, .patience = patience, .most_bytes = most};
  try {
    return answer_to(request, parse_url(url), stop);
  } catch (const boost::system::system_error& error) {
    throw Error(ErrorCode::kUnavailable, error.code().message());
  }
}

void require_url(const std::string& url) { (void)parse_url(url); }

}  // namespace likeness::serve
