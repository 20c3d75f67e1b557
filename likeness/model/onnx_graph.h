#pragma once

// Inside the library: ONNX files for kernels of our own.

#include <optional>
#include <string>
#include <string_view>

#include "likeness/infer/graph.h"

namespace likeness {

/// Reads the bytes of an ONNX model of one picture in (batch, channels, height, width; the batch 1 or free)
/// and one row of numbers out, of the layers Add, BatchNormalization, Conv, Div, Dropout, Flatten, Gemm,
/// GlobalAveragePool, Identity, LeakyRelu, MatMul, Mul, PRelu, Relu and Sub with constants; quantised weights
/// are folded first (infer/onnx_fold.h). Layers have the names of their outputs; batch normalisation stays a
/// layer of its own (see fold()). Empty where a layer is of another kind, or is used in a way that Graph
/// cannot say.
/// @throws Error kModelInvalid with `file` where the file is damaged.
[[nodiscard]] std::optional<Graph> read_onnx_graph(std::string_view bytes, const std::string& file);

/// The same of a detector: one picture in, of any batch and size that the file declares, for the engine takes
/// any (GraphEngine::for_size()); one output or several, which are maps, or maps whose pixels the file has
/// turned to the front (Transpose 0, 2, 3, 1) and made rows of (Reshape). Both are the same to Graph: height,
/// width, channels. Besides the layers above it knows MaxPool, Sigmoid at the end, Resize to whole multiples
/// by the nearest neighbour, and ConvTranspose whose window is its stride.
[[nodiscard]] std::optional<Graph> read_onnx_detector(std::string_view bytes, const std::string& file);

}  // namespace likeness
