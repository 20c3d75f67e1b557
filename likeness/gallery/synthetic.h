#pragma once

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "likeness/embed/embeddings.h"

namespace likeness {

/// Faces for tests and benchmarks: `people` directions drawn at random, `faces_each` unit vectors around
/// each, whose cosine to one another is about `cosine`. Row i belongs to person i / faces_each. The same seed
/// gives the same numbers.
inline Embeddings synthetic_faces(std::size_t people, std::size_t faces_each, std::size_t dimension,
                                  std::uint32_t seed, double cosine = 0.6) {
  // face = sqrt(c) * person + sqrt(1 - c) * noise: two faces of one person share only the first part.
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, 1 / std::sqrt(static_cast<float>(dimension)));
  const auto shared = static_cast<float>(std::sqrt(cosine));
  const auto own = static_cast<float>(std::sqrt(1 - cosine));
  Embeddings faces{dimension, {}};
  faces.values.reserve(people * faces_each * dimension);
  std::vector<float> person(dimension);
  for (std::size_t p = 0; p < people; ++p) {
    for (float& value : person) value = normal(random);
    for (std::size_t f = 0; f < faces_each; ++f) {
      for (const float value : person) faces.values.push_back(shared * value + own * normal(random));
    }
  }
  l2_normalize(faces);
  return faces;
}

}  // namespace likeness
