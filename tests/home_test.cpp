// `likeness serve` in a home: events over MQTT at a real broker (Debian's mosquitto), photos from a watched
// folder and from a camera.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <mosquitto.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/door.h"
#include "tests/http_client.h"
#include "tests/run_program.h"
#include "tests/running_server.h"
#include "tests/tiny/tiny_world.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Clock = std::chrono::steady_clock;

/// mosquitto on a port of its own.
class Broker {
 public:
  /// `more`: further lines of its configuration.
  Broker(const fs::path& folder, std::uint16_t port, const std::string& more = "allow_anonymous true\n")
      : port_(port) {
    std::ofstream(folder / "broker.conf")
        << "user root\npersistence false\nlistener " << port << " 127.0.0.1\n"
        << more;
    program_ = std::make_unique<RunningProgram>(
        folder / "broker.log",
        std::vector<std::string>{"/usr/sbin/mosquitto", "-c", (folder / "broker.conf").string()});
    for (int i = 0; i < 500 && !program_->ended(); ++i) {
      try {
        const Connection there(port);
        return;
      } catch (const std::runtime_error&) {
        std::this_thread::sleep_for(milliseconds(10));
      }
    }
    throw std::runtime_error("no broker (scripts/setup --dev installs it): " + program_->log());
  }
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  std::uint16_t port_;
  std::unique_ptr<RunningProgram> program_;
};

std::uint16_t free_port() { return Door().port(); }

/// Somebody who listens to all that a broker is told.
class Ear {
 public:
  explicit Ear(std::uint16_t port, const std::string& user = "", const std::string& password = "",
               const std::string& authorities = "") {
    mosquitto_lib_init();
    client_ = mosquitto_new(nullptr, true, this);
    if (!user.empty()) mosquitto_username_pw_set(client_, user.c_str(), password.c_str());
    if (!authorities.empty())
      mosquitto_tls_set(client_, authorities.c_str(), nullptr, nullptr, nullptr, nullptr);
    mosquitto_message_callback_set(client_, [](mosquitto*, void* self, const mosquitto_message* message) {
      static_cast<Ear*>(self)->heard_.push_back(
          {message->topic, std::string(static_cast<const char*>(message->payload),
                                       static_cast<std::size_t>(message->payloadlen))});
    });
    if (mosquitto_connect(client_, "localhost", port, 30) != MOSQ_ERR_SUCCESS ||
        mosquitto_subscribe(client_, nullptr, "#", 1) != MOSQ_ERR_SUCCESS)
      throw std::runtime_error("cannot listen to the broker");
  }
  ~Ear() { mosquitto_destroy(client_); }
  Ear(const Ear&) = delete;
  Ear& operator=(const Ear&) = delete;

  /// The next message under that topic that was not given yet.
  std::string next(const std::string& topic) {
    const auto deadline = Clock::now() + seconds(20);
    while (true) {
      for (auto& [at, payload] : heard_) {
        if (at != topic) continue;
        at.clear();
        return payload;
      }
      if (Clock::now() > deadline) throw std::runtime_error("nothing is told under " + topic);
      mosquitto_loop(client_, 20, 1);
    }
  }
  json next_json(const std::string& topic) { return json::parse(next(topic)); }
  /// How often it was told something under topics that begin so and is not given yet.
  [[nodiscard]] std::size_t count(const std::string& begin) const {
    return static_cast<std::size_t>(std::count_if(heard_.begin(), heard_.end(), [&](const auto& message) {
      return message.first.rfind(begin, 0) == 0;
    }));
  }

 private:
  mosquitto* client_;
  std::vector<std::pair<std::string, std::string>> heard_;
};

/// A camera: gives its picture to who knows the password.
class Camera {
 public:
  explicit Camera(std::string authorization)
      : authorization_(std::move(authorization)),
        thread_([this](const std::stop_token& stop) { work(stop); }) {}
  [[nodiscard]] std::uint16_t port() const { return door_.port(); }
  void show(const std::string& picture) {
    const std::lock_guard lock(mutex_);
    picture_ = picture;
  }
  [[nodiscard]] int asked() const { return asked_; }
  /// Waits until it was asked so many times more.
  void wait_for(int more) const {
    for (const int until = asked_ + more; asked_ < until;) std::this_thread::sleep_for(milliseconds(5));
  }

