#pragma once

// Inside train/ only: a network in plain numbers as a libtorch module.

#include <torch/torch.h>

#include <functional>
#include <string>
#include <vector>

#include "likeness/infer/graph.h"

namespace likeness::train {

/// Computes a Graph (infer/graph.h) on libtorch, differentiably. Kernels, biases and the shifts of batch
/// normalisation can be trained; its statistics stay as they are, because batches here are too small for new
/// ones.
class NetworkModule : public torch::nn::Module {
 public:
  /// Layers for which `train` says so are trained, by their names.
  NetworkModule(const Graph& graph, const std::function<bool(const std::string&)>& train);

  /// Pictures, n x channels x height x width, to n x d, as the graph's output gives them.
  [[nodiscard]] torch::Tensor forward(const torch::Tensor& pictures);
  /// The graph with the weights as they are now.
  [[nodiscard]] Graph graph() const;

 private:
  struct Weights {
    torch::Tensor kernel;  // out, in, height, width; dense: out, in
    torch::Tensor bias;
    torch::Tensor factor;  // never trained
    torch::Tensor shift;
  };
  torch::Tensor computed(std::size_t layer, const std::vector<torch::Tensor>& values);

  Graph graph_;
  std::vector<Weights> weights_;       // of each layer
  std::vector<std::size_t> last_use_;  // the last layer that reads each layer
};

}  // namespace likeness::train
