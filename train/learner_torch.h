#pragma once

// Inside train/ only: the part of a learner that is made of libtorch.

#include <torch/torch.h>

#include <string>
#include <vector>

#include "train/learner.h"

namespace likeness::train {

/// Rows in, unit vectors out. Trained values are the module's parameters that require a gradient.
struct Learner::Torch : torch::nn::Module {
  std::string architecture;
  std::size_t rows = 0;
  torch::nn::Linear head{nullptr};  ///< The projection; none where the network's own output is trained.
  torch::Tensor centre;             ///< What `head` gets is its input less this; undefined: nothing.

  /// Embeddings of rows, differentiable. `epoch` picks the augmentation; 0 means none.
  virtual torch::Tensor forward(const std::vector<std::size_t>& rows, std::uint64_t epoch) = 0;
  /// Rows that fit into memory at once without gradients.
  [[nodiscard]] virtual std::size_t rows_at_once() const = 0;

  /// Makes `head` from `start`, to be given inputs less `mean` (1 x inputs).
  void add_head(const Projection& start, const torch::Tensor& mean);
  /// The trained values, in a fixed order.
  [[nodiscard]] std::vector<torch::Tensor> trained() const;
};

}  // namespace likeness::train
