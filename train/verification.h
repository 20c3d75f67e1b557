#pragma once

#include <cstddef>
#include <vector>

#include "likeness/embed/embeddings.h"

namespace likeness::train {

/// How well embeddings tell whether two photos show one person, over all pairs of the rows.
struct Verification {
  std::size_t same_pairs = 0;
  std::size_t different_pairs = 0;
  /// Mean of the shares of same pairs and of different pairs decided rightly. The threshold that judges one
  /// half of the people is the best of the other half, so nothing is chosen on what it is measured on.
  double accuracy = 0;
  /// Share of same pairs accepted at the lowest cosine that accepts at most 1 in 1000 different pairs (VAL at
  /// FAR 1e-3 of Schroff et al. 2015, section 4).
  double val = 0;
};

/// `people[i]` is the person of row i; rows must be of unit length. Needs two people with two rows in each
/// half, else accuracy is 0; without same or different pairs val is 0.
[[nodiscard]] Verification verify_people(const Embeddings& rows, const std::vector<int>& people);

}  // namespace likeness::train
