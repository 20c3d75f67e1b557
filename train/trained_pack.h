#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "likeness/image/chip.h"
#include "likeness/infer/graph.h"
#include "likeness/model/model_pack.h"
#include "train/learner.h"

namespace likeness::train {

/// Writes the pack `place` (its folder's name is the model's): the network of `base`, and `head` behind it.
/// The contract is the base's but for name, dimension and thresholds; `words` says how it was trained.
/// @throws Error kModelInvalid, kOutputUnwritable; std::invalid_argument for a name that cannot be a pack's.
ModelPack write_head_pack(const ModelPack& base, const Projection& head, const std::string& words,
                          const std::filesystem::path& place, bool replace);

/// The same for a whole network that took the place of the base's. @throws as write_head_pack().
ModelPack write_network_pack(const ModelPack& base, const Graph& network, const std::string& words,
                             const std::filesystem::path& place, bool replace);

/// The largest difference between a value of `expected` and of what the pack's network gives for `chips`
/// (by our kernels or OpenVINO). @throws as Embedder.
[[nodiscard]] double largest_difference(const ModelPack& pack, std::span<const Chip> chips,
                                        const Embeddings& expected, int threads);

}  // namespace likeness::train
