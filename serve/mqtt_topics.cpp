#include "serve/mqtt_topics.h"

#include <cmath>
#include <ctime>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "likeness/version.h"

namespace likeness::serve {
namespace {

using Json = nlohmann::ordered_json;

/// Sources that requests name: beyond that many a broker is told of no new sensor, for these stay there.
constexpr std::size_t kMostSources = 64;

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/// What Home Assistant is told of a sensor (its documentation, "MQTT sensor", "MQTT discovery"): it takes its
/// state and its attributes from objects under one topic.
struct Sensor {
  std::string id;  ///< Unique among ours.
  std::string name;
  std::string topic;
  std::string state;  ///< A template that makes the state of the object `value_json`.
  std::string icon;
  bool is_time = false;  ///< The state is a time.
};

class LikenessTopics final : public MqttTopics {
 public:
  explicit LikenessTopics(const MqttTopicsOptions& options) : options_(options) {
    for (const std::string& source : options_.sources) (void)part_of(source);
  }

  std::string availability() const override { return options_.prefix + "/available"; }

  std::vector<MqttMessage> greeting() const override {
    std::vector<MqttMessage> all;
    if (options_.discovery.empty()) return all;
    for (const std::string& gallery : options_.galleries) {
      const std::string part = topic_part(gallery);
      const std::string whose = options_.galleries.size() > 1 ? gallery + ": " : "";
      all.push_back(discovery_of({.id = "match_" + part,
                                  .name = whose + "last match",
                                  .topic = options_.prefix + "/match/" + part,
                                  .state = "{{ value_json.name[:255] }}",
                                  .icon = "mdi:account-check"}));
      all.push_back(discovery_of({.id = "unknown_" + part,
                                  .name = whose + "last stranger",
                                  .topic = options_.prefix + "/unknown/" + part,
                                  .state = "{{ value_json.time }}",
                                  .icon = "mdi:account-question",
                                  .is_time = true}));
    }
    for (const auto& [part, source] : sources_) all.push_back(source_discovery(part, source));
    return all;
  }

  std::vector<MqttMessage> messages(const Event& event, const Moment& when) override {
    std::vector<MqttMessage> all{
        {options_.prefix + "/event/" + topic_part(event.kind), event_text(event, when.time_ms)}};
    if (event.kind != "searched") return all;
    const std::string gallery = topic_part(event.gallery);
    const Json head{
        {"gallery", event.gallery}, {"source", event.data.at("source")}, {"time", iso_time(when.time_ms)}};
    Json strangers = Json::array();
    for (const Json& face : event.data.at("faces")) {
      if (face.at("name").is_null()) {
        strangers.push_back({{"confidence", face.at("confidence")}, {"box", face.at("box")}});
        continue;
      }
      Json match = face;
      match.update(head);
      all.push_back({options_.prefix + "/match/" + gallery, text_of(match)});
    }
    if (!strangers.empty()) {
      Json unknown{{"count", strangers.size()}, {"faces", strangers}};
      unknown.update(head);
      all.push_back({options_.prefix + "/unknown/" + gallery, text_of(unknown)});
    }
    if (event.data.at("source").is_string()) add_source(event, head, all);
    return all;
  }

 private:
  static std::string text_of(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
  }

  MqttMessage discovery_of(const Sensor& sensor) const {
    const std::string node = topic_part(options_.prefix);
    Json config{{"name", sensor.name},
                {"unique_id", node + "_" + sensor.id},
                {"state_topic", sensor.topic},
                {"value_template", sensor.state},
                {"json_attributes_topic", sensor.topic},
                {"availability_topic", availability()},
                {"icon", sensor.icon}};
    if (sensor.is_time) config["device_class"] = "timestamp";
    config["device"] = {{"identifiers", Json::array({node})},
                        {"name", options_.prefix},
                        {"manufacturer", "likeness"},
                        {"model", "face recognition"},
                        {"sw_version", version()}};
    config["origin"] = {{"name", "likeness"}, {"sw_version", version()}};
    return {options_.discovery + "/sensor/" + node + "/" + sensor.id + "/config", text_of(config), true};
  }

  MqttMessage source_discovery(const std::string& part, const std::string& source) const {
    return discovery_of({.id = "source_" + part,
                         .name = source,
                         .topic = options_.prefix + "/source/" + part,
                         .state = "{{ value_json.state[:255] }}",
                         .icon = "mdi:cctv"});
  }

  /// A source's place in topics. Of two whose places would be one the second gets a number.
  std::string part_of(const std::string& source) {
    std::string part = topic_part(source);
    for (int number = 2;; ++number) {
      const auto [found, is_new] = sources_.emplace(part, source);
      if (is_new || found->second == source) return part;
      part = topic_part(source) + "_" + std::to_string(number);
    }
  }

