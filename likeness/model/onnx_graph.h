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

}  // namespace likeness
