#pragma once

#include <filesystem>

#include "likeness/infer/graph.h"

namespace likeness {

/// Inception-ResNet-v1 as it was trained: batch normalisation is not multiplied into the convolutions, and
/// layers have the names of facenet_keras.h5. From a Keras .h5, from the IR that import made of one, or from
/// a frozen graph (.pb) of Sandberg's FaceNet program; the graph ends before the scaling to length 1.
/// @throws Error kModelNotFound, kModelInvalid with the file and the layer; kUnsupported for another kind of
/// file or another network.
[[nodiscard]] Graph read_trainable(const std::filesystem::path& file);

/// Writes the weights of a graph that read_trainable() gave, in Keras' layout of weights only: Keras'
/// model.load_weights() takes it, and `likeness model import`. The mean of a batch normalisation becomes 0,
/// its shift stands in `beta`: the same function.
/// @throws Error kOutputUnwritable.
void write_keras_weights(const Graph& graph, const std::filesystem::path& h5);

}  // namespace likeness
