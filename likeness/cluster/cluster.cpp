#include "likeness/cluster/cluster.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <map>
#include <mutex>
#include <numeric>
#include <random>
#include <set>
#include <stdexcept>
#include <unordered_map>

#include "likeness/cluster/join_clusters.h"
#include "likeness/embed/byte_values.h"
#include "likeness/gallery/in_parts.h"
#include "likeness/gallery/kernels.h"
#include "likeness/gallery/rows.h"

namespace likeness {
namespace {

/// Faces compared with one block of rows while that block is in the cache.
constexpr std::size_t kFacesAtOnce = 64;
constexpr std::size_t kRowsAtOnce = 256;

/// A face's neighbour speaks for its cluster with the square of this much above nothing: at the threshold it
/// still says a little.
constexpr float kWhisper = 0.02F;

bool nearer(const FaceLink& a, const FaceLink& b) {
  return a.cosine != b.cosine ? a.cosine > b.cosine : a.face < b.face;
}

struct Quantized {
  explicit Quantized(const Embeddings& faces) : rows(faces.dimension) {
    for (std::size_t i = 0; i < faces.size(); ++i) {
      auto* row = reinterpret_cast<std::int8_t*>(rows.append());
      scales.push_back(quantize(faces[i], {row, faces.dimension}));
    }
  }
  Rows rows;
  std::vector<float> scales;
};

/// Links of the faces first .. last.
void link_block(const Quantized& all, std::size_t first, std::size_t last, const ClusterOptions& options,
                std::vector<std::vector<FaceLink>>& links) {
  const auto limit = static_cast<float>(options.threshold.value());
  const auto most = static_cast<std::size_t>(options.max_neighbours);
  std::int32_t products[kRowsAtOnce];
  for (std::size_t row = 0; row < all.rows.size(); row += kRowsAtOnce) {
    const std::size_t count = std::min(kRowsAtOnce, all.rows.size() - row);
    for (std::size_t face = first; face < last; ++face) {
      dot_rows_int8(reinterpret_cast<const std::int8_t*>(all.rows[face]),
                    reinterpret_cast<const std::int8_t*>(all.rows[row]), all.rows.row_bytes(), count,
                    products);
      auto& mine = links[face];
      for (std::size_t i = 0; i < count; ++i) {
        const float cosine = all.scales[face] * all.scales[row + i] * static_cast<float>(products[i]);
        if (cosine < limit || row + i == face) continue;
        const FaceLink link{static_cast<std::uint32_t>(row + i), cosine};
        if (mine.size() == most) {  // a heap, the farthest in front
          if (!nearer(link, mine.front())) continue;
          std::ranges::pop_heap(mine, nearer);
          mine.pop_back();
        }
        mine.push_back(link);
        std::ranges::push_heap(mine, nearer);
      }
    }
  }
  for (std::size_t face = first; face < last; ++face) std::ranges::sort(links[face], nearer);
}

/// Chinese whispers with photos whose faces must part.
class Whispers {
 public:
  Whispers(const std::vector<std::vector<FaceLink>>& links, std::span<const std::int64_t> photos,
           float threshold)
      : links_(links), photos_(photos), base_(threshold - kWhisper), labels_(links.size()) {
    std::unordered_map<std::int64_t, std::vector<std::uint32_t>> by_photo;
    for (std::size_t i = 0; i < photos.size(); ++i)
      by_photo[photos[i]].push_back(static_cast<std::uint32_t>(i));
    for (auto& [photo, faces] : by_photo) {
      if (faces.size() > 1) mates_.emplace(photo, std::move(faces));
    }
    std::iota(labels_.begin(), labels_.end(), 0U);
  }

  std::vector<std::uint32_t>& labels() { return labels_; }

  /// Lets every face of `order` listen once; how many changed.
  std::size_t round(std::span<const std::uint32_t> order) {
    std::size_t changed = 0;
    for (const std::uint32_t face : order) {
      const std::uint32_t label = loudest(face);
      changed += label != labels_[face] ? 1 : 0;
      labels_[face] = label;
    }
    return changed;
  }

 private:
  std::uint32_t loudest(std::uint32_t face) const {
    std::map<std::uint32_t, float> voices;
    for (const FaceLink& link : links_[face]) {
      const float weight = link.cosine - base_;
      voices[labels_[link.face]] += weight * weight;
    }
    std::uint32_t best = labels_[face];
    float loudness = 0;
    for (const auto& [label, voice] : voices) {
      if (voice > loudness && allowed(face, label)) {
        best = label;
        loudness = voice;
      }
    }
    return best;
  }

  bool allowed(std::uint32_t face, std::uint32_t label) const {
    const auto mates = mates_.find(photos_[face]);
    return mates == mates_.end() || std::ranges::none_of(mates->second, [&](std::uint32_t mate) {
             return mate != face && labels_[mate] == label;
           });
  }

