#include "likeness/eval/verification.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <stdexcept>

namespace likeness {
namespace {

constexpr int kBootstrapRounds = 1000;

bool right(const ScoredPair& pair, double threshold) {
  return pair.score && (*pair.score >= threshold) == pair.pair.mated;
}

void add(Comparisons& comparisons, const std::vector<ScoredPair>& pairs) {
  for (const ScoredPair& pair : pairs) {
    if (pair.score) (pair.pair.mated ? comparisons.mated : comparisons.non_mated).push_back(*pair.score);
  }
}

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// A person for every photo, numbered.
std::vector<std::size_t> number_people(std::span<const std::string> photos, std::size_t& people) {
  std::map<std::string, std::size_t> numbers;
  std::vector<std::size_t> owner;
  for (const std::string& photo : photos)
    owner.push_back(numbers.try_emplace(person_of(photo), numbers.size()).first->second);
  people = numbers.size();
  return owner;
}

/// Accuracy where a pair counts as often as both its people were drawn together: as often as one for a mated
/// pair.
double weighted_accuracy(const std::vector<std::vector<ScoredPair>>& folds,
                         const std::vector<double>& thresholds, const std::vector<std::size_t>& owner,
                         std::span<const int> times) {
  double correct = 0;
  double all = 0;
  for (std::size_t fold = 0; fold < folds.size(); ++fold) {
    for (const ScoredPair& pair : folds[fold]) {
      const int first = times[owner[pair.pair.first]];
      const double weight =
          pair.pair.mated ? first : static_cast<double>(first) * times[owner[pair.pair.second]];
      all += weight;
      if (right(pair, thresholds[fold])) correct += weight;
    }
  }
  return all > 0 ? correct / all : std::nan("");
}

}  // namespace

std::vector<ScoredPair> score_pairs(std::span<const PhotoPair> pairs, const Embeddings& embeddings,
                                    const std::vector<char>& found) {
  std::vector<ScoredPair> scored;
  for (const PhotoPair& pair : pairs) {
    ScoredPair& one = scored.emplace_back(ScoredPair{pair, std::nullopt});
    if (found[pair.first] && found[pair.second])
      one.score = dot(embeddings[pair.first], embeddings[pair.second]);
  }
  return scored;
}

Verification verify_pairs(const std::vector<std::vector<ScoredPair>>& folds,
                          const std::vector<ScoredPair>& training, std::span<const std::string> photos,
                          std::uint64_t seed) {
  Verification result;
  result.threshold_from_same_pairs = training.empty() && folds.size() == 1;
  std::vector<double> of_scored;
  for (std::size_t fold = 0; fold < folds.size(); ++fold) {
    Comparisons known;
    add(known, training);
    for (std::size_t other = 0; training.empty() && other < folds.size(); ++other) {
      if (other != fold || folds.size() == 1) add(known, folds[other]);
    }
    const double threshold = best_threshold(known);
    Comparisons own;
    add(own, folds[fold]);
    const auto correct = std::count_if(folds[fold].begin(), folds[fold].end(),
                                       [&](const ScoredPair& pair) { return right(pair, threshold); });
    if (folds[fold].empty()) throw std::invalid_argument("a set of pairs is empty");
    result.fold_thresholds.push_back(threshold);
    result.fold_accuracies.push_back(static_cast<double>(correct) / static_cast<double>(folds[fold].size()));
    if (!own.mated.empty() || !own.non_mated.empty()) of_scored.push_back(accuracy_at(own, threshold));
    add(result.comparisons, folds[fold]);
  }
  result.accuracy = mean(result.fold_accuracies);
  if (of_scored.size() == folds.size()) result.accuracy_of_scored = mean(of_scored);

  std::size_t people = 0;
  const std::vector<std::size_t> owner = number_people(photos, people);
  const std::optional<BootstrapResult> sure =
      bootstrap_identities(people, kBootstrapRounds, seed, [&](std::span<const int> times) {
        return weighted_accuracy(folds, result.fold_thresholds, owner, times);
      });
  if (sure) result.interval = sure->interval;
  if (sure) result.deviation = sure->deviation;
  if (folds.size() > 1) {
    double squares = 0;
    for (const double accuracy : result.fold_accuracies) squares += std::pow(accuracy - result.accuracy, 2);
    result.deviation = std::sqrt(squares / static_cast<double>(folds.size()));
  }
  if (!result.comparisons.mated.empty() && !result.comparisons.non_mated.empty()) {
    result.area_under_roc = area_under_roc(result.comparisons);
    result.equal_error_rate = equal_error_rate(result.comparisons);
  }
  result.validation_rate = validation_rate(result.comparisons, 1e-3);
  return result;
}

PairedDifference compare_accuracy(const std::vector<std::vector<ScoredPair>>& first,
                                  const std::vector<double>& first_thresholds,
                                  const std::vector<std::vector<ScoredPair>>& second,
                                  const std::vector<double>& second_thresholds,
                                  std::span<const std::string> photos, std::uint64_t seed) {
  const auto same = [](const auto& a, const auto& b) {
    return std::ranges::equal(a, b, {}, &ScoredPair::pair, &ScoredPair::pair);
  };
  if (!std::ranges::equal(first, second, same))
    throw std::invalid_argument("two ways are compared on the same pairs");
  PairedDifference result;
  double folds_difference = 0;
  for (std::size_t fold = 0; fold < first.size(); ++fold) {
    std::size_t gained = 0, lost = 0;
    for (std::size_t i = 0; i < first[fold].size(); ++i) {
      const bool by_first = right(first[fold][i], first_thresholds[fold]);
      const bool by_second = right(second[fold][i], second_thresholds[fold]);
      gained += by_first && !by_second ? 1 : 0;
      lost += !by_first && by_second ? 1 : 0;
    }
    folds_difference +=
        (static_cast<double>(gained) - static_cast<double>(lost)) / static_cast<double>(first[fold].size());
    result.gained += gained;
    result.lost += lost;
  }
  result.difference = folds_difference / static_cast<double>(first.size());
  std::size_t people = 0;
  const std::vector<std::size_t> owner = number_people(photos, people);
  const auto sure = bootstrap_identities(people, kBootstrapRounds, seed, [&](std::span<const int> times) {
    return weighted_accuracy(first, first_thresholds, owner, times) -
           weighted_accuracy(second, second_thresholds, owner, times);
  });
  if (sure) result.interval = sure->interval;
  return result;
}

Comparisons compare_all(const Embeddings& embeddings, const std::vector<char>& found,
                        std::span<const std::string> photos) {
  std::size_t people = 0;
  const std::vector<std::size_t> owner = number_people(photos, people);
  Comparisons all;
  for (std::size_t i = 0; i < photos.size(); ++i) {
    for (std::size_t j = i + 1; found[i] && j < photos.size(); ++j) {
      if (!found[j]) continue;
      // Single precision and a plain loop: a million of these shall take a second.
      const float* a = embeddings[i].data();
      const float* b = embeddings[j].data();
      float lanes[16] = {};
      std::size_t k = 0;
      for (; k + 16 <= embeddings.dimension; k += 16) {
        for (std::size_t lane = 0; lane < 16; ++lane) lanes[lane] += a[k + lane] * b[k + lane];
      }
      double score = std::accumulate(std::begin(lanes), std::end(lanes), 0.0);
      for (; k < embeddings.dimension; ++k) score += static_cast<double>(a[k]) * b[k];
      (owner[i] == owner[j] ? all.mated : all.non_mated).push_back(score);
    }
  }
  return all;
}

}  // namespace likeness
