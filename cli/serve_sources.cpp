#include "cli/serve_sources.h"

#include <cstdlib>
#include <fstream>
#include <set>
#include <stdexcept>
#include <utility>

#include "likeness/core/error.h"
#include "serve/beast_server.h"
#include "serve/call.h"

namespace likeness::cli {
namespace {

constexpr std::size_t kMostSources = 64;
constexpr std::chrono::seconds kPatience(10);  ///< For one picture of a camera.

/// NAME=REST taken apart; the name is empty where there is none.
std::pair<std::string, std::string> named(const std::string& given) {
  const std::size_t equals = given.find('=');
  if (equals == std::string::npos) return {"", given};
  return {given.substr(0, equals), given.substr(equals + 1)};
}

void require_source_name(const char* option, const std::string& name) {
  if (name.empty() || name.size() > 100)
    throw std::invalid_argument(std::string(option) + ": a source's name has 1 to 100 bytes");
}

/// 10000 ms -> "10 s".
std::string seconds_in_words(std::chrono::milliseconds time) {
  std::string text = std::to_string(static_cast<double>(time.count()) / 1000);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text + " s";
}

std::string mqtt_password(const std::filesystem::path& file) {
  if (!file.empty()) return first_line(file);
  const char* given = std::getenv("LIKENESS_MQTT_PASSWORD");
  return given != nullptr ? given : "";
}

}  // namespace

std::string first_line(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::string line;
  if (!std::getline(in, line) || line.empty())
    throw Error(ErrorCode::kInputUnreadable, file.string() + ": its first line is to be the secret");
  return line;
}

void add_source_options(CLI::App& command, SourceArgs& args) {
  command
      .add_option("--mqtt", args.mqtt,
                  "Tell this broker of each event: mqtt://HOST:PORT or mqtts://HOST:PORT")
      ->envname("LIKENESS_SERVE_MQTT");
  command.add_option("--mqtt-user", args.mqtt_user, "The broker's name for this client")
      ->envname("LIKENESS_SERVE_MQTT_USER");
  command
      .add_option("--mqtt-password-file", args.mqtt_password_file,
                  "File whose first line is its password; else LIKENESS_MQTT_PASSWORD")
      ->envname("LIKENESS_SERVE_MQTT_PASSWORD_FILE");
  command
      .add_option("--mqtt-ca", args.mqtt_authorities,
                  "With mqtts://: certificates in PEM that the broker's is held against; else the system's")
      ->envname("LIKENESS_SERVE_MQTT_CA");
  command
      .add_option("--mqtt-topics", args.mqtt_topics,
                  "Topics and payloads: those of docs/service.md (likeness), or Double Take's (double-take)")
      ->envname("LIKENESS_SERVE_MQTT_TOPICS")
      ->check(CLI::IsMember({"likeness", "double-take"}))
      ->capture_default_str();
  command
      .add_option("--mqtt-prefix", args.mqtt_prefix,
                  "Before each topic, and the client's id: of two servers at one broker each needs its own")
      ->envname("LIKENESS_SERVE_MQTT_PREFIX")
      ->capture_default_str();
  command
      .add_option(
          "--mqtt-discovery", args.mqtt_discovery,
          "Home Assistant's discovery prefix, under which it finds the sensors; none: it is told nothing")
      ->envname("LIKENESS_SERVE_MQTT_DISCOVERY")
      ->capture_default_str();
  command
      .add_option("--watch", args.folders,
                  "Search each new photo in this folder; NAME=DIR gives it a name, and may be given again")
      ->envname("LIKENESS_SERVE_WATCH");
  command
      .add_option(
          "--snapshot", args.snapshots,
          "NAME=URL: search the picture that a camera gives there, again and again; may be given again")
      ->envname("LIKENESS_SERVE_SNAPSHOT");
  command.add_option("--snapshot-every", args.every_s, "Seconds between two pictures of a camera")
      ->envname("LIKENESS_SERVE_SNAPSHOT_EVERY")
      ->check(CLI::Range(0.1, 86400.0))
      ->capture_default_str();
  command
      .add_option("--source-gallery", args.gallery,
                  "The gallery that these photos are searched in; else the first")
      ->envname("LIKENESS_SERVE_SOURCE_GALLERY");
}

PreparedSources::PreparedSources(const SourceArgs& args, const std::vector<serve::GallerySource>& galleries) {
  photos_.gallery = args.gallery.empty() ? galleries.front().name : args.gallery;
  bool there = false;
  for (const serve::GallerySource& gallery : galleries) {
    topics_.galleries.push_back(gallery.name);
    there = there || gallery.name == photos_.gallery;
  }
  if (!there) throw std::invalid_argument("--source-gallery " + args.gallery + ": no such gallery is served");
  prepare_photos(args);
  if (!args.mqtt.empty())
    prepare_mqtt(args);
  else if (!args.mqtt_user.empty() || !args.mqtt_password_file.empty() || !args.mqtt_authorities.empty())
    throw std::invalid_argument("--mqtt-user, --mqtt-password-file and --mqtt-ca need --mqtt");
}

void PreparedSources::prepare_photos(const SourceArgs& args) {
  for (const std::string& given : args.folders) {
    auto [name, folder] = named(given);
    std::error_code ignored;
    if (!std::filesystem::is_directory(folder, ignored))
      throw Error(ErrorCode::kInputUnreadable, "--watch " + folder + ": there is no such folder");
    const auto full = std::filesystem::weakly_canonical(folder, ignored);
    if (given.find('=') == std::string::npos) name = full.filename().string();
    require_source_name("--watch", name);
    photos_.folders.push_back({name, full});
    topics_.sources.push_back(name);
  }
  for (const std::string& given : args.snapshots) {
    const auto [name, url] = named(given);
    try {
      require_source_name("--snapshot", name);
      serve::require_url(url);
    } catch (const std::invalid_argument& error) {
      // Never the address: it may hold a password.
      throw std::invalid_argument("--snapshot is NAME=URL: " + std::string(error.what()));
    }
    photos_.snapshots.push_back({name, url});
    topics_.sources.push_back(name);
  }
  if (topics_.sources.size() > kMostSources)
    throw std::invalid_argument("at most " + std::to_string(kMostSources) + " folders and cameras");
  std::set<std::string> names;
  for (const std::string& name : topics_.sources) {
    if (!names.insert(name).second)
      throw std::invalid_argument("two sources are called " + name + "; write NAME=... for each");
  }
  photos_.every = std::chrono::milliseconds(static_cast<std::int64_t>(args.every_s * 1000));
  photos_.get = [](const std::string& url, const std::stop_token& stop) {
    return serve::get(url, kPatience, serve::kMostPhotoBytes, stop);
  };
}

void PreparedSources::prepare_mqtt(const SourceArgs& args) {
  told_ = true;
  double_take_ = args.mqtt_topics == "double-take";
  try {
    mqtt_ = serve::parse_mqtt_url(args.mqtt);
  } catch (const std::invalid_argument& error) {
    throw std::invalid_argument("--mqtt: " + std::string(error.what()));
  }
  if (!mqtt_.tls && !args.mqtt_authorities.empty()) throw std::invalid_argument("--mqtt-ca needs mqtts://");
  std::error_code ignored;
  if (!args.mqtt_authorities.empty() && !std::filesystem::is_regular_file(args.mqtt_authorities, ignored))
    throw Error(ErrorCode::kInputUnreadable,
                "--mqtt-ca " + args.mqtt_authorities.string() + ": there is no such file");
  if (args.mqtt_prefix.empty() || args.mqtt_prefix.size() > 100 || args.mqtt_prefix.front() == '$' ||
      args.mqtt_prefix.find_first_of("+#") != std::string::npos)
    throw std::invalid_argument("--mqtt-prefix " + args.mqtt_prefix + ": 1 to 100 bytes without + and #");
  mqtt_.authorities = args.mqtt_authorities.string();
  mqtt_.user = args.mqtt_user;
  if (!args.mqtt_user.empty())
    mqtt_.password = mqtt_password(args.mqtt_password_file);
  else if (!args.mqtt_password_file.empty())
    throw std::invalid_argument("--mqtt-password-file needs --mqtt-user");
  mqtt_.client = args.mqtt_prefix;
  topics_.prefix = args.mqtt_prefix;
  topics_.discovery = args.mqtt_discovery == "none" ? "" : args.mqtt_discovery;
}

std::vector<std::string> PreparedSources::words() const {
  std::vector<std::string> all;
  if (told_)
    all.push_back(std::string("tells ") + (mqtt_.tls ? "mqtts://" : "mqtt://") + mqtt_.host + ":" +
                  std::to_string(mqtt_.port) + (double_take_ ? " in Double Take's topics" : ""));
  for (const serve::WatchedFolder& folder : photos_.folders)
    all.push_back("watches " + folder.folder.string() + " as " + folder.name);
  for (const serve::Snapshot& snapshot : photos_.snapshots)
    all.push_back("looks at camera " + snapshot.name + " every " + seconds_in_words(photos_.every));
  return all;
}

void PreparedSources::start_mqtt(serve::Service& service) {
  if (!told_) return;
  // The service owns it, as it owns webhooks.
  const auto client = std::make_shared<serve::MqttClient>(
      mqtt_, double_take_ ? serve::double_take_topics(topics_) : serve::likeness_topics(topics_),
      [&service] { service.metrics().count_event_lost(); },
      [&service](const nlohmann::ordered_json& line) { service.note(line); });
  service.events().add_hook([client](const serve::Event& event) { client->send(event); });
}

std::unique_ptr<serve::PhotoSources> PreparedSources::start_photos(serve::Service& service) const {
  return std::make_unique<serve::PhotoSources>(service, photos_);
}

}  // namespace likeness::cli
