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
/// pass, the cosine to the stored f32 embedding must be at least 0.99999 in f32, 0.99 in bf16 and 0.9 in int8
/// (the test's picture is no face, so an int8 network calibrated with faces is further off than on faces).
/// @throws Error kModelInvalid naming the damaged file; kUnsupported for a precision the CPU or pack lacks.
[[nodiscard]] PackCheck check_pack(const ModelPack& pack, Precision precision = Precision::kF32,
                                   int threads = 1);

/// Computes the self-test that belongs to a pack: the embedding of self_test_chip() in f32.
[[nodiscard]] SelfTest make_self_test(const ModelPack& pack);

}  // namespace likeness
