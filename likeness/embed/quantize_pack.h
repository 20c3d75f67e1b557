#pragma once

#include <span>

#include "likeness/image/chip.h"
#include "likeness/model/model_pack.h"

namespace likeness {

/// Adds an int8 network to a pack, with ranges measured on `faces` (chips of the contract; some 50 to 200).
/// They must not be faces that the result is scored with. By our own kernels where they compute the pack
/// (own_network.h), the same on every CPU; else by OpenVINO. The self-test gets what the int8 network must
/// give, by which every CPU is tested before it computes it. The pack changes at one stroke, when its
/// model.json is replaced.
/// @throws Error as quantize_network(), kUnsupported where it is OpenVINO's and the CPU lacks int8 or
/// computes it wrongly (nothing is left then); std::invalid_argument without faces or with chips of another
/// size.
ModelPack quantize_pack(const ModelPack& pack, std::span<const Chip> faces, int threads = 1);

}  // namespace likeness
