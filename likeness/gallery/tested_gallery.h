#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "likeness/gallery/store.h"

namespace likeness {

/// A place for a gallery of some kind, for tests that hold for all kinds. What it left goes with it.
class TestedGallery {
 public:
  virtual ~TestedGallery() = default;
  /// A new, empty gallery, opened for writing; an earlier one is gone.
  virtual std::unique_ptr<GalleryStore> make(const EmbeddingSpace& space,
                                             EmbeddingFormat format = EmbeddingFormat::kF32) = 0;
  /// The same gallery as somebody else has it; null where nobody else can.
  virtual std::unique_ptr<GalleryStore> open(bool read_only) = 0;
  /// Where its files are; empty where it has none.
  [[nodiscard]] virtual std::filesystem::path folder() const { return {}; }
  /// How far a value may be off when it comes back.
  [[nodiscard]] virtual float rounding() const { return 0; }
};

/// What this executable tests with: local_galleries_test.cpp or server_galleries_test.cpp.
[[nodiscard]] std::vector<std::string> tested_kinds();
/// Null where the kind's server is not there: then the test is skipped.
[[nodiscard]] std::unique_ptr<TestedGallery> tested_gallery(const std::string& kind);

/// Whether a kind's name says that it is encrypted.
[[nodiscard]] inline bool is_sealed(const std::string& kind) {
  return kind.find("sealed") != std::string::npos;
}

}  // namespace likeness
