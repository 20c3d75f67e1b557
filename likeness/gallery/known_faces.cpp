#include "likeness/gallery/known_faces.h"

#include "likeness/embed/byte_values.h"

namespace likeness {

bool same_vector(std::span<const float> a, std::span<const float> b, EmbeddingFormat format) {
  const float most = most_squared_distance(format);
  if (a.size() != b.size()) return false;
  float distance = 0;
  // Others are out after a value or two.
  for (std::size_t i = 0; i < a.size() && distance <= most; ++i) distance += (a[i] - b[i]) * (a[i] - b[i]);
  return distance <= most;
}

std::vector<float> as_stored(std::span<const float> embedding, EmbeddingFormat format) {
  Embeddings one{embedding.size(), {embedding.begin(), embedding.end()}};
  if (format == EmbeddingFormat::kInt8) round_to_bytes(one);
  return std::move(one.values);
}

void KnownFaces::add(std::int64_t face, bool photo_known, std::span<const float> embedding) {
  Part& part = photo_known ? with_photo_ : without_photo_;
  part.faces.push_back(face);
  part.embeddings.dimension = embedding.size();
  part.embeddings.values.insert(part.embeddings.values.end(), embedding.begin(), embedding.end());
}

std::optional<std::int64_t> KnownFaces::find_in(const Part& part, std::span<const float> embedding) const {
  for (std::size_t i = 0; i < part.faces.size(); ++i) {
    if (same_vector(part.embeddings[i], embedding, format_)) return part.faces[i];
  }
  return std::nullopt;
}

std::optional<std::int64_t> KnownFaces::find(bool photo_known, std::span<const float> embedding) const {
  if (!photo_known) {
    if (const auto found = find_in(with_photo_, embedding)) return found;
  }
  return find_in(without_photo_, embedding);
}

}  // namespace likeness
