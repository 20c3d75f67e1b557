// The only file that includes libmosquitto.
#include "serve/mqtt_client.h"

#include <mosquitto.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>

#include "likeness/core/error.h"
#include "likeness/core/now.h"

namespace likeness::serve {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t kMostWaiting = 1000;  ///< Events.
constexpr std::size_t kMostUnacknowledged = 20;
constexpr int kKeepAlive =
    30;  ///< Seconds without a word after which a broker takes us for gone, and half more.
constexpr milliseconds kFirstPause{1000};
constexpr milliseconds kLongestPause{60'000};
constexpr milliseconds kConnectTime{10'000};
constexpr milliseconds kFarewellTime{1000};

}  // namespace

MqttOptions parse_mqtt_url(const std::string& url) {
  MqttOptions options;
  std::string_view rest = url;
  const auto starts = [&](std::string_view scheme) {
    if (rest.substr(0, scheme.size()) != scheme) return false;
    rest.remove_prefix(scheme.size());
    return true;
  };
  if (starts("mqtts://")) {
    options.tls = true;
    options.port = 8883;
  } else if (!starts("mqtt://")) {
    throw std::invalid_argument("a broker's address is mqtt://HOST:PORT or mqtts://HOST:PORT");
  }
  if (rest.find('@') != std::string_view::npos)
    throw std::invalid_argument(
        "a broker's address holds no user or password: say --mqtt-user and --mqtt-password-file");
  if (!rest.empty() && rest.back() == '/') rest.remove_suffix(1);
  const std::size_t colon = rest.rfind(':');
  if (colon != std::string_view::npos && rest.find(']', colon) == std::string_view::npos) {
    const std::string_view port = rest.substr(colon + 1);
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), options.port);
    if (error != std::errc() || end != port.data() + port.size() || options.port == 0)
      throw std::invalid_argument("a broker's port is a number from 1 to 65535");
    rest = rest.substr(0, colon);
  }
  if (rest.size() > 2 && rest.front() == '[' && rest.back() == ']') rest = rest.substr(1, rest.size() - 2);
  if (rest.empty() || rest.find_first_of("/?#[] ") != std::string_view::npos)
    throw std::invalid_argument("a broker's address is mqtt://HOST:PORT or mqtts://HOST:PORT");
  options.host = rest;
  return options;
}

struct MqttClient::Parts {
  struct Waiting {
    Event event;
    Moment when;
  };

  Parts(const MqttOptions& given, std::unique_ptr<MqttTopics> spoken, EventHub::Lost on_lost, Log to_log)
      : options(given), topics(std::move(spoken)), lost(std::move(on_lost)), log(std::move(to_log)) {
    // Never cleaned up: a thread that was left behind may still be in it.
    [[maybe_unused]] static const int ready = mosquitto_lib_init();
    wake = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    client = mosquitto_new(options.client.c_str(), /*clean_session=*/true, this);
    if (wake < 0 || client == nullptr) {
      close();
      throw std::bad_alloc();
    }
    try {
      set_up();
    } catch (...) {
      close();
      throw;
    }
  }
  ~Parts() { close(); }
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;

  void close() {
    if (client != nullptr) mosquitto_destroy(client);
    if (wake >= 0) ::close(wake);
  }

  void set_up() {
    const std::string topic = topics->availability();
    const std::string offline = "offline";
    mosquitto_will_set(client, topic.c_str(), static_cast<int>(offline.size()), offline.data(), 1, true);
    if (!options.user.empty())
      mosquitto_username_pw_set(client, options.user.c_str(),
                                options.password.empty() ? nullptr : options.password.c_str());
    mosquitto_connect_callback_set(client, [](mosquitto*, void* self, int code) {
      static_cast<Parts*>(self)->connected = code == 0;
      static_cast<Parts*>(self)->refused = code;
    });
    mosquitto_disconnect_callback_set(
        client, [](mosquitto*, void* self, int) { static_cast<Parts*>(self)->connected = false; });
    mosquitto_publish_callback_set(client, [](mosquitto*, void* self, int) {
      std::size_t& count = static_cast<Parts*>(self)->unacknowledged;
      if (count > 0) --count;
    });
    if (options.tls) set_up_tls();
  }

  void set_up_tls() {
    if (options.authorities.empty()) {
      mosquitto_int_option(client, MOSQ_OPT_TLS_USE_OS_CERTS, 1);
      return;
    }
    if (::access(options.authorities.c_str(), R_OK) != 0)
      throw Error(ErrorCode::kInputUnreadable, options.authorities + ": cannot be read");
    const int code =
        mosquitto_tls_set(client, options.authorities.c_str(), nullptr, nullptr, nullptr, nullptr);
    if (code != MOSQ_ERR_SUCCESS)
      throw Error(ErrorCode::kDataInvalid, options.authorities + ": no certificates in PEM");
  }

  // ---- the thread ----

  void work(const std::stop_token& stop) {
    const std::stop_callback waker(stop, [this] { ring(); });
    milliseconds pause = kFirstPause;
    while (!stop.stop_requested()) {
      if (serve(stop)) pause = kFirstPause;
      if (stop.stop_requested()) break;
      std::unique_lock lock(mutex);
      more.wait_for(lock, stop, pause, [] { return false; });
      pause = std::min(2 * pause, kLongestPause);
    }
    take_leave();
    const std::lock_guard lock(mutex);
    ended = true;
    more.notify_all();
  }