  void add_source(const Event& event, const Json& head, std::vector<MqttMessage>& all) {
    const auto source = event.data.at("source").get<std::string>();
    const std::size_t before = sources_.size();
    const bool full = before >= kMostSources + options_.sources.size();
    bool known = false;
    for (const auto& [part, name] : sources_) known = known || name == source;
    if (full && !known) return;
    const std::string part = part_of(source);
    if (sources_.size() > before && !options_.discovery.empty())
      all.push_back(source_discovery(part, source));
    // Not "unknown": that is what Home Assistant calls a sensor that has told nothing yet.
    std::string state;
    for (const Json& name : event.data.at("names"))
      state += (state.empty() ? "" : ", ") + (name.is_null() ? "stranger" : name.get<std::string>());
    Json seen{{"state", state.empty() ? "nobody" : state},
              {"named", event.data.at("named")},
              {"unknown", event.data.at("unknown")},
              {"names", event.data.at("names")},
              {"faces", event.data.at("faces")}};
    seen.update(head);
    all.push_back({options_.prefix + "/source/" + part, text_of(seen)});
  }

  MqttTopicsOptions options_;
  std::map<std::string, std::string> sources_;  ///< By their places in topics.
};

// ---- Double Take ----

constexpr std::int64_t kPersonReset =
    30'000;  ///< Milliseconds after which its count of people goes back to 0.

/// `/\s+/` as "-", and what is neither letter nor digit left out, as Double Take writes names in topics.
std::string double_take_part(std::string_view name) {
  std::string part;
  bool blank = false;
  for (const char c : name) {
    if (c == ' ' || (c >= '\t' && c <= '\r')) {
      blank = true;
      continue;
    }
    if (std::exchange(blank, false)) part += '-';
    if (is_plain(c) && c != '_') part += c;
  }
  return part;
}

class DoubleTakeTopics final : public MqttTopics {
 public:
  explicit DoubleTakeTopics(const MqttTopicsOptions& options) : discovery_(options.discovery) {}

  std::string availability() const override { return "double-take/available"; }
  std::vector<MqttMessage> greeting() const override { return {}; }

  std::vector<MqttMessage> messages(const Event& event, const Moment& when) override {
    if (event.kind != "searched") return {};
    const Json& source = event.data.at("source");
    const std::string camera = camera_part(source.is_string() ? source.get<std::string>() : event.gallery);
    Json seconds = event.data.at("seconds");
    if (seconds.is_null()) seconds = 0;  // embeddings: no photo was looked at
    const Json base{{"id", std::to_string(when.time_ms) + "-" + std::to_string(++count_)},
                    {"duration", hundredths(seconds.get<double>())},
                    {"timestamp", iso_time(when.time_ms)},
                    {"attempts", 1},
                    {"camera", camera},
                    {"zones", Json::array()}};
    Json matches = Json::array();
    Json unknowns = Json::array();
    for (const Json& face : event.data.at("faces"))
      (face.at("name").is_null() ? unknowns : matches).push_back(face_of(face, base, source.is_string()));
    std::vector<MqttMessage> all;
    const std::size_t people = matches.size() + unknowns.size();
    all.push_back({"double-take/cameras/" + camera + "/person", std::to_string(people), true});
    if (!unknowns.empty()) {
      Json unknown = base;
      unknown["unknown"] = unknowns.front();
      unknown["unknowns"] = unknowns;
      tell("matches/unknown", "unknown", "unknown", kPerson, unknown, all);
    }
    for (const Json& match : matches) {
      const auto name = match.at("name").get<std::string>();
      std::string part = double_take_part(name);
      if (part.empty()) part = "person-" + std::to_string(match.at("person").get<std::int64_t>());
      Json one = base;
      one["match"] = match;
      one["match"].erase("person");
      tell("matches/" + part, part, with_underscores(name), kPerson, one, all);
    }
    Json seen = base;
    for (Json& match : matches) match.erase("person");
    Json counts = counts_of(matches.size(), unknowns.size());
    seen["matches"] = std::move(matches);
    seen["misses"] = Json::array();
    seen["unknowns"] = std::move(unknowns);
    seen["personCount"] = people;
    seen["counts"] = std::move(counts);
    if (people > 0) tell("cameras/" + camera, camera, camera, kCamera, seen, all);
    seen["personCount"] = 0;
    seen["counts"] = counts_of(0, 0);
    resets_[camera] = {when.steady_ms + kPersonReset, text_of(seen)};
    return all;
  }

