#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace likeness::train {

/// Which triplets of a batch are learned from; all chosen on the batch's current embeddings.
enum class Mining {
  kBatchAll,   ///< Every triplet whose loss is above zero.
  kBatchHard,  ///< Per anchor its farthest positive and its nearest negative (Hermans et al. 2017,
               ///< arXiv:1703.07737).
  kSemiHard,   ///< Per anchor and positive the nearest negative that is farther than the positive and inside
               ///< the margin (Schroff et al. 2015, arXiv:1503.03832, section 3.2).
};

/// "batch-all", "batch-hard", "semi-hard"; and back, empty where there is no such mining.
[[nodiscard]] std::string_view to_string(Mining mining);
[[nodiscard]] std::optional<Mining> mining_from(std::string_view name);

/// Places in the batch: anchor and positive are one person, the negative is another.
struct Triplet {
  std::int64_t anchor = 0;
  std::int64_t positive = 0;
  std::int64_t negative = 0;
  bool operator==(const Triplet&) const = default;
};

/// Squared L2 distances of n rows, n x n, row by row.
struct DistanceTable {
  std::size_t n = 0;
  std::span<const float> values;
  [[nodiscard]] float operator()(std::size_t i, std::size_t j) const { return values[i * n + j]; }
};

/// The triplets of a batch with these squared distances and people (`labels[i]` of row i), in the order of
/// anchors. Empty where no triplet qualifies. Ties go to the earlier row.
/// @throws std::invalid_argument where sizes differ.
[[nodiscard]] std::vector<Triplet> mine_triplets(const DistanceTable& distances, std::span<const int> labels,
                                                 Mining mining, float margin);

/// What a batch looks like, whatever the mining. Distances are squared, in [0, 4] for unit vectors.
struct BatchView {
  double active = 0;         ///< Share of all valid triplets with a loss above zero; 0 where there is none.
  double mean_positive = 0;  ///< Mean over pairs of one person.
  double mean_negative = 0;  ///< Mean over pairs of two people.
  double mean_pairwise = 0;  ///< Mean over all pairs; falls to 0 in a collapse.
};

[[nodiscard]] BatchView view_batch(const DistanceTable& distances, std::span<const int> labels, float margin);

}  // namespace likeness::train
