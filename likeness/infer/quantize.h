#pragma once

#include <filesystem>
#include <span>

#include "likeness/infer/network.h"

namespace likeness {

/// Rewrites the network `file` as IR at `xml` whose convolutions compute in int8 (post-training
/// quantisation): fake-quantise nodes round every convolution's input to 256 steps over the range seen on
/// `calibration`, and its weights to 255 steps for each output channel. Everything else, the dense layer and
/// the normalisations at the end among it, stays in f32. A tensor in `calibration` is one input of the
/// network (a batch of any size).
/// @throws Error kModelNotFound, kModelInvalid, kOutputUnwritable; std::invalid_argument without calibration.
void quantize_network(const std::filesystem::path& file, const std::filesystem::path& xml,
                      std::span<const Tensor> calibration, int threads = 1);

}  // namespace likeness
