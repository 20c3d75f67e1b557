#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

#include "likeness/infer/graph.h"

namespace likeness {

/// Reads a Keras 2 HDF5 file: a whole model (Functional or Sequential) of the layer classes InputLayer,
/// Conv2D, BatchNormalization, Activation relu, MaxPooling2D, Concatenate, Add, GlobalAveragePooling2D,
/// Dropout, Dense and the Lambda `scaling` (which is multiplied, never run); or weights only, of
/// Inception-ResNet-v1 as in facenet_keras.h5. Batch normalisation and scaling stay layers of their own.
/// @throws Error kModelNotFound, kModelInvalid with one line that names the file and the layer.
[[nodiscard]] Graph read_keras(const std::filesystem::path& file);
/// The same from memory; `name` stands for the file in messages.
[[nodiscard]] Graph read_keras(std::span<const std::byte> bytes, const std::string& name);

}  // namespace likeness
