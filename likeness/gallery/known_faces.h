#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "likeness/embed/embeddings.h"
#include "likeness/gallery/store.h"

namespace likeness {

/// See same_vector().
[[nodiscard]] constexpr float most_squared_distance(EmbeddingFormat format) {
  // Of bytes: 70 of 512 values may be a step apart, .0024 where the largest is .3.
  return format == EmbeddingFormat::kInt8 ? 4e-4F : 2e-5F;
}

/// Whether two embeddings are of one face of one photo, whatever the number of threads, the batch and the
/// processor that made them: these differ by less than 1e-4 a value (squared distance 5e-6 for 512 values);
/// what NumPy's users round to 16 bits by less. In a gallery of bytes a step that falls otherwise is added.
/// The nearest that other photos of a person come, pictures of one film, are hundreds of times as far.
[[nodiscard]] bool same_vector(std::span<const float> a, std::span<const float> b, EmbeddingFormat format);

/// The values as a gallery of this format gives them back.
[[nodiscard]] std::vector<float> as_stored(std::span<const float> embedding, EmbeddingFormat format);

/// Faces of one person, to find one among them by its embedding where photos cannot tell: a face whose photo
/// is not known is compared with all, another one with those whose photo is not known.
class KnownFaces {
 public:
  explicit KnownFaces(EmbeddingFormat format) : format_(format) {}
  /// `embedding` as stored.
  void add(std::int64_t face, bool photo_known, std::span<const float> embedding);
  [[nodiscard]] std::optional<std::int64_t> find(bool photo_known, std::span<const float> embedding) const;

 private:
  struct Part {
    std::vector<std::int64_t> faces;
    Embeddings embeddings;
  };
  [[nodiscard]] std::optional<std::int64_t> find_in(const Part& part, std::span<const float> embedding) const;

  EmbeddingFormat format_;
  Part with_photo_;
  Part without_photo_;
};

}  // namespace likeness
