#pragma once

#include <cstddef>
#include <filesystem>
#include <vector>

#include "likeness/model/model_pack.h"

namespace likeness {

/// y = weights * x + offset: the step after a network that makes fewer values of many. x is the network's
/// output at unit length; y is brought to unit length afterwards. A plain value.
struct Projection {
  std::size_t inputs = 0;
  std::size_t outputs = 0;
  std::vector<float> weights;  ///< outputs x inputs, row by row; none: y = x + offset, as many as there were.
  std::vector<float> offset;   ///< One an output.
  bool operator==(const Projection&) const = default;
};

/// Reads the projection that a pack's contract names and compares it with the contract's checksum.
/// @throws Error kModelInvalid where it is damaged or does not fit the contract; std::invalid_argument where
/// the contract names none.
[[nodiscard]] Projection read_projection(const ModelPack& pack);

/// Writes `projection` as .npz: `weights` (float32, outputs x inputs; absent where there are none) and
/// `offset` (float32, outputs).
/// @throws Error kOutputUnwritable; std::invalid_argument where its sizes disagree.
void write_projection(const std::filesystem::path& path, const Projection& projection);

}  // namespace likeness
