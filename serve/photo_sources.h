#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "serve/service.h"

namespace likeness::serve {

/// A folder whose new photos are searched.
struct WatchedFolder {
  std::string name;  ///< What events call it.
  std::filesystem::path folder;
};

/// An address that gives a camera's picture of the moment.
struct Snapshot {
  std::string name;
  std::string url;  ///< Never told to anybody: it may hold a password.
};

struct PhotoSourcesOptions {
  std::vector<WatchedFolder> folders{};
  std::vector<Snapshot> snapshots{};
  std::chrono::milliseconds every{10'000};  ///< Between two looks at a snapshot.
  std::string gallery{};                    ///< Which one is searched.
  /// The answer to a GET. @throws Error kUnavailable in words without the address.
  std::function<Response(const std::string& url, const std::stop_token& stop)> get{};
};

/// Photos that come by themselves: each is searched as POST /v1/search does, by a thread for each source, and
/// told as an event with the source's name. Photos are read, never moved, changed or deleted. One with the
/// same bytes as one of the last 64 of its source is not searched again.
class PhotoSources {
 public:
  /// Watches from now on; what lies in a folder already is left alone. `service` must outlive this.
  /// @throws Error kInputUnreadable for a folder that is not there; Refusal 404 for the gallery.
  PhotoSources(Service& service, PhotoSourcesOptions options);
  ~PhotoSources();
  PhotoSources(const PhotoSources&) = delete;
  PhotoSources& operator=(const PhotoSources&) = delete;

 private:
  class Source;
  class Folder;
  class Camera;
  PhotoSourcesOptions options_;
  std::vector<std::unique_ptr<Source>> sources_;
};

}  // namespace likeness::serve
