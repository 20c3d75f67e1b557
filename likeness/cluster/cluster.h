#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "likeness/core/progress.h"
#include "likeness/embed/embeddings.h"
#include "likeness/model/contract.h"

namespace likeness {

/// The cluster number of a face that belongs to no cluster.
inline constexpr int kNoise = -1;

struct ClusterOptions {
  /// Cosine from which two faces are linked, and two clusters joined. Empty: what `link` says for as many.
  std::optional<double> threshold = {};
  /// Cosine from which two of so many are linked. Empty: link_threshold() of their number.
  std::function<double(std::size_t count)> link = {};
  int min_faces = 2;        ///< Smaller clusters are noise, >= 1.
  int max_neighbours = 64;  ///< Links of a face, its nearest; >= 1.
  int rounds = 30;          ///< At most; it usually settles in fewer than ten.
  int threads = 1;
};

/// Links to strangers that a face may have on average, were all others strangers. The more faces there are,
/// the more of them look alike by chance, so the link must be closer. Chosen on LFW view 1's training people
/// for 20180408-102900; another model's pack may say another number (Contract::strangers_links). A link of
/// .56 is the best there for all 3,442 faces and the 2,113 of people with two photos or more together (mean
/// B-cubed F .951, docs/people.md); there .25 strangers' links fall on a face. The same number came out for
/// the plain cosine (.60).
inline constexpr double kStrangersLinks = 0.25;

/// The link for so many faces: where `strangers_links` of `faces` are false matches, on the line (cosine over
/// the logarithm of the rate) through the thresholds nearest to it; never below that of a false match rate of
/// .01.
/// @param measured thresholds of one precision, in any order; fewer than two: those of 20180408-102900 in
/// f32 with its mean face left in.
/// @param strangers_links above 0.
[[nodiscard]] double link_threshold(std::size_t faces, std::span<const KnownThreshold> measured = {},
                                    double strangers_links = kStrangersLinks);
/// The same with the links that a contract says, and with its thresholds for `precision`, or else for f32,
/// which is near enough.
[[nodiscard]] double link_threshold(std::size_t faces, const Contract& contract, Precision precision);

/// A neighbour of a face.
struct FaceLink {
  std::uint32_t face = 0;
  float cosine = 0;
};

/// For every face its `max_neighbours` nearest others at or above `threshold`, nearest first. Compares all
/// pairs (int8, cosines within .005): n * n / 100 million seconds or so.
[[nodiscard]] std::vector<std::vector<FaceLink>> link_faces(const Embeddings& faces,
                                                            const ClusterOptions& options,
                                                            const Progress& progress = {});

/// Groups faces by person with Chinese whispers (Biemann 2006) over those links: every face again and again
/// takes the cluster that its neighbours speak for most, each with the square of its cosine above the
/// threshold. Then clusters of two faces or more are joined that are alike on average (join_clusters.h). Two
/// faces of one photo (`photos[i]` equal) are never put into one cluster. Needs no number of people.
/// @param previous clusters found before, for the first faces: they keep their numbers and their members;
/// noise and new faces may join them or form new clusters. Empty: start afresh.
/// @returns a cluster per face: 0, 1, ... from the largest down (new ones after the previous), or kNoise. The
/// same input gives the same output, whatever the number of threads.
/// @throws std::invalid_argument where the counts disagree or options are out of range.
[[nodiscard]] std::vector<int> cluster_faces(const Embeddings& faces, std::span<const std::int64_t> photos,
                                             const ClusterOptions& options = {},
                                             std::span<const int> previous = {},
                                             const Progress& progress = {});

/// Plain DBSCAN (Ester et al. 1996) for comparison: links are the neighbourhood at its radius, a face with
/// `min_faces` faces around it (itself counted) is a core. Knows nothing of photos.
[[nodiscard]] std::vector<int> dbscan(const std::vector<std::vector<FaceLink>>& links, double threshold,
                                      int min_faces);

/// How well clusters agree with the truth. Noise counts as clusters of one face.
struct ClusterScores {
  double bcubed_precision =
      0;                     ///< Bagga and Baldwin 1998: mean share of a face's cluster that is its person.
  double bcubed_recall = 0;  ///< Mean share of a face's person that is in its cluster.
  double bcubed_f = 0;       ///< Harmonic mean.
  std::optional<double> pair_precision;  ///< Of pairs in one cluster, those of one person; empty without any.
  std::optional<double> pair_recall;     ///< Of pairs of one person, those in one cluster; empty without any.
  std::optional<double> pair_f;          ///< Empty where one of them is.
};
/// @throws std::invalid_argument where the counts differ or are 0.
[[nodiscard]] ClusterScores score_clusters(std::span<const int> clusters, std::span<const int> people);

}  // namespace likeness
