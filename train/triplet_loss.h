#pragma once

#include <torch/types.h>

#include <span>
#include <vector>

#include "train/mining.h"

namespace likeness::train {

/// Squared L2 distances of the rows of `embeddings` (n x d), n x n. Differentiable everywhere: no root is
/// taken, so that equal rows have the gradient zero and never NaN.
[[nodiscard]] torch::Tensor squared_distances(const torch::Tensor& embeddings);

/// Mean over `triplets` of max(0, d(a,p) - d(a,n) + margin) (Schroff et al. 2015, arXiv:1503.03832, eq. 3).
/// For no triplets a zero whose gradient is zero. `distances` comes from squared_distances().
[[nodiscard]] torch::Tensor triplet_loss(const torch::Tensor& distances, const std::vector<Triplet>& triplets,
                                         float margin);

/// How unevenly the faces of different people fill the sphere: the square of their mean cosine, and what the
/// mean of their squared cosines has above 1/d, which it is for directions at random (Zhang et al. 2017,
/// "Learning Spread-out Local Feature Descriptors", eq. 6). `distances` as above, of rows of `dimension`
/// values. 0 where all rows are of one person.
[[nodiscard]] torch::Tensor spread_loss(const torch::Tensor& distances, const std::vector<int>& labels,
                                        std::int64_t dimension);

/// Rows scaled to length 1. A zero row stays zero, with a finite gradient.
[[nodiscard]] torch::Tensor unit_rows(const torch::Tensor& rows);

/// A look at a contiguous n x n float tensor, which must outlive it.
[[nodiscard]] DistanceTable table_of(const torch::Tensor& distances);

}  // namespace likeness::train
