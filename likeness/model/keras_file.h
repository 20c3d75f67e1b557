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

/// The content of a Keras 2 HDF5 file: a full model, or weights only.
struct KerasFile {
  std::string model_config;              ///< JSON; empty in a file of weights only.
  std::vector<std::string> layer_names;  ///< In the file's order.
  /// For a layer's name its weights: role ("kernel", "bias", "beta", "gamma", "moving_mean",
  /// "moving_variance") and numbers.
  std::map<std::string, std::map<std::string, Tensor>> weights;
};

/// Reads an HDF5 file. Every name, type and size is checked before memory is taken: at most 16,384 layers,
/// 512 MiB in one array and 1 GiB together; links to other files and plugins are refused.
/// libhdf5 loads no plugin in this process from then on.
/// @throws Error kModelNotFound, kModelInvalid with the file, the layer and the problem.
[[nodiscard]] KerasFile read_keras_file(const std::filesystem::path& file);
/// The same from memory; `name` stands for the file in messages.
[[nodiscard]] KerasFile read_keras_file(std::span<const std::byte> bytes, const std::string& name);

}  // namespace likeness
