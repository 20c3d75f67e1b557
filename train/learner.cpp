#include "train/learner.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "train/learner_torch.h"
#include "train/random.h"
#include "train/triplet_loss.h"

namespace likeness::train {
namespace {

torch::Tensor tensor_of(const std::vector<float>& values, std::vector<std::int64_t> shape) {
  return torch::from_blob(const_cast<float*>(values.data()), shape).clone();
}

std::vector<float> values_of(const torch::Tensor& tensor) {
  const torch::Tensor dense = tensor.detach().contiguous();
  return {dense.data_ptr<float>(), dense.data_ptr<float>() + dense.numel()};
}

struct HeadLearner : Learner::Torch {
  torch::Tensor vectors;

  double noise;
  std::uint64_t seed;

  HeadLearner(const Embeddings& data, const Projection& start, double length, std::uint64_t noise_seed)
      : noise(length), seed(noise_seed) {
    rows = data.size();
    architecture = "head " + std::to_string(start.inputs) + "-" + std::to_string(start.outputs);
    if (noise > 0) architecture += " with noise " + std::to_string(noise);
    vectors = tensor_of(data.values,
                        {static_cast<std::int64_t>(data.size()), static_cast<std::int64_t>(data.dimension)});
    // What all faces have in common would pull every weight the same way.
    add_head(start, vectors.mean(0, /*keepdim=*/true));
    vectors -= centre;
  }

