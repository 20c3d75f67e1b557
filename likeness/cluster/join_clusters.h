#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "likeness/embed/embeddings.h"

namespace likeness {

struct JoinOptions {
  /// Cosine from which two of so many clusters are joined.
  std::function<double(std::size_t clusters)> link;
  int max_neighbours = 64;  ///< Clusters that one is compared with exactly, its nearest.
  int threads = 1;
};

/// Joins clusters of two faces or more whose faces are on average alike: the mean cosine over all pairs of a
/// face of one and a face of the other (average linkage) reaches the link for as many clusters. Single faces
/// of two people are alike by chance more often than groups of them are, so a link that is right for groups
/// is below the one for faces, and a person whose many photos fell apart is put together again. Clusters with
/// faces of one photo (`photos` equal) are never joined, nor are two of which both hold a face whose `fixed`
/// is set. The same input gives the same output, whatever the number of threads.
/// @param labels of the faces, any numbers; joined clusters get one of theirs.
/// @param fixed as many as the faces, or fewer: the others are free.
void join_clusters(const Embeddings& faces, std::span<const std::int64_t> photos,
                   std::span<const std::uint8_t> fixed, std::span<std::uint32_t> labels,
                   const JoinOptions& options);

}  // namespace likeness
