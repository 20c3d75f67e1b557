#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "likeness/embed/embeddings.h"
#include "likeness/eval/pairs_file.h"
#include "likeness/stats/bootstrap.h"
#include "likeness/stats/error_rates.h"

namespace likeness {

/// A pair with its cosine; empty where one of its photos had no face (failure to acquire).
struct ScoredPair {
  PhotoPair pair;
  std::optional<double> score;
};

/// How well pairs of photos are told to be of one person or of two. Words after ISO/IEC 19795-1.
struct Verification {
  std::vector<double> fold_accuracies;  ///< One a set of pairs; a pair without score counts as an error.
  std::vector<double>
      fold_thresholds;  ///< What decided each set: found on the other sets, or on training pairs.
  bool threshold_from_same_pairs = false;  ///< One set and no training pairs: the accuracy is optimistic.
  double accuracy = 0;                     ///< Mean over the sets.
  std::optional<double> deviation;         ///< Standard deviation over ten sets; of one set the bootstrap's.
  std::optional<Interval> interval;  ///< 95 % of the accuracy: bootstrap over identities; empty for one.
  std::optional<double>
      accuracy_of_scored;                ///< Without pairs that have no score; empty where a set has none.
  Comparisons comparisons;               ///< All scored pairs.
  std::optional<double> area_under_roc;  ///< Empty, as the next, where pairs of one kind are missing.
  std::optional<double> equal_error_rate;
  std::optional<double> validation_rate;  ///< At FMR 1e-3; empty: too few non-mated pairs to support it.
};

/// Scores of a fold's pairs; `found[i]` says whether photo i has an embedding.
[[nodiscard]] std::vector<ScoredPair> score_pairs(std::span<const PhotoPair> pairs,
                                                  const Embeddings& embeddings,
                                                  const std::vector<char>& found);

/// LFW's rules: each set is decided by the threshold best on the other sets (view 2), or, where `training` is
/// not empty, on that (view 1). `photos` are the names that the pairs' indices mean; a person is what stands
/// before
/// "/". @throws std::invalid_argument where a set is empty or nothing has a score.
[[nodiscard]] Verification verify_pairs(const std::vector<std::vector<ScoredPair>>& folds,
                                        const std::vector<ScoredPair>& training,
                                        std::span<const std::string> photos, std::uint64_t seed);

/// Two ways compared on the same pairs.
struct PairedDifference {
  double difference = 0;             ///< Accuracy of the first less that of the second.
  std::optional<Interval> interval;  ///< 95 %: bootstrap over identities, both ways on the same people.
  std::size_t gained = 0;            ///< Pairs that only the first decides rightly.
  std::size_t lost = 0;              ///< Pairs that only the second decides rightly.
};

/// How two ways to score the same pairs differ; each set is decided by each way's own `thresholds`
/// (Verification::fold_thresholds). @throws std::invalid_argument where the pairs are not the same.
[[nodiscard]] PairedDifference compare_accuracy(const std::vector<std::vector<ScoredPair>>& first,
                                                const std::vector<double>& first_thresholds,
                                                const std::vector<std::vector<ScoredPair>>& second,
                                                const std::vector<double>& second_thresholds,
                                                std::span<const std::string> photos, std::uint64_t seed);

/// Every pair that can be formed of the photos with an embedding: many more non-mated ones than a protocol
/// lists, so that low false match rates get support. O(n^2) time, O(n^2) doubles.
[[nodiscard]] Comparisons compare_all(const Embeddings& embeddings, const std::vector<char>& found,
                                      std::span<const std::string> photos);

}  // namespace likeness
