#include "train/triplet_loss.h"

#include <torch/torch.h>

namespace likeness::train {

torch::Tensor squared_distances(const torch::Tensor& embeddings) {
  const torch::Tensor squares = embeddings.square().sum(1);
  return squares.unsqueeze(1) + squares.unsqueeze(0) - 2 * embeddings.matmul(embeddings.t());
}

torch::Tensor triplet_loss(const torch::Tensor& distances, const std::vector<Triplet>& triplets,
                           float margin) {
  if (triplets.empty()) return distances.sum() * 0;
  static_assert(sizeof(Triplet) == 3 * sizeof(std::int64_t));
  const torch::Tensor places = torch::from_blob(
      const_cast<Triplet*>(triplets.data()), {static_cast<std::int64_t>(triplets.size()), 3}, torch::kInt64);
  const torch::Tensor anchors = places.select(1, 0) * distances.size(0);
  const torch::Tensor flat = distances.flatten();
  const torch::Tensor positive = flat.index_select(0, anchors + places.select(1, 1));
  const torch::Tensor negative = flat.index_select(0, anchors + places.select(1, 2));
  return torch::relu(positive - negative + margin).mean();
}

torch::Tensor spread_loss(const torch::Tensor& distances, const std::vector<int>& labels,
                          std::int64_t dimension) {
  const torch::Tensor people = torch::tensor(labels, torch::kInt32);
  const torch::Tensor different = people.unsqueeze(0).ne(people.unsqueeze(1));
  const torch::Tensor cosines = (1 - distances / 2).masked_select(different);
  if (cosines.numel() == 0) return distances.sum() * 0;
  const torch::Tensor excess = torch::relu(cosines.square().mean() - 1.0 / static_cast<double>(dimension));
  return cosines.mean().square() + excess;
}

torch::Tensor unit_rows(const torch::Tensor& rows) {
  // Under the root, as FaceNet's own graph has it (1e-10): a zero row then has no infinite gradient.
  return rows * torch::rsqrt(torch::clamp_min(rows.square().sum(1, /*keepdim=*/true), 1e-10));
}

DistanceTable table_of(const torch::Tensor& distances) {
  const auto n = static_cast<std::size_t>(distances.size(0));
  return {n, {distances.data_ptr<float>(), n * n}};
}

}  // namespace likeness::train
