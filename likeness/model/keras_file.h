#pragma once

// Inside model/ only: what a Keras .h5 file holds, read as from a stranger.

#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "likeness/infer/network.h"

namespace likeness {

/// Weights as `.keras` and `.weights.h5` hold them: numbered, without a role.
struct NumberedWeights {
  std::string layer;           ///< Its name, where the file says it (Keras 3); else empty.
  std::vector<Tensor> values;  ///< By number, from 0. A count of no use to us is an empty tensor.
};

/// The content of a Keras file: a full model, or weights only.
struct KerasFile {
  std::string model_config;              ///< JSON; empty in a file of weights only.
  std::vector<std::string> layer_names;  ///< In the file's order; empty where weights are numbered.
  /// For a layer's name its weights: role ("kernel", "bias", "beta", "gamma", "moving_mean",
  /// "moving_variance", ...) and numbers.
  std::map<std::string, std::map<std::string, Tensor>> weights;
  /// By the class in lower case and a count ("conv2d", "conv2d_1"), in files whose weights are numbered.
  std::map<std::string, NumberedWeights> numbered;
};

/// Reads an HDF5 file, or the zip archive (.keras) of one and its config. Every name, type and size is
/// checked before memory is taken: at most 16,384 layers, 512 MiB in one array and 1 GiB together; links to
/// other files and plugins are refused.
/// libhdf5 loads no plugin in this process from then on.
/// @throws Error kModelNotFound, kModelInvalid with the file, the layer and the problem.
[[nodiscard]] KerasFile read_keras_file(const std::filesystem::path& file);
/// The same from memory; `name` stands for the file in messages.
[[nodiscard]] KerasFile read_keras_file(std::span<const std::byte> bytes, const std::string& name);

}  // namespace likeness