  torch::Tensor forward(const std::vector<std::size_t>& chosen, std::uint64_t epoch) override {
    const std::vector<std::int64_t> places(chosen.begin(), chosen.end());
    torch::Tensor inputs = vectors.index_select(0, torch::tensor(places, torch::kInt64));
    if (epoch > 0 && noise > 0) add_noise(inputs, chosen, epoch);
    return unit_rows(head(inputs));
  }
  /// Each row's depends on nothing but the seed, the epoch and the row, so that a resumed run gets the same.
  void add_noise(torch::Tensor& inputs, const std::vector<std::size_t>& chosen, std::uint64_t epoch) const {
    const auto dimension = static_cast<std::size_t>(inputs.size(1));
    const double deviation = noise / std::sqrt(static_cast<double>(dimension));
    auto* values = inputs.data_ptr<float>();
    for (const std::size_t row : chosen) {
      Random random({seed, kAugment, epoch, row});
      for (std::size_t i = 0; i < dimension; ++i)
        *values++ += static_cast<float>(deviation * random.normal());
    }
  }
  [[nodiscard]] std::size_t rows_at_once() const override { return 4096; }
};

}  // namespace

void Learner::Torch::add_head(const Projection& start, const torch::Tensor& mean) {
  const auto inputs = static_cast<std::int64_t>(start.inputs);
  const auto outputs = static_cast<std::int64_t>(start.outputs);
  head = register_module("head", torch::nn::Linear(inputs, outputs));
  const torch::NoGradGuard no_gradient;
  head->weight.copy_(tensor_of(start.matrix, {outputs, inputs}));
  centre = mean;
  head->bias.copy_(tensor_of(start.bias, {outputs}) + head->weight.matmul(mean.flatten()));
}

std::vector<torch::Tensor> Learner::Torch::trained() const {
  std::vector<torch::Tensor> values;
  for (const torch::Tensor& parameter : parameters()) {
    if (parameter.requires_grad()) values.push_back(parameter);
  }
  return values;
}

Learner::Learner(std::unique_ptr<Torch> torch) : torch_(std::move(torch)) {}
Learner::~Learner() = default;
Learner::Learner(Learner&&) noexcept = default;
Learner& Learner::operator=(Learner&&) noexcept = default;

std::size_t Learner::rows() const { return torch_->rows; }
const std::string& Learner::architecture() const { return torch_->architecture; }

Embeddings Learner::embed(const std::vector<std::size_t>& rows) {
  const torch::NoGradGuard no_gradient;
  Embeddings result;
  const std::size_t step = torch_->rows_at_once();
  for (std::size_t begin = 0; begin < rows.size(); begin += step) {
    const std::size_t end = std::min(begin + step, rows.size());
    const auto first = rows.begin() + static_cast<std::ptrdiff_t>(begin);
    const torch::Tensor part =
        torch_->forward({first, rows.begin() + static_cast<std::ptrdiff_t>(end)}, /*epoch=*/0);
    result.dimension = static_cast<std::size_t>(part.size(1));
    const std::vector<float> values = values_of(part);
    result.values.insert(result.values.end(), values.begin(), values.end());
  }
  return result;
}

Learner head_learner(const Embeddings& vectors, const Projection& start, double noise, std::uint64_t seed) {
  if (!(noise >= 0)) throw std::invalid_argument("noise must not be negative");
  if (start.inputs != vectors.dimension) {
    throw std::invalid_argument("the projection takes " + std::to_string(start.inputs) +
                                " values, the vectors have " + std::to_string(vectors.dimension));
  }
  return Learner(std::make_unique<HeadLearner>(vectors, start, noise, seed));
}

Projection projection_of(Learner& learner) {
  const auto& head = learner.torch().head;
  if (!head) throw std::invalid_argument("this learner has no projection");
  const torch::NoGradGuard no_gradient;
  return {static_cast<std::size_t>(head->weight.size(1)), static_cast<std::size_t>(head->weight.size(0)),
          values_of(head->weight),
          values_of(head->bias - head->weight.matmul(learner.torch().centre.flatten()))};
}

Projection random_projection(const std::vector<float>& centre, std::size_t outputs, std::uint64_t seed) {
  Projection projection{centre.size(), outputs, std::vector<float>(centre.size() * outputs),
                        std::vector<float>(outputs)};
  Random random({seed, kWeights});
  const double deviation = 1 / std::sqrt(static_cast<double>(outputs));
  for (float& value : projection.matrix) value = static_cast<float>(deviation * random.normal());
  for (std::size_t o = 0; o < outputs; ++o) {
    double sum = 0;
    for (std::size_t i = 0; i < centre.size(); ++i)
      sum += projection.matrix[o * centre.size() + i] * centre[i];
    projection.bias[o] = static_cast<float>(-sum);
  }
  return projection;
}

Projection principal_projection(const Embeddings& rows, std::size_t outputs) {
  if (outputs == 0 || outputs > rows.dimension || rows.size() < 2) {
    throw std::invalid_argument("principal components need two rows, and no more outputs than inputs");
  }
  const torch::NoGradGuard no_gradient;
  const auto data = tensor_of(rows.values, {static_cast<std::int64_t>(rows.size()),
                                            static_cast<std::int64_t>(rows.dimension)})
                        .to(torch::kFloat64);
  const torch::Tensor mean = data.mean(0);
  const torch::Tensor centred = data - mean;
  // Eigenvalues ascend; the last columns belong to the largest.
  const torch::Tensor vectors = std::get<1>(torch::linalg_eigh(centred.t().matmul(centred)));
  const torch::Tensor axes = vectors.flip({1}).slice(1, 0, static_cast<std::int64_t>(outputs)).t();
  return {rows.dimension, outputs, values_of(axes.to(torch::kFloat32)),
          values_of(axes.matmul(mean).neg().to(torch::kFloat32))};
}

std::vector<float> centre_of(const Embeddings& rows, const std::vector<std::size_t>& chosen) {
  std::vector<double> sums(rows.dimension);
  for (const std::size_t row : chosen) {
    for (std::size_t i = 0; i < rows.dimension; ++i) sums[i] += rows[row][i];
  }
  std::vector<float> centre;
  for (const double sum : sums)
    centre.push_back(static_cast<float>(sum / static_cast<double>(chosen.size())));
  return centre;
}

Embeddings project(const Projection& projection, const Embeddings& rows) {
  Learner learner = head_learner(rows, projection);
  std::vector<std::size_t> all(rows.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  return learner.embed(all);
}

}  // namespace likeness::train
