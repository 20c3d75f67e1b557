#pragma once

#include <cstdint>
#include <span>

namespace likeness {

/// Rounds `values` to int8 with a scale of their own: values[j] is about scale * out[j], |out[j]| <= 127. The
/// scale is chosen so that the rounded vector has the length of the original. Zero stays zero, scale 0.
/// Of unit vectors of 512 values the cosine moves by about .0005, at most .005 (quantize_test).
/// @returns the scale. Sizes must be equal.
[[nodiscard]] float quantize(std::span<const float> values, std::span<std::int8_t> out);

}  // namespace likeness
