#pragma once

#include "likeness/infer/precision.h"
#include "likeness/model/model_pack.h"
#include "likeness/model/self_test.h"

namespace likeness {

/// How near a pack's self-test came to the embedding it must give.
struct PackCheck {
  double cosine = 1;        ///< To the stored embedding; 1 for a detector, which has none.
  double least_cosine = 1;  ///< What still passes in this precision, see check_pack().
  [[nodiscard]] bool passed() const { return cosine >= least_cosine; }
};

/// Compares a pack's files with their checksums, loads its networks, and runs an embedder's self-test. To
/// pass, the cosine to the embedding it must give must be at least 0.99999 in f32, 0.99 in bf16 (of the f32
/// embedding) and 0.999 in int8 (of what the int8 network gives with exact products: an int8 network
/// calibrated with faces is further off f32 on the test's picture, which is no face).
/// @throws Error kModelInvalid naming the damaged file; kUnsupported for a precision that the CPU or pack
/// lacks, or that the CPU does not compute as it must.
[[nodiscard]] PackCheck check_pack(const ModelPack& pack, Precision precision = Precision::kF32,
                                   int threads = 1);

/// Computes the self-test that belongs to a pack: the embedding of self_test_chip() in f32, and
/// with the pack's int8 network, where it has one.
[[nodiscard]] SelfTest make_self_test(const ModelPack& pack);

}  // namespace likeness
