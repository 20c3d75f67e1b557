#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "likeness/model/contract.h"
#include "likeness/model/model_pack.h"
#include "likeness/model/projection.h"

namespace likeness {

struct CompactOptions {
  std::string name;  ///< Of the new pack.
  std::optional<Projection>
      projection{};  ///< Applied to the network's unit-length output; none: all its values stay.
  ValueFormat values = ValueFormat::kInt8;
  std::string how{};     ///< What the projection was learnt on, in words, for the contract's source.
  bool replace = false;  ///< Take the place of a pack of that name.
};

/// Makes models/NAME: a pack of `base`'s networks whose embeddings are smaller (docs/model_pack.md, "Compact
/// packs"). Its networks are the base's own files (hard links where the file system allows it); its embedding
/// space is another, and thresholds measured in the base's are left behind. Appears complete or not at all.
/// @throws Error kOutputUnwritable; std::invalid_argument for a name that is taken, a base that is compact
/// already, or a projection of another dimension.
ModelPack compact_pack(const ModelPack& base, const std::filesystem::path& models,
                       const CompactOptions& options);

}  // namespace likeness