 private:
  void work(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      pollfd wait{door_.socket(), POLLIN, 0};
      if (::poll(&wait, 1, 20) <= 0) continue;
      const int client = ::accept(door_.socket(), nullptr, nullptr);
      std::string text;
      std::array<char, 4096> piece{};
      while (text.find("\r\n\r\n") == std::string::npos) {
        const ssize_t bytes = ::recv(client, piece.data(), piece.size(), 0);
        if (bytes <= 0) break;
        text.append(piece.data(), static_cast<std::size_t>(bytes));
      }
      std::string answer = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n";
      if (text.find("GET /snap.jpg?channel=1 HTTP/1.1\r\n") == 0 &&
          text.find("Authorization: Basic " + authorization_ + "\r\n") != std::string::npos) {
        const std::lock_guard lock(mutex_);
        answer = "HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: " +
                 std::to_string(picture_.size()) + "\r\n\r\n" + picture_;
      }
      for (std::string_view rest = answer; !rest.empty();) {
        const ssize_t sent = ::send(client, rest.data(), rest.size(), MSG_NOSIGNAL);
        if (sent <= 0) break;
        rest.remove_prefix(static_cast<std::size_t>(sent));
      }
      ::close(client);
      ++asked_;
    }
  }

  Door door_;
  const std::string authorization_;
  std::mutex mutex_;
  std::string picture_;
  std::atomic<int> asked_ = 0;
  std::jthread thread_;
};

class Home : public testing::Test {
 protected:
  std::vector<std::string> arguments(std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {"--gallery", folder_ / "people.gallery", "--models", tiny::packs().string(),
                               "--model", tiny::kEmbedder, "--port", "0", "--threads", "1"});
    return more;
  }
  RunningServer start(std::vector<std::string> more) const {
    return {folder_ / "log", arguments(std::move(more))};
  }
  /// A server's first words or its reason not to start.
  ProgramResult check(std::vector<std::string> more) const {
    more = arguments(std::move(more));
    more.insert(more.begin(), "serve");
    more.emplace_back("--check");
    return run_likeness(more);
  }
  std::string photo(int person, std::uint32_t seed) const {
    return read_text(
        tiny::write_people(folder_.path() / std::to_string(seed), person, person + 1, 1, seed).front());
  }
  void enrol(const RunningServer& server, int person, const std::string& name) const {
    const std::string answer =
        ask(server.port(), photo_request("/v1/galleries/default/faces", photo(person, 5), name));
    ASSERT_EQ(status_of(answer), 200) << answer;
  }
  fs::path make_folder(const std::string& name) const {
    fs::create_directory(folder_ / name);
    return folder_ / name;
  }
  static std::string url_of(const Broker& broker) {
    return "mqtt://localhost:" + std::to_string(broker.port());
  }

  tiny::Folder folder_;
};

void write_file(const fs::path& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary) << bytes;
}