  const std::vector<std::vector<FaceLink>>& links_;
  std::span<const std::int64_t> photos_;
  float base_;
  std::vector<std::uint32_t> labels_;
  std::unordered_map<std::int64_t, std::vector<std::uint32_t>> mates_;  // only photos of several faces
};

/// Numbers for the labels: previous clusters keep theirs, new ones follow, the largest first.
std::vector<int> number(std::span<const std::uint32_t> labels, std::span<const int> previous, int min_faces) {
  struct Group {
    std::size_t first = 0;
    int faces = 0;
    int number = kNoise;
  };
  std::map<std::uint32_t, Group> groups;
  int next = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    auto [group, is_new] = groups.try_emplace(labels[i], Group{i, 0, kNoise});
    ++group->second.faces;
    if (i < previous.size() && previous[i] != kNoise) {
      group->second.number = previous[i];
      next = std::max(next, previous[i] + 1);
    }
  }
  std::vector<Group*> fresh;
  for (auto& [label, group] : groups) {
    if (group.number == kNoise && group.faces >= min_faces) fresh.push_back(&group);
  }
  std::ranges::sort(fresh, [](const Group* a, const Group* b) {
    return a->faces != b->faces ? a->faces > b->faces : a->first < b->first;
  });
  for (Group* group : fresh) group->number = next++;
  std::vector<int> clusters(labels.size());
  for (std::size_t i = 0; i < labels.size(); ++i) clusters[i] = groups.at(labels[i]).number;
  return clusters;
}

/// The link for so many faces or clusters.
double link_of(const ClusterOptions& options, std::size_t count) {
  if (options.threshold) return *options.threshold;
  return options.link ? options.link(count) : link_threshold(count);
}

/// The standard library's shuffle may differ between libraries; the clusters shall not.
void shuffle(std::vector<std::uint32_t>& order, std::mt19937_64& random) {
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random() % i]);
}

}  // namespace

double link_threshold(std::size_t faces, std::span<const KnownThreshold> measured, double strangers_links) {
  // Of LFW view 1's training people by the plain cosine: `likeness eval thresholds LFW --only
  // peopleDevTrain.txt` with a pack without a centre, as imported ones are.
  static const KnownThreshold usual[] = {{.cosine = 0.3904, .false_match_rate = 0.01},
                                         {.cosine = 0.5071, .false_match_rate = 0.001},
                                         {.cosine = 0.5914, .false_match_rate = 0.0001}};
  std::map<double, double> cosines;  // over the logarithm of the rate
  const auto learn = [&](std::span<const KnownThreshold> thresholds) {
    cosines.clear();
    for (const KnownThreshold& one : thresholds) {
      // The rule was chosen with rates down to this one; rarer matches would bend its line.
      constexpr double kLeastRate = 0.0001;
      if (one.false_match_rate >= kLeastRate) cosines[std::log10(one.false_match_rate)] = one.cosine;
    }
  };
  learn(measured);
  if (cosines.size() < 2) learn(usual);
  const double rate =
      std::min(-2.0, std::log10(strangers_links / static_cast<double>(std::max<std::size_t>(faces, 1))));
  // The two thresholds around the rate; beyond the last two their line goes on.
  auto upper = cosines.upper_bound(rate);
  if (upper == cosines.end()) --upper;
  if (upper == cosines.begin()) ++upper;
  const auto lower = std::prev(upper);
  const double slope = (upper->second - lower->second) / (upper->first - lower->first);
  return std::clamp(lower->second + slope * (rate - lower->first), -1.0, 1.0);
}

double link_threshold(std::size_t faces, const Contract& contract, Precision precision) {
  const auto measured_in = [&](std::string_view wanted) {
    std::vector<KnownThreshold> found;
    std::ranges::copy_if(contract.thresholds, std::back_inserter(found),
                         [&](const KnownThreshold& one) { return one.precision == wanted; });
    return found;
  };
  std::vector<KnownThreshold> measured = measured_in(to_string(precision));
  if (measured.size() < 2) measured = measured_in(to_string(Precision::kF32));
  return link_threshold(faces, measured, contract.strangers_links.value_or(kStrangersLinks));
}

std::vector<std::vector<FaceLink>> link_faces(const Embeddings& faces, const ClusterOptions& given,
                                              const Progress& progress) {
  ClusterOptions options = given;
  options.threshold = link_of(given, faces.size());
  if (options.max_neighbours < 1 || options.threads < 1) {
    throw std::invalid_argument("faces need at least one neighbour and one thread");
  }
  const Quantized all(faces);
  std::vector<std::vector<FaceLink>> links(faces.size());
  std::atomic<std::size_t> next = 0;
  std::mutex progress_lock;
  in_parts(static_cast<std::size_t>(options.threads), [&](std::size_t) {
    for (std::size_t first = next.fetch_add(kFacesAtOnce); first < faces.size();
         first = next.fetch_add(kFacesAtOnce)) {
      link_block(all, first, std::min(first + kFacesAtOnce, faces.size()), options, links);
      const std::lock_guard lock(progress_lock);
      try {
        report_progress(progress, std::min(first + kFacesAtOnce, faces.size()), faces.size());
      } catch (...) {
        next = faces.size();  // for the other threads
        throw;
      }
    }
  });
  return links;
}

