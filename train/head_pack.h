#pragma once

#include <filesystem>
#include <string>

#include "likeness/model/model_pack.h"
#include "train/learner.h"

namespace likeness::train {

/// Writes the pack `place` (its folder's name is the model's): the network of `base`, and `head` behind it.
/// The contract is the base's but for name, dimension and thresholds; `words` says how the head was trained.
/// @throws Error kModelInvalid, kOutputUnwritable; std::invalid_argument for a name that cannot be a pack's.
ModelPack write_head_pack(const ModelPack& base, const Projection& head, const std::string& words,
                          const std::filesystem::path& place, bool replace);

}  // namespace likeness::train
