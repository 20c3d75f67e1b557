#pragma once

// Inside model/ only: values of a Keras layer's config. Everything throws Error kModelInvalid with the layer
// and the field.

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "likeness/model/json_fields.h"

namespace likeness {

/// Two whole numbers from 1 to 1024, or one for both, as Keras writes sizes.
[[nodiscard]] std::array<std::size_t, 2> pair_of(const JsonFields& config, const char* field);

/// Top, bottom, left and right, from 0 to 1024: one number, one for each direction, or all four.
[[nodiscard]] std::array<std::size_t, 4> borders_of(const JsonFields& config, const char* field);

/// One number, or all of a list, however deep.
[[nodiscard]] std::vector<double> numbers_of(const JsonFields& config, const char* field);

/// Whether `padding` is "same"; else it must be "valid".
[[nodiscard]] bool same_padding(const JsonFields& config);

void check_channels_last(const JsonFields& config);

/// Keras writes the axis as a number or, since 2.4, as a list of one; it must be the last of `rank` with the
/// batch.
void check_last_axis(const JsonFields& config, std::size_t rank);

/// The number of the one Lambda that is known: scaling(x, scale) = x * scale. Its compiled Python, if any, is
/// only searched for the function's name; it is never run.
[[nodiscard]] float scaling_of(const JsonFields& config);

}  // namespace likeness
