#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "serve/events.h"
#include "serve/mqtt_topics.h"

namespace likeness::serve {

struct MqttOptions {
  std::string host;
  std::uint16_t port = 1883;
  bool tls = false;
  std::string authorities{};  ///< With TLS: a file of certificates in PEM; empty: the system's.
  std::string user{};         ///< Empty: none.
  std::string password{};
  std::string client = "likeness";  ///< The client's id: of two with one id a broker keeps one.
};

/// "mqtt://HOST[:PORT]", "mqtts://..." taken apart; ports are 1883 and 8883 where none is said.
/// @throws std::invalid_argument where it is no such address, or holds a user or password.
[[nodiscard]] MqttOptions parse_mqtt_url(const std::string& url);

/// Tells a broker of events, on a thread of its own: whoever publishes them never waits. What waits beyond
/// 1,000 events is lost, oldest first. Where the broker cannot be reached it is tried again after one second,
/// two, four, ... up to a minute; what was told meanwhile is told then. Messages are sent with QoS 1.
class MqttClient {
 public:
  /// Is told when the broker comes and goes.
  using Log = std::function<void(const nlohmann::ordered_json&)>;
  /// `lost` is called for each event that was lost, from any thread.
  /// @throws Error kInputUnreadable, kDataInvalid for the authorities.
  MqttClient(const MqttOptions& options, std::unique_ptr<MqttTopics> topics, EventHub::Lost lost, Log log);
  /// Tells what waits, within a second, and that nobody is there any more.
  ~MqttClient();
  MqttClient(const MqttClient&) = delete;
  MqttClient& operator=(const MqttClient&) = delete;

  void send(const Event& event);

 private:
  struct Parts;
  std::shared_ptr<Parts> parts_;
  std::thread thread_;
};

}  // namespace likeness::serve