TEST_F(Home, HomeAssistantFindsItsSensorsAndIsToldOfAMatchAndOfAStranger) {
  const Broker broker(folder_.path(), free_port());
  const fs::path door = make_folder("front door");
  write_file(door / "old.png", photo(0, 20));
  RunningServer server = start({"--mqtt", url_of(broker), "--watch", door.string()});
  Ear ear(broker.port());
  EXPECT_EQ(ear.next("likeness/available"), "online");
  const json config = ear.next_json("homeassistant/sensor/likeness/source_front-door/config");
  EXPECT_EQ(config["name"], "front door");
  EXPECT_EQ(config["unique_id"], "likeness_source_front-door");
  EXPECT_EQ(config["state_topic"], "likeness/source/front-door");
  EXPECT_EQ(config["availability_topic"], "likeness/available");
  EXPECT_EQ(config["device"]["identifiers"], json::array({"likeness"}));
  EXPECT_EQ(ear.next_json("homeassistant/sensor/likeness/match_default/config")["json_attributes_topic"],
            "likeness/match/default");
  EXPECT_EQ(ear.next_json("homeassistant/sensor/likeness/unknown_default/config")["device_class"],
            "timestamp");

  enrol(server, 0, "Ann");
  EXPECT_EQ(ear.next_json("likeness/event/enrolled")["faces"], 1);
  write_file(door / "1.png", photo(0, 9));
  const json match = ear.next_json("likeness/match/default");
  EXPECT_EQ(match["name"], "Ann");
  EXPECT_EQ(match["source"], "front door");
  EXPECT_GE(match["confidence"], 0.5);
  EXPECT_EQ(match["box"].size(), 4U);
  EXPECT_EQ(ear.next_json("likeness/source/front-door")["state"], "Ann");

  // Written under a hidden name, as rsync does, and a stranger's: there when it has its own.
  write_file(door / ".2.png", photo(5, 9));
  fs::rename(door / ".2.png", door / "2.png");
  const json unknown = ear.next_json("likeness/unknown/default");
  EXPECT_EQ(unknown["count"], 1);
  EXPECT_EQ(unknown["source"], "front door");
  EXPECT_EQ(ear.next_json("likeness/source/front-door")["state"], "stranger");

  write_file(door / "again.png", photo(0, 9));  // the same bytes
  write_file(door / "note.txt", "no photo");
  // A camera that asks by itself says which one it is, and gets a sensor of its own.
  std::string request = photo_request("/v1/search", photo(0, 11));
  const std::string part = "Content-Disposition: form-data; name=\"source\"\r\n\r\ngarden\r\n";
  const std::size_t body = request.find("\r\n\r\n") + 4;
  const std::string boundary = request.substr(body, request.find("\r\n", body) - body);
  request.insert(body, boundary + "\r\n" + part);
  const std::size_t length = request.find("Content-Length: ") + 16;
  const std::size_t added = boundary.size() + 2 + part.size();
  request.replace(length, request.find("\r\n", length) - length,
                  std::to_string(std::stoul(request.substr(length)) + added));
  const std::string answer = ask(server.port(), request);
  EXPECT_EQ(status_of(answer), 200) << answer;
  EXPECT_EQ(ear.next_json("homeassistant/sensor/likeness/source_garden/config")["name"], "garden");
  EXPECT_EQ(ear.next_json("likeness/source/garden")["names"], json::array({"Ann"}));
  EXPECT_EQ(ear.next_json("likeness/match/default")["source"], "garden");

  for (int i = 0; i < 1000 && server.log().find("image_unreadable") == std::string::npos; ++i)
    std::this_thread::sleep_for(milliseconds(10));
  server.signal(SIGTERM);
  EXPECT_EQ(ear.next("likeness/available"), "offline");
  EXPECT_EQ(server.wait(), 0);
  EXPECT_EQ(ear.count("likeness/source/front-door"), 0U) << "an old photo or the same twice";
  EXPECT_TRUE(fs::exists(door / "1.png") && fs::exists(door / "old.png"));
  EXPECT_NE(server.log().find(R"("error":"image_unreadable")"), std::string::npos) << server.log();
  EXPECT_EQ(server.log().find("Ann"), std::string::npos);
  EXPECT_EQ(server.log().find("note.txt"), std::string::npos);
  // What stays at the broker for whoever comes later holds no name.
  Ear later(broker.port());
  EXPECT_EQ(later.next("likeness/available"), "offline");
  EXPECT_EQ(later.count("likeness/match") + later.count("likeness/source"), 0U);
}

TEST_F(Home, ABrokerMayGoAndComeBack) {
  const std::uint16_t port = free_port();
  auto broker = std::make_unique<Broker>(folder_.path(), port);
  RunningServer server = start({"--mqtt", url_of(*broker)});
  {
    Ear ear(port);
    EXPECT_EQ(ear.next("likeness/available"), "online");
  }
  broker.reset();
  enrol(server, 0, "Ann");
  EXPECT_EQ(status_of(ask(server.port(), photo_request("/v1/search", photo(0, 9)))), 200);
  broker = std::make_unique<Broker>(folder_.path(), port);
  Ear ear(port);
  EXPECT_EQ(ear.next_json("likeness/match/default")["name"], "Ann");
  EXPECT_EQ(ear.next("likeness/available"), "online");
  EXPECT_NE(server.log().find(R"("broker":"away")"), std::string::npos);
  server.signal(SIGKILL);
  EXPECT_EQ(ear.next("likeness/available"), "offline") << "the last will";
}

