#pragma once

#include <cstdint>
#include <span>

#include "likeness/embed/embeddings.h"

namespace likeness {

/// Rounds `values` to int8 with a scale of their own: values[j] is about scale * out[j], |out[j]| <= 127, and
/// the largest byte is 127 or -127. The scale is chosen so that the rounded vector has the length of the
/// original: of a unit vector it is 1 / |out|, and need not be stored. Zero stays zero, scale 0. What came
/// out of bytes goes back into the same bytes, so values that were rounded once lose nothing in an index or
/// gallery of int8. Of unit vectors of 512 values the cosine moves by about .0005, at most .005
/// (gallery_test).
/// @returns the scale. Sizes must be equal.
[[nodiscard]] float quantize(std::span<const float> values, std::span<std::int8_t> out);

/// Gives every row the values that its bytes stand for (ValueFormat::kInt8); lengths stay.
void round_to_bytes(Embeddings& embeddings);

}  // namespace likeness
