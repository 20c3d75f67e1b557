#include "serve/mqtt_topics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>

#include "serve/mqtt_client.h"

namespace likeness::serve {
namespace {

using Json = nlohmann::ordered_json;

// 2026-11-28T09:30:00.123Z: date -u -d @1795858200
constexpr Moment kTime{.time_ms = 1'795'858'200'123, .steady_ms = 5000};

Json face(const char* name, double confidence) {
  return {{"name", name == nullptr ? Json(nullptr) : Json(name)},
          {"person", name == nullptr ? Json(nullptr) : Json(7)},
          {"similarity", name == nullptr ? Json(nullptr) : Json(0.8)},
          {"confidence", confidence},
          {"box", {10.4, 20.6, 40.4, 60.6}}};
}

Event searched(const Json& source, const std::vector<Json>& faces) {
  Json names = Json::array();
  std::size_t named = 0;
  for (const Json& one : faces) {
    names.push_back(one.at("name"));
    named += one.at("name").is_null() ? 0 : 1;
  }
  return {"searched",
          "default",
          {{"named", named},
           {"unknown", faces.size() - named},
           {"names", names},
           {"source", source},
           {"seconds", 0.1249},
           {"faces", faces}}};
}

std::vector<std::string> topics_of(const std::vector<MqttMessage>& messages) {
  std::vector<std::string> topics;
  for (const MqttMessage& message : messages) topics.push_back(message.topic);
  return topics;
}

Json payload(const std::vector<MqttMessage>& messages, const std::string& topic) {
  for (const MqttMessage& message : messages) {
    if (message.topic == topic) return Json::parse(message.payload);
  }
  throw std::runtime_error("nothing under " + topic);
}

using Topics = std::vector<std::string>;

TEST(LikenessTopics, APhotoIsToldOfByItsFacesItsGalleryAndItsSource) {
  const auto topics = likeness_topics({.galleries = {"default"}, .sources = {"door"}});
  const auto told = topics->messages(searched("door", {face("Ann", 0.9), face(nullptr, 0.2)}), kTime);
  EXPECT_EQ(topics_of(told), (Topics{"likeness/event/searched", "likeness/match/default",
                                     "likeness/unknown/default", "likeness/source/door"}));
  EXPECT_EQ(payload(told, "likeness/event/searched")["time_ms"], kTime.time_ms);
  const Json match = payload(told, "likeness/match/default");
  EXPECT_EQ(match["name"], "Ann");
  EXPECT_EQ(match["time"], "2026-11-28T09:30:00.123Z");
  EXPECT_EQ(payload(told, "likeness/unknown/default")["faces"][0]["confidence"], 0.2);
  EXPECT_EQ(payload(told, "likeness/source/door")["state"], "Ann, stranger");
  const auto nobody = topics->messages(searched("door", {}), kTime);
  EXPECT_EQ(topics_of(nobody), (Topics{"likeness/event/searched", "likeness/source/door"}));
  EXPECT_EQ(payload(nobody, "likeness/source/door")["state"], "nobody");
  const auto nowhere = topics->messages(searched(nullptr, {face("Ann", 0.9)}), kTime);
  EXPECT_EQ(topics_of(nowhere), (Topics{"likeness/event/searched", "likeness/match/default"}));
  EXPECT_EQ(topics_of(topics->messages({"removed", "default", {{"person", 7}, {"faces", 1}}}, kTime)),
            Topics{"likeness/event/removed"});
}

TEST(LikenessTopics, NothingWithANameIsRetained) {
  const auto topics = likeness_topics({.galleries = {"default"}});
  for (const MqttMessage& message :
       topics->messages(searched("door", {face("Ann", 0.9), face(nullptr, 0.2)}), kTime))
    EXPECT_TRUE(!message.retain || message.payload.find("Ann") == std::string::npos) << message.topic;
}

TEST(LikenessTopics, ANewSourceIsDiscoveredOnceAndNotWithoutEnd) {
  const auto topics = likeness_topics({.galleries = {"a", "b"}, .sources = {"front door"}});
  EXPECT_EQ(
      topics_of(topics->greeting()),
      (Topics{
          "homeassistant/sensor/likeness/match_a/config", "homeassistant/sensor/likeness/unknown_a/config",
          "homeassistant/sensor/likeness/match_b/config", "homeassistant/sensor/likeness/unknown_b/config",
          "homeassistant/sensor/likeness/source_front-door/config"}));
  const auto count = [&](const std::string& source) {
    const auto told = topics->messages(searched(source, {}), kTime);
    return std::count_if(told.begin(), told.end(), [](const auto& one) { return one.retain; });
  };
  EXPECT_EQ(count("front door"), 0);
  EXPECT_EQ(count("front-door"), 1);  // another one, whose place is taken
  EXPECT_EQ(count("front-door"), 0);
  EXPECT_EQ(topics->greeting().back().topic, "homeassistant/sensor/likeness/source_front-door_2/config");
  for (int i = 0; i < 1000; ++i) (void)count("x" + std::to_string(i));
  EXPECT_EQ(topics->greeting().size(), 4U + 1 + 64);
  EXPECT_TRUE(likeness_topics({.discovery = "", .galleries = {"a"}, .sources = {"b"}})->greeting().empty());
}

TEST(DoubleTakeTopics, PayloadsAreThoseOfItsReadme) {
  const auto topics = double_take_topics({});
  const auto told =
      topics->messages(searched("Back Door", {face("Ann  Lee Ö.", 0.91234), face(nullptr, 0.2)}), kTime);
  EXPECT_EQ(told.front().topic, "double-take/cameras/back-door/person");
  EXPECT_EQ(told.front().payload, "2");
  EXPECT_TRUE(told.front().retain);
  const Json match = payload(told, "double-take/matches/Ann-Lee-");
  EXPECT_EQ(match["match"], Json::parse(R"({"name":"Ann  Lee Ö.","confidence":91.23,"match":true,
                            "box":{"top":21,"left":10,"width":30,"height":40},"type":"snapshot","duration":0.12,
                            "detector":"likeness","filename":null,"base64":null})"));
  EXPECT_EQ(match["timestamp"], "2026-11-28T09:30:00.123Z");
  EXPECT_EQ(match["camera"], "back-door");
  EXPECT_EQ(payload(told, "double-take/matches/unknown")["unknown"]["name"], "unknown");
  EXPECT_EQ(payload(told, "double-take/cameras/back-door")["counts"],
            Json::parse(R"({"person":2,"match":1,"miss":0,"unknown":1})"));
  EXPECT_EQ(payload(told, "homeassistant/sensor/double-take/back-door/config")["value_template"],
            "{{ value_json.counts.person }}");
}

TEST(DoubleTakeTopics, TheCountOfPeopleGoesBackAfterHalfAMinute) {
  const auto topics = double_take_topics({});
  EXPECT_FALSE(topics->next_due());
  (void)topics->messages(searched("door", {face("Ann", 0.9)}), kTime);
  EXPECT_EQ(topics->next_due(), kTime.steady_ms + 30'000);
  EXPECT_TRUE(topics->due(kTime.steady_ms + 29'999).empty());
  const auto told = topics->due(kTime.steady_ms + 30'000);
  EXPECT_EQ(topics_of(told),
            (Topics{"double-take/cameras/door/person", "homeassistant/sensor/double-take/door/state"}));
  EXPECT_EQ(told.front().payload, "0");
  EXPECT_EQ(Json::parse(told.back().payload)["personCount"], 0);
  EXPECT_FALSE(topics->next_due());
}

TEST(DoubleTakeTopics, TheCountGoesBackAlsoWhereTheClockIsSetMeanwhile) {
  const auto topics = double_take_topics({});
  (void)topics->messages(searched("door", {face("Ann", 0.9)}), kTime);
  const Moment set_back{.time_ms = kTime.time_ms - 3'600'000, .steady_ms = kTime.steady_ms + 1000};
  (void)topics->messages(searched("gate", {face("Ann", 0.9)}), set_back);
  EXPECT_EQ(topics->next_due(), kTime.steady_ms + 30'000);
  EXPECT_EQ(topics->due(kTime.steady_ms + 30'999).front().topic, "double-take/cameras/door/person");
  EXPECT_EQ(topics->due(kTime.steady_ms + 31'000).front().topic, "double-take/cameras/gate/person");
}

TEST(MqttUrl, IsTakenApartOrRefused) {
  const MqttOptions plain = parse_mqtt_url("mqtt://broker");
  EXPECT_EQ(plain.host, "broker");
  EXPECT_EQ(plain.port, 1883);
  const MqttOptions tls = parse_mqtt_url("mqtts://[::1]/");
  EXPECT_EQ(tls.host, "::1");
  EXPECT_EQ(tls.port, 8883);
  EXPECT_TRUE(tls.tls);
  EXPECT_EQ(parse_mqtt_url("mqtt://10.0.0.2:1884").port, 1884);
  for (const char* wrong :
       {"broker", "http://broker", "mqtt://", "mqtt://:1883", "mqtt://b:0", "mqtt://b:65536", "mqtt://b:x",
        "mqtt://b/topic", "mqtt://me:secret@b", "mqtt://b c"})
    EXPECT_THROW((void)parse_mqtt_url(wrong), std::invalid_argument) << wrong;
}

}  // namespace
}  // namespace likeness::serve
