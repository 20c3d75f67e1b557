#include "train/triplet_loss.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <vector>

namespace likeness::train {
namespace {

torch::Tensor some_rows(std::int64_t n, std::int64_t d, std::uint64_t seed) {
  torch::manual_seed(seed);
  return torch::randn({n, d}, torch::kFloat64);
}

TEST(TripletLoss, IsTheFormulaByHand) {
  const auto rows = torch::tensor({{0.0F, 0.0F}, {1.0F, 0.0F}, {0.0F, 2.0F}});
  const auto distances = squared_distances(rows);
  EXPECT_NEAR(distances[1][2].item<float>(), 5, 1e-6);
  // d(0,1) - d(0,2) + 3.5 = 1 - 4 + 3.5 = .5; d(1,0) - d(1,2) + 3.5 = 1 - 5 + 3.5 < 0.
  EXPECT_NEAR(triplet_loss(distances, {{0, 1, 2}, {1, 0, 2}}, 3.5F).item<float>(), .25, 1e-6);
}

/// The loss of raw rows after scaling to unit length, as in training.
torch::Tensor loss_of(const torch::Tensor& raw, const std::vector<Triplet>& triplets, float margin) {
  return triplet_loss(squared_distances(unit_rows(raw)), triplets, margin);
}

TEST(TripletLoss, GradientIsThatOfFiniteDifferences) {
  torch::Tensor rows = some_rows(6, 5, 3).requires_grad_();
  const std::vector<int> labels{0, 0, 0, 1, 1, 1};
  for (const Mining mining : {Mining::kBatchAll, Mining::kBatchHard, Mining::kSemiHard}) {
    const auto seen = squared_distances(unit_rows(rows)).detach().to(torch::kFloat32).contiguous();
    const auto triplets = mine_triplets(table_of(seen), labels, mining, .4F);
    ASSERT_FALSE(triplets.empty());
    rows.mutable_grad() = torch::Tensor();
    loss_of(rows, triplets, .4F).backward();
    constexpr double kStep = 1e-6;
    for (int i = 0; i < 6; ++i) {
      for (int j = 0; j < 5; ++j) {
        torch::Tensor up = rows.detach().clone();
        torch::Tensor down = rows.detach().clone();
        up[i][j] += kStep;
        down[i][j] -= kStep;
        const double slope =
            (loss_of(up, triplets, .4F) - loss_of(down, triplets, .4F)).item<double>() / (2 * kStep);
        EXPECT_NEAR(rows.grad()[i][j].item<double>(), slope, 1e-8) << to_string(mining) << i << j;
      }
    }
  }
}

TEST(TripletLoss, HasNoNanAtDistanceZero) {
  // Equal rows, and a row of zeros, which no scaling can bring to length 1.
  for (const double value : {1.0, 0.0}) {
    torch::Tensor rows = torch::full({4, 3}, value, torch::kFloat32).requires_grad_();
    const torch::Tensor loss = loss_of(rows, {{0, 1, 2}, {2, 3, 0}}, .2F);
    EXPECT_NEAR(loss.item<float>(), .2, 1e-6);
    loss.backward();
    EXPECT_TRUE(torch::isfinite(rows.grad()).all().item<bool>());
  }
}

TEST(TripletLoss, IsZeroWithZeroGradientWithoutTriplets) {
  torch::Tensor rows = some_rows(4, 3, 1).requires_grad_();
  const torch::Tensor loss = loss_of(rows, {}, .2F);
  EXPECT_EQ(loss.item<double>(), 0);
  loss.backward();
  EXPECT_EQ(rows.grad().abs().sum().item<double>(), 0);
}

TEST(SpreadLoss, IsTheFormulaByHandAndZeroForEvenDirections) {
  // Cosines of different people: 1, 0, 0 (each twice): mean 1/3, mean square 1/3, of which 1/2 is allowed.
  const auto rows = torch::tensor({{1.0F, 0.0F}, {1.0F, 0.0F}, {0.0F, 1.0F}});
  EXPECT_NEAR(spread_loss(squared_distances(rows), {0, 1, 2}, 2).item<float>(), 1.0 / 9, 1e-6);
  EXPECT_NEAR(spread_loss(squared_distances(rows), {0, 1, 2}, 12).item<float>(), 1.0 / 9 + 1.0 / 3 - 1.0 / 12,
              1e-6);
  EXPECT_EQ(spread_loss(squared_distances(rows), {0, 0, 0}, 2).item<float>(), 0);
  const auto even = torch::tensor({{1.0F, 0.0F}, {-1.0F, 0.0F}, {0.0F, 1.0F}, {0.0F, -1.0F}});
  EXPECT_NEAR(spread_loss(squared_distances(even), {0, 1, 2, 3}, 2).item<float>(), 1.0 / 9, 1e-6);
}

TEST(SpreadLoss, GradientIsThatOfFiniteDifferences) {
  torch::Tensor rows = some_rows(5, 3, 4).requires_grad_();
  const std::vector<int> labels{0, 0, 1, 1, 2};
  const auto loss = [&](const torch::Tensor& raw) {
    return spread_loss(squared_distances(unit_rows(raw)), labels, 6);
  };
  ASSERT_GT(loss(rows).item<double>(), 0);
  loss(rows).backward();
  constexpr double kStep = 1e-6;
  for (int i = 0; i < 5; ++i) {
    torch::Tensor up = rows.detach().clone();
    torch::Tensor down = rows.detach().clone();
    up[i][1] += kStep;
    down[i][1] -= kStep;
    EXPECT_NEAR(rows.grad()[i][1].item<double>(), (loss(up) - loss(down)).item<double>() / (2 * kStep), 1e-8);
  }
}

}  // namespace
}  // namespace likeness::train
