#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "likeness/embed/embeddings.h"

namespace likeness::train {

/// Vectors whose people are known by construction, to prove that training learns.
struct GeneratedOptions {
  int people = 200;
  int photos = 8;           ///< Of each person.
  int dimension = 512;      ///< Of the vectors.
  int identity = 8;         ///< Dimensions of a hidden subspace that tell people apart.
  double nuisance = 1;      ///< Deviation in every other direction, where identity directions have 1.
  double jitter = 0.1;      ///< Deviation between one person's photos inside the identity subspace.
  double offset = 0;        ///< Length of a vector common to all.
  std::uint64_t seed = 1;   ///< Of the people and photos.
  std::uint64_t space = 1;  ///< Of the hidden subspace: equal for sets that belong together.
};

struct GeneratedSet {
  Embeddings vectors;       ///< Unit length.
  std::vector<int> people;  ///< Of each row.
};

/// Draws the vectors. Alike for equal options on every machine.
[[nodiscard]] GeneratedSet generate_people(const GeneratedOptions& options);

}  // namespace likeness::train
