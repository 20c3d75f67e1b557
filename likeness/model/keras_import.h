#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include "likeness/infer/graph.h"

namespace likeness {

/// Reads a file of Keras 2 or 3, .h5 or .keras: a whole model (Functional or Sequential) of the layer classes
/// InputLayer, Conv2D, DepthwiseConv2D, SeparableConv2D, Dense, BatchNormalization, Normalization, Rescaling,
/// Activation relu, ReLU, LeakyReLU, PReLU, MaxPooling2D, ZeroPadding2D, GlobalAveragePooling2D,
/// GlobalMaxPooling2D, Flatten, UnitNormalization, Concatenate, Add, Dropout and the Lambda `scaling` (which
/// is multiplied, never run), in any precision; or weights only (.h5, .weights.h5), of Inception-ResNet-v1 as
/// in facenet_keras.h5. Batch normalisation and scaling stay layers of their own.
/// @throws Error kModelNotFound, kModelInvalid with one line that names the file and the layer.
[[nodiscard]] Graph read_keras(const std::filesystem::path& file);
/// The same from memory; `name` stands for the file in messages.
[[nodiscard]] Graph read_keras(std::span<const std::byte> bytes, const std::string& name);

}  // namespace likeness