std::vector<int> cluster_faces(const Embeddings& faces, std::span<const std::int64_t> photos,
                               const ClusterOptions& given, std::span<const int> previous,
                               const Progress& progress) {
  ClusterOptions options = given;
  options.threshold = link_of(given, faces.size());
  if (photos.size() != faces.size() || previous.size() > faces.size()) {
    throw std::invalid_argument("every face needs a photo, and only faces can have been clustered before");
  }
  if (options.min_faces < 1 || options.rounds < 1) {
    throw std::invalid_argument("a cluster needs at least one face, and there must be a round");
  }
  const auto links = link_faces(faces, options, progress);
  Whispers whispers(links, photos, static_cast<float>(*options.threshold));
  // A previous cluster speaks with the label of its first face; its members do not listen any more.
  std::map<int, std::uint32_t> first_of;
  std::vector<std::uint32_t> order;
  for (std::uint32_t i = 0; i < faces.size(); ++i) {
    if (i >= previous.size() || previous[i] == kNoise) {
      order.push_back(i);
    } else {
      whispers.labels()[i] = first_of.try_emplace(previous[i], i).first->second;
    }
  }
  std::mt19937_64 random(0);
  for (int round = 0; round < options.rounds; ++round) {
    shuffle(order, random);
    if (whispers.round(order) == 0) break;
  }
  std::vector<std::uint8_t> fixed;
  for (const int cluster : previous) fixed.push_back(cluster != kNoise ? 1 : 0);
  join_clusters(faces, photos, fixed, whispers.labels(),
                {.link = [&](std::size_t clusters) { return link_of(given, clusters); },
                 .max_neighbours = options.max_neighbours,
                 .threads = options.threads});
  return number(whispers.labels(), previous, options.min_faces);
}

std::vector<int> dbscan(const std::vector<std::vector<FaceLink>>& links, double threshold, int min_faces) {
  const auto near = [&](std::size_t face) {
    const auto end =
        std::ranges::find_if(links[face], [&](const FaceLink& link) { return link.cosine < threshold; });
    return std::span(links[face].begin(), end);
  };
  const auto is_core = [&](std::size_t face) {
    return near(face).size() + 1 >= static_cast<std::size_t>(min_faces);
  };
  std::vector<int> clusters(links.size(), kNoise);
  int next = 0;
  for (std::size_t seed = 0; seed < links.size(); ++seed) {
    if (clusters[seed] != kNoise || !is_core(seed)) continue;
    std::vector<std::size_t> reached{seed};
    clusters[seed] = next;
    while (!reached.empty()) {
      const std::size_t face = reached.back();
      reached.pop_back();
      for (const FaceLink& link : near(face)) {
        if (clusters[link.face] != kNoise) continue;
        clusters[link.face] = next;
        if (is_core(link.face)) reached.push_back(link.face);
      }
    }
    ++next;
  }
  return clusters;
}

ClusterScores score_clusters(std::span<const int> clusters, std::span<const int> people) {
  if (clusters.size() != people.size() || clusters.empty()) {
    throw std::invalid_argument("clusters and people must be as many as the faces, and there must be faces");
  }
  std::map<int, double> cluster_sizes;
  std::map<int, double> person_sizes;
  std::map<std::pair<int, int>, double> both;
  double noise = 0;
  for (std::size_t i = 0; i < clusters.size(); ++i) {
    ++person_sizes[people[i]];
    if (clusters[i] == kNoise) {
      ++noise;
    } else {
      ++cluster_sizes[clusters[i]];
      ++both[{clusters[i], people[i]}];
    }
  }
  const auto pairs = [](double n) { return n * (n - 1) / 2; };
  const auto harmonic = [](double a, double b) { return a + b > 0 ? 2 * a * b / (a + b) : 0; };
  double precision = noise;  // a cluster of one is pure
  double recall = 0;
  double true_pairs = 0;
  for (std::size_t i = 0; i < clusters.size(); ++i) {
    if (clusters[i] == kNoise) recall += 1 / person_sizes[people[i]];
  }
  for (const auto& [key, n] : both) {
    precision += n * n / cluster_sizes[key.first];
    recall += n * n / person_sizes[key.second];
    true_pairs += pairs(n);
  }
  double cluster_pairs = 0;
  double person_pairs = 0;
  for (const auto& [cluster, n] : cluster_sizes) cluster_pairs += pairs(n);
  for (const auto& [person, n] : person_sizes) person_pairs += pairs(n);
  const auto faces = static_cast<double>(clusters.size());
  ClusterScores scores;
  scores.bcubed_precision = precision / faces;
  scores.bcubed_recall = recall / faces;
  scores.bcubed_f = harmonic(scores.bcubed_precision, scores.bcubed_recall);
  if (cluster_pairs > 0) scores.pair_precision = true_pairs / cluster_pairs;
  if (person_pairs > 0) scores.pair_recall = true_pairs / person_pairs;
  if (scores.pair_precision && scores.pair_recall)
    scores.pair_f = harmonic(*scores.pair_precision, *scores.pair_recall);
  return scores;
}

}  // namespace likeness
