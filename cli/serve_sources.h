#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "serve/mqtt_client.h"
#include "serve/photo_sources.h"
#include "serve/service.h"

namespace likeness::cli {

/// What `likeness serve` tells others of by MQTT, and where it takes photos from by itself.
struct SourceArgs {
  std::string mqtt;
  std::string mqtt_user;
  std::filesystem::path mqtt_password_file;
  std::filesystem::path mqtt_authorities;
  std::string mqtt_topics = "likeness";
  std::string mqtt_prefix = "likeness";
  std::string mqtt_discovery = "homeassistant";  ///< "none": no discovery.
  std::vector<std::string> folders;              ///< DIR or NAME=DIR
  std::vector<std::string> snapshots;            ///< NAME=URL
  double every_s = 10;
  std::string gallery;  ///< Empty: the first.
};

/// The first line of a file that holds a secret. @throws Error kInputUnreadable where there is none.
[[nodiscard]] std::string first_line(const std::filesystem::path& file);

void add_source_options(CLI::App& command, SourceArgs& args);

/// What was asked for, read and found to be possible; nothing runs yet.
class PreparedSources {
 public:
  /// @throws std::invalid_argument, Error.
  PreparedSources(const SourceArgs& args, const std::vector<serve::GallerySource>& galleries);
  /// What it will do, each in a few words that hold no secret: "MQTT to mqtt://localhost:1883".
  [[nodiscard]] std::vector<std::string> words() const;
  /// Begins. Neither outlives `service`; photos come to an end first.
  /// @throws Error kInputUnreadable for a folder or a file of certificates.
  void start_mqtt(serve::Service& service);
  [[nodiscard]] std::unique_ptr<serve::PhotoSources> start_photos(serve::Service& service) const;

 private:
  void prepare_mqtt(const SourceArgs& args);
  void prepare_photos(const SourceArgs& args);

  bool told_ = false;
  bool double_take_ = false;
  serve::MqttOptions mqtt_;
  serve::MqttTopicsOptions topics_;
  serve::PhotoSourcesOptions photos_;
};

}  // namespace likeness::cli
