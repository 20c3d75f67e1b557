#pragma once

#include <string>
#include <string_view>

namespace likeness {

/// Rewrites an ONNX model with quantised weights as one with plain weights, which every reader understands
/// and nobody has to compute at each start:
/// - DequantizeLinear of constants (a scale for the tensor, for each place along an axis, or for each block
///   of places; every type of the operator up to opset 25) becomes a constant (value - zero point) * scale,
///   in the scale's type or the one of `output_dtype`;
/// - Cast to float of a constant in half precision or float8 becomes a float constant;
/// - Reshape of what was folded becomes a constant of that shape;
/// - declared inputs and constants that no node uses are left out: ONNX Runtime 1.32 and OpenCV 5 refuse
///   files with such inputs.
/// A model with weights in another file, or with subgraphs, stays as it is.
/// @param bytes of the file; `file` names it in errors.
/// @returns the new file's bytes; empty where nothing had to change.
/// @throws Error kModelInvalid where the file is malformed, a scale does not fit its weights, or the folded
/// constants would take over 1 GiB.
[[nodiscard]] std::string fold_onnx(std::string_view bytes, const std::string& file);

}  // namespace likeness
