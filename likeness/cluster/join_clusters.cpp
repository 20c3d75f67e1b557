#include "likeness/cluster/join_clusters.h"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <queue>
#include <tuple>
#include <unordered_map>

#include "likeness/cluster/cluster.h"

namespace likeness {
namespace {

/// Cosines of int8 rows are within this (link_faces()).
constexpr double kInt8Error = 0.005;

struct Cluster {
  std::uint32_t label = 0;
  double faces = 0;
  bool fixed = false;
  std::vector<double> sum{};           ///< Of its faces.
  std::vector<std::int64_t> photos{};  ///< Those that show several faces, sorted.
  std::vector<std::uint32_t> near{};   ///< Clusters that may be alike; some have been joined to others since.
  int version = 0;                     ///< Counts what was joined to it.
};

struct Pair {
  double cosine = 0;
  std::uint32_t one = 0;
  std::uint32_t other = 0;
  int versions = 0;  ///< Of both, when the cosine was computed.
  bool operator<(
      const Pair& than) const {  // the greatest is taken first, of equals the one of the first clusters
    return std::tuple(cosine, than.one, than.other) < std::tuple(than.cosine, one, other);
  }
};

bool share(const std::vector<std::int64_t>& a, const std::vector<std::int64_t>& b) {
  auto in_b = b.begin();
  return std::ranges::any_of(a, [&](std::int64_t photo) {
    in_b = std::lower_bound(in_b, b.end(), photo);
    return in_b != b.end() && *in_b == photo;
  });
}

/// The clusters of two faces or more, in the order of their first faces.
std::vector<Cluster> clusters_of(const Embeddings& faces, std::span<const std::int64_t> photos,
                                 std::span<const std::uint8_t> fixed, std::span<const std::uint32_t> labels) {
  std::unordered_map<std::int64_t, int> in_photo;
  for (const std::int64_t photo : photos) ++in_photo[photo];
  std::unordered_map<std::uint32_t, int> sizes;
  for (const std::uint32_t label : labels) ++sizes[label];
  std::unordered_map<std::uint32_t, std::size_t> places;
  std::vector<Cluster> clusters;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (sizes[labels[i]] < 2) continue;
    const auto [place, is_new] = places.try_emplace(labels[i], clusters.size());
    if (is_new) clusters.push_back({.label = labels[i], .sum = std::vector<double>(faces.dimension)});
    Cluster& own = clusters[place->second];
    ++own.faces;
    own.fixed = own.fixed || (i < fixed.size() && fixed[i] != 0);
    std::ranges::transform(own.sum, faces[i], own.sum.begin(), [](double a, float b) { return a + b; });
    if (in_photo[photos[i]] > 1) own.photos.push_back(photos[i]);
  }
  for (Cluster& one : clusters) std::ranges::sort(one.photos);
  return clusters;
}

class Joining {
 public:
  Joining(std::vector<Cluster>& clusters, double link)
      : clusters_(clusters), link_(link), joined_to_(clusters.size()) {
    std::iota(joined_to_.begin(), joined_to_.end(), 0U);
  }

  void go() {
    for (std::uint32_t i = 0; i < clusters_.size(); ++i) {
      for (const std::uint32_t other : clusters_[i].near) consider(std::min(i, other), std::max(i, other));
    }
    while (!pairs_.empty()) {
      const Pair pair = pairs_.top();
      pairs_.pop();
      if (current(pair)) join(pair.one, pair.other);
    }
  }

  [[nodiscard]] std::uint32_t find(std::uint32_t cluster) const {
    while (joined_to_[cluster] != cluster) cluster = joined_to_[cluster];
    return cluster;
  }

 private:
  [[nodiscard]] bool current(const Pair& pair) const {
    return joined_to_[pair.one] == pair.one && joined_to_[pair.other] == pair.other &&
           clusters_[pair.one].version + clusters_[pair.other].version == pair.versions;
  }

  void consider(std::uint32_t one, std::uint32_t other) {
    const Cluster& a = clusters_[one];
    const Cluster& b = clusters_[other];
    if ((a.fixed && b.fixed) || share(a.photos, b.photos)) return;
    const double cosine =
        std::inner_product(a.sum.begin(), a.sum.end(), b.sum.begin(), 0.0) / (a.faces * b.faces);
    if (cosine >= link_) pairs_.push({cosine, one, other, a.version + b.version});
  }

  /// The mean over both is no farther than the nearer of them, so whoever is alike now is near one of them.
  void join(std::uint32_t one, std::uint32_t other) {
    Cluster& into = clusters_[one];
    Cluster& from = clusters_[other];
    joined_to_[other] = one;
    into.faces += from.faces;
    into.fixed = into.fixed || from.fixed;
    ++into.version;
    std::ranges::transform(into.sum, from.sum, into.sum.begin(), std::plus<>());
    std::vector<std::int64_t> photos;
    std::ranges::set_union(into.photos, from.photos, std::back_inserter(photos));
    into.photos = std::move(photos);
    std::vector<std::uint32_t> near;
    for (const auto* list : {&into.near, &from.near}) {
      for (const std::uint32_t cluster : *list) {
        const std::uint32_t now = find(cluster);
        if (now != one) near.push_back(now);
      }
    }
    std::ranges::sort(near);
    near.erase(std::unique(near.begin(), near.end()), near.end());
    into.near = std::move(near);
    for (const std::uint32_t cluster : into.near) {
      clusters_[cluster].near.push_back(one);
      consider(std::min(one, cluster), std::max(one, cluster));
    }
  }

  std::vector<Cluster>& clusters_;
  double link_;
  std::vector<std::uint32_t> joined_to_;
  std::priority_queue<Pair> pairs_;
};

}  // namespace

void join_clusters(const Embeddings& faces, std::span<const std::int64_t> photos,
                   std::span<const std::uint8_t> fixed, std::span<std::uint32_t> labels,
                   const JoinOptions& options) {
  std::vector<Cluster> clusters = clusters_of(faces, photos, fixed, labels);
  if (clusters.size() < 2) return;
  // The mean cosine over the pairs of two clusters is the product of their mean faces.
  Embeddings means{faces.dimension, {}};
  for (const Cluster& one : clusters) {
    for (const double value : one.sum) means.values.push_back(static_cast<float>(value / one.faces));
  }
  const double link = options.link(clusters.size());
  const auto near = link_faces(
      means,
      {.threshold = link - kInt8Error, .max_neighbours = options.max_neighbours, .threads = options.threads});
  for (std::size_t i = 0; i < clusters.size(); ++i) {
    for (const FaceLink& other : near[i]) {
      clusters[i].near.push_back(other.face);
      clusters[other.face].near.push_back(static_cast<std::uint32_t>(i));  // its own list may be full
    }
  }
  for (Cluster& one : clusters) {
    std::ranges::sort(one.near);
    one.near.erase(std::unique(one.near.begin(), one.near.end()), one.near.end());
  }
  Joining joining(clusters, link);
  joining.go();
  std::unordered_map<std::uint32_t, std::uint32_t> joined;
  for (std::uint32_t i = 0; i < clusters.size(); ++i)
    joined[clusters[i].label] = clusters[joining.find(i)].label;
  for (std::uint32_t& label : labels) {
    if (const auto to = joined.find(label); to != joined.end()) label = to->second;
  }
}

}  // namespace likeness