TEST_F(Home, DoubleTakesTopicsAreSpokenWithAPasswordOverTls) {
  const std::string make = "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -days 2 -keyout " +
                           (folder_ / "k.pem") + " -out " + (folder_ / "c.pem") +
                           " 2>/dev/null && mosquitto_passwd -b -c " + (folder_ / "users") +
                           " cam s3cret && printf 's3cret\\n' > " + (folder_ / "password");
  ASSERT_EQ(std::system(make.c_str()), 0);
  const Broker broker(folder_.path(), free_port(),
                      "allow_anonymous false\npassword_file " + (folder_ / "users") + "\ncertfile " +
                          (folder_ / "c.pem") + "\nkeyfile " + (folder_ / "k.pem") + "\n");
  const fs::path door = make_folder("door");
  const RunningServer server =
      start({"--mqtt", "mqtts://localhost:" + std::to_string(broker.port()), "--mqtt-ca", folder_ / "c.pem",
             "--mqtt-user", "cam", "--mqtt-password-file", folder_ / "password", "--mqtt-topics",
             "double-take", "--watch", "Front Door=" + door.string()});
  Ear ear(broker.port(), "cam", "s3cret", folder_ / "c.pem");
  EXPECT_EQ(ear.next("double-take/available"), "online");
  enrol(server, 0, "Ann Lee");
  write_file(door / "1.png", photo(0, 9));
  const json match = ear.next_json("double-take/matches/Ann-Lee");
  EXPECT_EQ(match["camera"], "front-door");
  EXPECT_EQ(match["match"]["name"], "Ann Lee");
  EXPECT_GE(match["match"]["confidence"], 50);
  EXPECT_TRUE(match["match"]["box"]["width"].is_number_integer());
  EXPECT_EQ(ear.next("double-take/cameras/front-door/person"), "1");
  EXPECT_EQ(ear.next_json("double-take/cameras/front-door")["counts"]["match"], 1);
  EXPECT_EQ(ear.next_json("homeassistant/sensor/double-take/Ann-Lee/config")["unique_id"],
            "double_take_Ann_Lee");
  write_file(door / "2.png", photo(5, 9));
  EXPECT_EQ(ear.next_json("double-take/matches/unknown")["unknown"]["name"], "unknown");
  EXPECT_EQ(server.log().find("s3cret"), std::string::npos);
  write_file(folder_ / "password", "guess\n");
  const RunningServer guessing(
      folder_ / "log2",
      {"--gallery", folder_ / "other.gallery", "--models", tiny::packs().string(), "--model", tiny::kEmbedder,
       "--port", "0", "--mqtt", "mqtts://localhost:" + std::to_string(broker.port()), "--mqtt-ca",
       folder_ / "c.pem", "--mqtt-user", "cam", "--mqtt-password-file", folder_ / "password"});
  for (int i = 0; i < 1000 && guessing.log().find("not authorised") == std::string::npos; ++i)
    std::this_thread::sleep_for(milliseconds(10));
  EXPECT_NE(guessing.log().find(R"("broker":"away","error":"Connection Refused: not authorised.")"),
            std::string::npos)
      << guessing.log();
}

