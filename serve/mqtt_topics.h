#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "serve/events.h"

namespace likeness::serve {

struct MqttMessage {
  std::string topic;
  std::string payload;
  bool retain = false;  ///< Whether the broker keeps it for those who come later.
};

/// When something happened.
struct Moment {
  std::int64_t time_ms = 0;    ///< Since 1970, UTC: what is told.
  std::int64_t steady_ms = 0;  ///< steady_ms(): what is counted by.
};

/// Says under which topics what is told, and how. For one thread.
class MqttTopics {
 public:
  virtual ~MqttTopics() = default;
  /// Where "online" and "offline" stand, retained; "offline" is the last will too.
  [[nodiscard]] virtual std::string availability() const = 0;
  /// What every new connection begins with.
  [[nodiscard]] virtual std::vector<MqttMessage> greeting() const = 0;
  /// What an event is told as.
  [[nodiscard]] virtual std::vector<MqttMessage> messages(const Event& event, const Moment& when) = 0;
  /// When due() has something again, by steady_ms(); empty: not before the next event.
  [[nodiscard]] virtual std::optional<std::int64_t> next_due() const { return std::nullopt; }
  /// What is to be told by itself at that moment of steady_ms().
  [[nodiscard]] virtual std::vector<MqttMessage> due(std::int64_t /*steady_ms*/) { return {}; }
};

struct MqttTopicsOptions {
  std::string prefix = "likeness";          ///< Before every topic of our own.
  std::string discovery = "homeassistant";  ///< Home Assistant's discovery prefix; empty: it is told nothing.
  std::vector<std::string> galleries{};     ///< Those served; the first is that of photo sources.
  std::vector<std::string> sources{};       ///< Those that are known from the start.
};

/// Topics of our own: PREFIX/match/GALLERY and PREFIX/unknown/GALLERY, an object for each face with a name
/// and for each photo with strangers; PREFIX/source/SOURCE, an object for each photo; PREFIX/event/KIND, each
/// event as a webhook gets it. Names are never retained: what is removed from a gallery shall not stay on a
/// broker, and who starts to listen shall not take yesterday's visitor for a new one.
[[nodiscard]] std::unique_ptr<MqttTopics> likeness_topics(const MqttTopicsOptions& options);

/// Double Take's topics and payloads (double-take/matches/NAME, double-take/cameras/CAMERA, ...), with the
/// sensors that it makes in Home Assistant. As there, the sensors' last state is retained, names and all.
[[nodiscard]] std::unique_ptr<MqttTopics> double_take_topics(const MqttTopicsOptions& options);

/// "Front door!" -> "Front-door-": what may stand in a topic of Home Assistant's discovery.
[[nodiscard]] std::string topic_part(std::string_view name);
/// 2026-11-28T09:30:00.123Z
[[nodiscard]] std::string iso_time(std::int64_t time_ms);

}  // namespace likeness::serve
