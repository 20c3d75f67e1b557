#pragma once

// Inside model/ only: a Keras model's layers before they get their weights.

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace likeness {

/// The result of one use of a layer: its name and which use, from 0.
using KerasValue = std::pair<std::string, std::size_t>;

/// A layer as model_config describes it. A layer used twice has two lists of inputs and one set of weights.
struct KerasLayer {
  std::string class_name;
  std::string name;
  nlohmann::json config;
  std::vector<std::vector<KerasValue>> uses;
};

struct KerasLayers {
  std::vector<KerasLayer> layers;
  KerasValue output;
};

/// The layers of a Functional or Sequential model. @throws Error kModelInvalid with `file` and the layer.
[[nodiscard]] KerasLayers keras_layers_from(const std::string& model_config, const std::string& file);

/// Inception-ResNet-v1 (Szegedy et al. 2016, arXiv:1602.07261) as facenet_keras.h5 has it, for 160 x 160
/// pictures: 132 convolutions, blocks scaled by 0.17, 0.10 and 0.20, a dense layer of `dimension` outputs.
[[nodiscard]] KerasLayers inception_resnet_v1(std::size_t dimension);

}  // namespace likeness
