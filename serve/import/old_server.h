#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "likeness/core/progress.h"
#include "serve/http.h"

namespace likeness::serve {

/// A photo that another face server keeps of somebody.
struct OldPhoto {
  std::string id;  ///< The server's own.
  std::string person;
};

/// Whom another face server knows.
struct OldPeople {
  std::vector<std::string> people;  ///< By name, each once; also those of whom it has no photo.
  std::vector<OldPhoto> photos;
};

/// How an old server is asked.
struct OldServerOptions {
  std::string url;  ///< http://HOST:PORT, or with the path that it lies under.
  std::string key;  ///< Empty: none is sent. In no error, log or gallery.
  Send send;
  std::chrono::milliseconds patience{30'000};  ///< For each request.
  std::chrono::milliseconds pause{500};        ///< Before a photo is asked for again, and twice that.
};

/// Another face server, asked by its own API. What it answers is not trusted: sizes, numbers of pages and
/// names are bounded, redirections are not followed. For one thread at a time.
class OldServer {
 public:
  virtual ~OldServer() = default;

  /// Everybody. `progress` gets photos so far and how many there will be (0: unknown).
  /// @throws Error kUnavailable where it does not answer, or refuses the key; kDataInvalid where it answers
  /// as no such server does; kStopped.
  [[nodiscard]] virtual OldPeople list(const Progress& progress) = 0;
  /// Whether photo() can give what list() names.
  [[nodiscard]] virtual bool gives_photos() const = 0;
  /// A photo's file; asked for three times where the answer does not come. Empty: none is kept.
  /// @throws Error kUnavailable where it does not answer; kInputUnreadable where it refuses, with its words.
  [[nodiscard]] virtual std::vector<std::byte> photo(const OldPhoto& photo) = 0;
  /// What a gallery keeps as where the photo came from; names the server and the photo, and no secret.
  [[nodiscard]] virtual std::string origin(const OldPhoto& photo) const = 0;
};

/// CompreFace by the key of a recognition service: subjects, examples, and their photos where it keeps these.
/// @throws std::invalid_argument for an address that is none, or that holds a secret; as do the others.
[[nodiscard]] std::unique_ptr<OldServer> old_compreface(OldServerOptions options);
/// DeepStack or CodeProject.AI: names alone, for it keeps no photos and vectors of its own model.
[[nodiscard]] std::unique_ptr<OldServer> old_deepstack(OldServerOptions options);

}  // namespace likeness::serve
