#pragma once

#include <filesystem>
#include <span>

#include "likeness/infer/network.h"

namespace likeness {

/// Writes `network` with a projection behind it as OpenVINO IR at `xml` (weights beside it as .bin): the
/// network's row of numbers is scaled to length 1, multiplied by `matrix` (outputs x inputs), `bias`
/// (outputs) is added, and the sum scaled to length 1 again. A baked-in batch of 1 is freed.
/// @throws Error kModelNotFound, kModelInvalid where the network does not give one row of `inputs` numbers,
/// kOutputUnwritable; std::invalid_argument where matrix and bias do not fit together.
void append_projection(const std::filesystem::path& network, const std::filesystem::path& xml,
                       const TensorView& matrix, std::span<const float> bias);

}  // namespace likeness
