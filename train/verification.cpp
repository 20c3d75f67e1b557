#include "train/verification.h"

#include <algorithm>
#include <functional>
#include <map>
#include <span>
#include <stdexcept>

namespace likeness::train {
namespace {

/// Cosines of all pairs of the chosen rows.
struct Pairs {
  std::vector<float> same;
  std::vector<float> different;
};

Pairs compare(const Embeddings& rows, const std::vector<int>& people,
              const std::vector<std::size_t>& chosen) {
  Pairs pairs;
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    for (std::size_t j = i + 1; j < chosen.size(); ++j) {
      const auto cosine = static_cast<float>(dot(rows[chosen[i]], rows[chosen[j]]));
      (people[chosen[i]] == people[chosen[j]] ? pairs.same : pairs.different).push_back(cosine);
    }
  }
  std::ranges::sort(pairs.same);
  std::ranges::sort(pairs.different);
  return pairs;
}

double share_at_or_above(const std::vector<float>& sorted, float threshold) {
  return static_cast<double>(sorted.end() - std::ranges::lower_bound(sorted, threshold)) /
         static_cast<double>(sorted.size());
}

double balanced_accuracy(const Pairs& pairs, float threshold) {
  return (share_at_or_above(pairs.same, threshold) + 1 - share_at_or_above(pairs.different, threshold)) / 2;
}

float best_threshold(const Pairs& pairs) {
  float best = 1;
  double highest = -1;
  // Only at a same pair's own cosine can raising the threshold begin to cost something.
  for (const float threshold : pairs.same) {
    const double accuracy = balanced_accuracy(pairs, threshold);
    if (accuracy > highest) {
      highest = accuracy;
      best = threshold;
    }
  }
  return best;
}

double val_at_one_in_thousand(const Pairs& pairs) {
  if (pairs.same.empty() || pairs.different.empty()) return 0;
  const std::size_t accepted = pairs.different.size() / 1000;
  const float highest_refused = pairs.different[pairs.different.size() - 1 - accepted];
  const auto first = std::ranges::upper_bound(pairs.same, highest_refused);
  return static_cast<double>(pairs.same.end() - first) / static_cast<double>(pairs.same.size());
}

}  // namespace

Verification verify_people(const Embeddings& rows, const std::vector<int>& people) {
  if (rows.size() != people.size()) throw std::invalid_argument("one person a row is needed");
  std::map<int, std::size_t> order;
  for (const int person : people) order.emplace(person, order.size());
  std::vector<std::size_t> all;
  std::vector<std::size_t> halves[2];
  for (std::size_t i = 0; i < people.size(); ++i) {
    all.push_back(i);
    halves[order.at(people[i]) % 2].push_back(i);
  }
  const Pairs pairs = compare(rows, people, all);
  Verification result;
  result.same_pairs = pairs.same.size();
  result.different_pairs = pairs.different.size();
  result.val = val_at_one_in_thousand(pairs);
  const Pairs first = compare(rows, people, halves[0]);
  const Pairs second = compare(rows, people, halves[1]);
  for (const Pairs* half : {&first, &second}) {
    if (half->same.empty() || half->different.empty()) return result;
  }
  result.accuracy =
      (balanced_accuracy(first, best_threshold(second)) + balanced_accuracy(second, best_threshold(first))) /
      2;
  return result;
}

}  // namespace likeness::train