  /// Connects and tells what there is to tell until the connection ends. Whether there was one.
  bool serve(const std::stop_token& stop) {
    refused = 0;
    // Blocking, for only so all addresses of a host are tried. Asked again, the library keeps what was not
    // acknowledged, and sends it once more.
    int code = std::exchange(begun, true)
                   ? mosquitto_reconnect(client)
                   : mosquitto_connect(client, options.host.c_str(), options.port, kKeepAlive);
    const auto deadline = Clock::now() + kConnectTime;
    while (code == MOSQ_ERR_SUCCESS && !connected && !stop.stop_requested())
      code = Clock::now() > deadline ? int{MOSQ_ERR_NO_CONN} : mosquitto_loop(client, 100, 1);
    if (!connected) {
      if (!stop.stop_requested()) tell_log(false, code);
      return false;
    }
    tell_log(true, code);
    publish({topics->availability(), "online", true});
    for (const MqttMessage& message : topics->greeting()) publish(message);
    while (code == MOSQ_ERR_SUCCESS && connected && !stop.stop_requested()) {
      hand_over();
      wait_for_more();
      code = mosquitto_loop(client, 0, 1);
    }
    if (!stop.stop_requested()) tell_log(false, code);
    return true;
  }

  /// What waits, as far as the broker keeps up.
  void hand_over() {
    for (const MqttMessage& message : topics->due(steady_ms())) publish(message);
    while (connected && unacknowledged < kMostUnacknowledged) {
      Waiting next;
      {
        const std::lock_guard lock(mutex);
        if (waiting.empty()) return;
        next = std::move(waiting.front());
        waiting.pop_front();
      }
      for (const MqttMessage& message : topics->messages(next.event, next.when)) publish(message);
    }
  }

  /// Until the broker says something, an event comes, or something is due.
  void wait_for_more() {
    milliseconds time{1000};
    if (const auto due = topics->next_due())
      time = std::clamp(milliseconds(*due - steady_ms()), milliseconds(0), time);
    std::array<pollfd, 2> watched{};
    watched[0].fd = mosquitto_socket(client);
    watched[0].events = static_cast<short>(POLLIN | (mosquitto_want_write(client) ? POLLOUT : 0));
    watched[1].fd = wake;
    watched[1].events = POLLIN;
    (void)::poll(watched.data(), watched.size(), static_cast<int>(time.count()));
    std::uint64_t rung = 0;
    (void)!::read(wake, &rung, sizeof rung);
  }

  void publish(const MqttMessage& message) {
    const int code =
        mosquitto_publish(client, nullptr, message.topic.c_str(), static_cast<int>(message.payload.size()),
                          message.payload.data(), 1, message.retain);
    // A broken connection is found out by the loop; the library keeps the message all the same.
    if (code == MOSQ_ERR_SUCCESS || code == MOSQ_ERR_NO_CONN || code == MOSQ_ERR_CONN_LOST) {
      ++unacknowledged;
    } else if (lost) {
      lost();
    }
  }

  void take_leave() {
    if (!connected) return;
    const auto deadline = Clock::now() + kFarewellTime;
    hand_over();
    publish({topics->availability(), "offline", true});
    while (connected && unacknowledged > 0 && Clock::now() < deadline) {
      if (mosquitto_loop(client, 50, 1) != MOSQ_ERR_SUCCESS) return;
    }
    mosquitto_disconnect(client);
    while (connected && Clock::now() < deadline) {
      if (mosquitto_loop(client, 50, 1) != MOSQ_ERR_SUCCESS) return;
    }
  }

  // ---- from any thread ----

  void add(const Event& event) {
    bool full = false;
    {
      const std::lock_guard lock(mutex);
      full = waiting.size() == kMostWaiting;
      if (full) waiting.pop_front();
      waiting.push_back({event, {now_ms(), steady_ms()}});
    }
    if (full && lost) lost();
    ring();
  }

  void ring() const {
    const std::uint64_t one = 1;
    (void)!::write(wake, &one, sizeof one);
  }

  /// Once for each change.
  void tell_log(bool is_there, int code) {
    if (!log || said == static_cast<int>(is_there)) return;
    said = static_cast<int>(is_there);
    nlohmann::ordered_json line{{"level", is_there ? "info" : "warning"},
                                {"operation", "mqtt"},
                                {"broker", is_there ? "connected" : "away"}};
    if (!is_there)
      line["error"] = refused != 0 ? mosquitto_connack_string(refused) : mosquitto_strerror(code);
    log(line);
  }

  const MqttOptions options;
  const std::unique_ptr<MqttTopics> topics;  ///< The thread's alone.
  const EventHub::Lost lost;
  const Log log;
  mosquitto* client = nullptr;
  int wake = -1;
  bool begun = false;
  bool connected = false;
  int refused = 0;  ///< The broker's own reason.
  int said = -1;
  std::size_t unacknowledged = 0;
  std::mutex mutex;
  std::condition_variable_any more;
  std::deque<Waiting> waiting;
  bool ended = false;
  std::stop_source stopping;
};

MqttClient::MqttClient(const MqttOptions& options, std::unique_ptr<MqttTopics> topics, EventHub::Lost lost,
                       Log log)
    : parts_(std::make_shared<Parts>(options, std::move(topics), std::move(lost), std::move(log))),
      thread_([parts = parts_] { parts->work(parts->stopping.get_token()); }) {}

MqttClient::~MqttClient() {
  parts_->stopping.request_stop();
  parts_->more.notify_all();
  bool ended = false;
  {
    std::unique_lock lock(parts_->mutex);
    ended = parts_->more.wait_for(lock, 2 * kFarewellTime, [this] { return parts_->ended; });
  }
  // It may look for a host that does not answer, which takes minutes and cannot be cut short. It holds what
  // it needs, and calls nobody any more.
  if (ended)
    thread_.join();
  else
    thread_.detach();
}

void MqttClient::send(const Event& event) { parts_->add(event); }

}  // namespace likeness::serve
