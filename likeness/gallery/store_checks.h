#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <stdexcept>
#include <string>

#include "likeness/core/person_name.h"
#include "likeness/gallery/store.h"

namespace likeness {

inline constexpr std::size_t kMaxDimension = 65536;
inline constexpr std::size_t kMaxNameBytes = 1000;

// What every store refuses.

/// The name as it is kept (tidy_name()). @throws std::invalid_argument for one that cannot be.
[[nodiscard]] inline std::string checked_name(const std::string& given) {
  std::string name = tidy_name(given);
  if (name.empty()) throw std::invalid_argument("a person's name must not be empty or blank");
  const bool printable = std::ranges::none_of(name, [](unsigned char c) { return c < 32 || c == 127; });
  if (name.size() > kMaxNameBytes || !printable) {
    throw std::invalid_argument("a person's name must be 1 to 1000 bytes without control characters");
  }
  if (name == "unknown")
    throw std::invalid_argument("\"unknown\" is what strangers are called; choose another name");
  return name;
}

/// @throws std::invalid_argument.
inline void require_embedding(std::span<const float> embedding, std::size_t dimension) {
  if (embedding.size() != dimension || !(std::abs(squared_length(embedding) - 1) < 1e-4)) {
    throw std::invalid_argument("an embedding must have " + std::to_string(dimension) +
                                " values and unit length");
  }
}
/// @throws std::invalid_argument.
inline void require_crop(std::span<const std::byte> crop) {
  if (crop.size() > kMostCropBytes) throw std::invalid_argument("a face's picture must have at most 1 MiB");
}
/// Whether it is a photo's size, or zeros for one that is not known.
inline bool may_be_size(std::int64_t width, std::int64_t height) {
  constexpr std::int64_t kMost = 1'000'000'000;  // of a side; more than any photo that is read
  const auto side = [](std::int64_t pixels) { return pixels > 0 && pixels <= kMost; };
  return (width == 0 && height == 0) || (side(width) && side(height));
}
/// @throws std::invalid_argument.
inline void require_photo_size(const ImageSize& size) {
  if (!may_be_size(size.width, size.height))
    throw std::invalid_argument("a photo's width and height must both be known or both be 0");
}
/// @throws std::invalid_argument.
inline void require_faces(std::span<const NewFace> faces, std::size_t dimension) {
  for (const NewFace& face : faces) {
    require_embedding(face.embedding, dimension);
    require_crop(face.crop);
    require_photo_size(face.photo_size);
  }
}

/// @throws std::invalid_argument.
inline void require_space(const EmbeddingSpace& space) {
  if (!space.known() || space.dimension == 0 || space.dimension > kMaxDimension) {
    throw std::invalid_argument("a gallery needs a contract id and a dimension of 1 to 65536");
  }
}

}  // namespace likeness
