#include "train/mining.h"

#include <algorithm>
#include <array>
#include <limits>
#include <stdexcept>
#include <utility>

namespace likeness::train {
namespace {

constexpr std::array<std::pair<Mining, std::string_view>, 3> kNames{
    {{Mining::kBatchAll, "batch-all"}, {Mining::kBatchHard, "batch-hard"}, {Mining::kSemiHard, "semi-hard"}}};

void check(const DistanceTable& distances, std::span<const int> labels) {
  if (labels.size() != distances.n || distances.values.size() != distances.n * distances.n) {
    throw std::invalid_argument("a batch needs one label a row and n x n distances");
  }
}

std::int64_t place(std::size_t row) { return static_cast<std::int64_t>(row); }

/// The nearest row of another person than `anchor` that is farther than `above`; n where there is none.
std::size_t nearest_negative(const DistanceTable& distances, std::span<const int> labels, std::size_t anchor,
                             float above) {
  std::size_t best = distances.n;
  for (std::size_t j = 0; j < distances.n; ++j) {
    if (labels[j] == labels[anchor] || !(distances(anchor, j) > above)) continue;
    if (best == distances.n || distances(anchor, j) < distances(anchor, best)) best = j;
  }
  return best;
}

void mine_hard(const DistanceTable& distances, std::span<const int> labels, std::size_t anchor,
               std::vector<Triplet>& triplets) {
  std::size_t farthest = distances.n;
  for (std::size_t j = 0; j < distances.n; ++j) {
    if (j == anchor || labels[j] != labels[anchor]) continue;
    if (farthest == distances.n || distances(anchor, j) > distances(anchor, farthest)) farthest = j;
  }
  const std::size_t nearest =
      nearest_negative(distances, labels, anchor, -std::numeric_limits<float>::infinity());
  if (farthest == distances.n || nearest == distances.n) return;
  triplets.push_back({place(anchor), place(farthest), place(nearest)});
}

void mine_pair(const DistanceTable& distances, std::span<const int> labels, std::size_t anchor,
               std::size_t positive, Mining mining, float margin, std::vector<Triplet>& triplets) {
  const float near = distances(anchor, positive);
  if (mining == Mining::kSemiHard) {
    const std::size_t negative = nearest_negative(distances, labels, anchor, near);
    if (negative == distances.n || distances(anchor, negative) >= near + margin) return;
    triplets.push_back({place(anchor), place(positive), place(negative)});
    return;
  }
  for (std::size_t j = 0; j < distances.n; ++j) {
    if (labels[j] == labels[anchor] || distances(anchor, j) >= near + margin) continue;
    triplets.push_back({place(anchor), place(positive), place(j)});
  }
}

}  // namespace

std::string_view to_string(Mining mining) {
  return std::ranges::find(kNames, mining, &std::pair<Mining, std::string_view>::first)->second;
}

std::optional<Mining> mining_from(std::string_view name) {
  const auto* found = std::ranges::find(kNames, name, &std::pair<Mining, std::string_view>::second);
  if (found == kNames.end()) return std::nullopt;
  return found->first;
}

std::vector<Triplet> mine_triplets(const DistanceTable& distances, std::span<const int> labels, Mining mining,
                                   float margin) {
  check(distances, labels);
  std::vector<Triplet> triplets;
  for (std::size_t anchor = 0; anchor < distances.n; ++anchor) {
    if (mining == Mining::kBatchHard) {
      mine_hard(distances, labels, anchor, triplets);
      continue;
    }
    for (std::size_t j = 0; j < distances.n; ++j) {
      if (j == anchor || labels[j] != labels[anchor]) continue;
      mine_pair(distances, labels, anchor, j, mining, margin, triplets);
    }
  }
  return triplets;
}

BatchView view_batch(const DistanceTable& distances, std::span<const int> labels, float margin) {
  check(distances, labels);
  BatchView view;
  double positives = 0;
  double negatives = 0;
  double triplets = 0;
  std::vector<float> others;  // one anchor's distances to other people, sorted
  for (std::size_t i = 0; i < distances.n; ++i) {
    others.clear();
    for (std::size_t j = 0; j < distances.n; ++j) {
      if (labels[j] != labels[i]) others.push_back(distances(i, j));
    }
    std::ranges::sort(others);
    for (const float distance : others) view.mean_negative += distance;
    negatives += static_cast<double>(others.size());
    for (std::size_t j = 0; j < distances.n; ++j) {
      if (j == i || labels[j] != labels[i]) continue;
      view.mean_positive += distances(i, j);
      positives += 1;
      triplets += static_cast<double>(others.size());
      view.active +=
          static_cast<double>(std::ranges::lower_bound(others, distances(i, j) + margin) - others.begin());
    }
  }
  if (positives + negatives > 0) {
    view.mean_pairwise = (view.mean_positive + view.mean_negative) / (positives + negatives);
  }
  if (positives > 0) view.mean_positive /= positives;
  if (negatives > 0) view.mean_negative /= negatives;
  if (triplets > 0) view.active /= triplets;
  return view;
}

}  // namespace likeness::train
