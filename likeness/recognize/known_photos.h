#pragma once

#include <string>

namespace likeness {

struct PhotoFaces;

/// What was made of photos before, by the content of their files: PhotoStream::run() asks it, and tells it
/// what is new. A stream calls it from one thread at a time, though not always the same.
class KnownPhotos {
 public:
  virtual ~KnownPhotos() = default;

  /// Whether the photo with this SHA-256 is known. If so, fills of `photo` what was kept; nothing else will.
  [[nodiscard]] virtual bool find(const std::string& sha256, PhotoFaces& photo) = 0;
  /// A photo that was not known and could be read, with its `sha256` and all that the stream makes.
  virtual void add(const PhotoFaces& photo) = 0;
};

}  // namespace likeness
