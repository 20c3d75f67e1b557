#pragma once

#include <optional>

#include "likeness/detect/detector_check.h"
#include "likeness/infer/precision.h"
#include "likeness/model/model_pack.h"
#include "likeness/model/self_test.h"

namespace likeness {

/// How near a pack's self-test came to the embedding, or to the faces, it must give.
struct PackCheck {
  double cosine = 1;        ///< To the stored embedding; 1 for a detector, which has none.
  double least_cosine = 1;  ///< What still passes in this precision, see check_pack().
  /// Of a detector with a self-test: the largest difference from the stored faces, in pixels; infinite where
  /// they are others. Empty: nothing but that the networks load was checked.
  std::optional<double> shift{};
  [[nodiscard]] bool passed() const { return cosine >= least_cosine && (!shift || *shift <= kLargestShift); }
};

/// Compares a pack's files with their checksums, loads its networks, and runs its self-test, where it has
/// one. To pass, a detector's faces must lie within detect/detector_check.h's kLargestShift; an embedder's
/// cosine to the embedding it must give must be at least 0.99999 in f32, 0.99 in bf16 (of the f32 embedding)
/// and 0.999 in int8 (of what the int8 network gives with exact products: an int8 network calibrated with
/// faces is further off f32 on the test's picture, which is no face).
/// @throws Error kModelInvalid naming the damaged file; kUnsupported for a precision that the CPU or pack
/// lacks, or that the CPU does not compute as it must.
[[nodiscard]] PackCheck check_pack(const ModelPack& pack, Precision precision = Precision::kF32,
                                   int threads = 1);

/// Computes the self-test that belongs to a pack: the embedding of self_test_chip() in f32, and
/// with the pack's int8 network, where it has one.
[[nodiscard]] SelfTest make_self_test(const ModelPack& pack);

}  // namespace likeness