  std::optional<std::int64_t> next_due() const override {
    std::optional<std::int64_t> next;
    for (const auto& [camera, reset] : resets_) {
      if (!next || reset.at < *next) next = reset.at;
    }
    return next;
  }

  std::vector<MqttMessage> due(std::int64_t steady_ms) override {
    std::vector<MqttMessage> all;
    std::erase_if(resets_, [&](const auto& entry) {
      const auto& [camera, reset] = entry;
      if (reset.at > steady_ms) return false;
      all.push_back({"double-take/cameras/" + camera + "/person", "0", true});
      if (!discovery_.empty()) all.push_back({state_topic(camera), reset.state, true});
      return true;
    });
    return all;
  }

 private:
  struct Look {
    const char* icon;
    const char* state;
  };
  static constexpr Look kPerson{"mdi:account", "{{ value_json.camera }}"};
  static constexpr Look kCamera{"mdi:camera", "{{ value_json.counts.person }}"};
  struct Reset {
    std::int64_t at = 0;
    std::string state;
  };

  static std::string text_of(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
  }
  static double hundredths(double value) {
    return static_cast<double>(static_cast<long>(value * 100 + 0.5)) / 100;
  }
  static std::string with_underscores(std::string text) {
    for (char& c : text) c = c == ' ' ? '_' : c;
    return text;
  }
  /// In lower case, as there.
  static std::string camera_part(const std::string& source) {
    std::string part = topic_part(source);
    for (char& c : part) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return part;
  }

  static Json face_of(const Json& face, const Json& base, bool from_source) {
    const bool known = !face.at("name").is_null();
    Json box = nullptr;
    if (const Json& given = face.at("box"); !given.is_null()) {
      const auto left = given.at(0).get<double>();
      const auto top = given.at(1).get<double>();
      box = {{"top", std::lround(top)},
             {"left", std::lround(left)},
             {"width", std::lround(given.at(2).get<double>() - left)},
             {"height", std::lround(given.at(3).get<double>() - top)}};
    }
    Json made{{"name", known ? face.at("name") : Json("unknown")},
              {"confidence", hundredths(100 * face.at("confidence").get<double>())},
              {"match", known},
              {"box", std::move(box)},
              {"type", from_source ? "snapshot" : "manual"},
              {"duration", base.at("duration")},
              {"detector", "likeness"},
              {"filename", nullptr},
              {"base64", nullptr}};
    if (known) made["person"] = face.at("person");
    return made;
  }

  static Json counts_of(std::size_t matches, std::size_t unknowns) {
    return {{"person", matches + unknowns}, {"match", matches}, {"miss", 0}, {"unknown", unknowns}};
  }

  std::string state_topic(const std::string& part) const {
    return discovery_ + "/sensor/double-take/" + part + "/state";
  }

  /// Under its own topic and, for Home Assistant, under that of a sensor.
  void tell(const std::string& topic, const std::string& part, const std::string& name, const Look& look,
            const Json& json, std::vector<MqttMessage>& all) const {
    const std::string text = text_of(json);
    all.push_back({"double-take/" + topic, text});
    if (discovery_.empty()) return;
    all.push_back({discovery_ + "/sensor/double-take/" + part + "/config",
                   text_of({{"name", "double_take_" + name},
                            {"icon", look.icon},
                            {"value_template", look.state},
                            {"state_topic", state_topic(part)},
                            {"json_attributes_topic", state_topic(part)},
                            {"availability_topic", availability()},
                            {"unique_id", "double_take_" + name}}),
                   true});
    all.push_back({state_topic(part), text, true});
  }

  std::string discovery_;
  std::uint64_t count_ = 0;
  std::map<std::string, Reset> resets_;  ///< By camera.
};

}  // namespace

std::string topic_part(std::string_view name) {
  std::string part;
  for (const char c : name) {
    // One dash for a character of several bytes.
    if ((static_cast<unsigned char>(c) & 0xC0U) == 0x80U) continue;
    part += is_plain(c) ? c : '-';
  }
  return part.empty() ? "-" : part;
}

std::string iso_time(std::int64_t time_ms) {
  const std::time_t seconds = time_ms / 1000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[32];
  const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  const std::string digits = std::to_string(1000 + time_ms % 1000);
  return std::string(text, size) + "." + digits.substr(1) + "Z";
}

std::unique_ptr<MqttTopics> likeness_topics(const MqttTopicsOptions& options) {
  return std::make_unique<LikenessTopics>(options);
}

std::unique_ptr<MqttTopics> double_take_topics(const MqttTopicsOptions& options) {
  return std::make_unique<DoubleTakeTopics>(options);
}

}  // namespace likeness::serve