TEST_F(Home, ACamerasPictureIsSearchedWhenItIsAnotherOne) {
  Camera camera("dXNlcjpwQHNz");  // user:p@ss
  camera.show(photo(0, 9));
  const auto snapshot = [&](const std::string& password) {
    return "gate=http://user:" + password + "@127.0.0.1:" + std::to_string(camera.port()) +
           "/snap.jpg?channel=1";
  };
  RunningServer server = start({"--snapshot", snapshot("p%40ss"), "--snapshot-every", "0.1"});
  Connection listener(server.port());
  listener.send(request_text("GET", "/v1/events"));
  (void)listener.read_until("\r\n\r\n");
  camera.wait_for(3);
  camera.show(photo(5, 9));
  const std::string told = listener.read_until("\n\n");
  EXPECT_NE(told.find(R"("source":"gate")"), std::string::npos) << told;
  camera.wait_for(3);
  camera.show("no picture");
  camera.wait_for(3);
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait(), 0);
  std::map<std::string, int> searched;
  for (const std::string& line : lines(server.log())) {
    if (line.find(R"("operation":"source")") == std::string::npos) continue;
    ++searched[std::to_string(json::parse(line)["status"].get<int>())];
  }
  EXPECT_EQ(searched, (std::map<std::string, int>{{"200", 2}, {"422", 1}})) << server.log();

  RunningServer refused = start({"--snapshot", snapshot("wrong"), "--snapshot-every", "0.1"});
  camera.wait_for(2);
  refused.signal(SIGTERM);
  EXPECT_EQ(refused.wait(), 0);
  EXPECT_NE(refused.log().find(R"("error":"the camera answers with status 401")"), std::string::npos);
  for (const char* secret : {"wrong", "user", "snap.jpg"})
    EXPECT_EQ(refused.log().find(secret), std::string::npos) << refused.log();
}

TEST_F(Home, CheckSaysWhatItWouldDoAndWhatIsWrong) {
  const fs::path door = make_folder("door");
  const ProgramResult good =
      check({"--mqtt", "mqtt://broker.example", "--watch", door.string(), "--snapshot",
             "gate=http://user:secret@gate.example/snap.jpg", "--mqtt-topics", "double-take"});
  EXPECT_EQ(good.code, 0) << good.err;
  EXPECT_NE(good.err.find("; tells mqtt://broker.example:1883 in Double Take's topics; watches " +
                          fs::canonical(door).string() + " as door; looks at camera gate every 10 s\n"),
            std::string::npos)
      << good.err;
  std::ofstream(folder_ / "serve.conf")
      << "watch = \"door=" << door.string() << "\"\nsnapshot-every = 0.5\n"
      << "snapshot = [\"a=http://a.example/\", \"b=http://b.example/?c=1\"]\n";
  const ProgramResult file = check({"--config", folder_ / "serve.conf"});
  EXPECT_NE(file.err.find(" as door; looks at camera a every 0.5 s; looks at camera b every 0.5 s\n"),
            std::string::npos)
      << file.err;
  const auto expect = [&](const std::vector<std::string>& more, int code, const std::string& words) {
    const ProgramResult result = check(more);
    EXPECT_EQ(result.code, code) << result.err;
    ASSERT_EQ(lines(result.err).size(), 1U) << result.err;
    EXPECT_NE(result.err.find(words), std::string::npos) << result.err;
    EXPECT_EQ(result.err.find("secret"), std::string::npos) << result.err;
  };
  expect({"--mqtt", "broker:1883"}, 2, "--mqtt: a broker's address is mqtt://HOST:PORT or mqtts://HOST:PORT");
  expect({"--mqtt", "mqtt://me:secret@broker"}, 2, "say --mqtt-user and --mqtt-password-file");
  expect({"--mqtt-user", "me"}, 2, "--mqtt-user, --mqtt-password-file and --mqtt-ca need --mqtt");
  expect({"--mqtt", "mqtts://broker", "--mqtt-ca", folder_ / "none.pem"}, 3,
         "none.pem: there is no such file");
  expect({"--watch", folder_ / "none"}, 3, "none: there is no such folder");
  expect({"--snapshot", "gate=rtsp://u:secret@gate"}, 2,
         "--snapshot is NAME=URL: an address begins with http:// or https://");
  expect({"--watch", door.string(), "--snapshot", "door=http://gate"}, 2, "two sources are called door");
  expect({"--watch", door.string(), "--source-gallery", "staff"}, 2,
         "--source-gallery staff: no such gallery is served");
}

}  // namespace
}  // namespace likeness
