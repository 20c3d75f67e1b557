#pragma once

#include "likeness/embed/embeddings.h"
#include "likeness/model/model_pack.h"

namespace likeness {

/// The pack with the mean of `faces` for its centre, and without what was measured before; nothing is
/// written. @throws as centre_pack(), but for kOutputUnwritable.
[[nodiscard]] ModelPack centred(const ModelPack& pack, const Embeddings& faces);

/// Makes the mean of `faces` (unit-length embeddings of this pack, of many people) the pack's centre
/// (Contract::centre). That is another way of comparing: the contract's id changes, and the thresholds
/// measured before are left behind. The pack changes at one stroke, when its model.json is replaced.
/// @throws Error kOutputUnwritable, kDataInvalid for embeddings of another dimension;
/// std::invalid_argument for none, and for a pack with a projection, whose offset centres already.
ModelPack centre_pack(const ModelPack& pack, const Embeddings& faces);

}  // namespace likeness
