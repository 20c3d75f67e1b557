#pragma once

#include "likeness/model/model_pack.h"

namespace likeness {

/// Runs a detector's self-test: its picture must give its faces and no others. The .npz holds `picture`
/// (uint8, height x width x 3, RGB), `boxes` (float32, n x 4: left, top, right, bottom), `scores` (n) and
/// `landmarks` (n x 5 x 2), best score first, and `min_score` (1), with which they were found.
/// @returns the largest difference of a box or landmark, in pixels; infinite where faces are missing or too
/// many, or a score differs by more than 0.001.
/// @throws Error kModelInvalid where the pack has no self-test or it is damaged; whatever FaceDetector
/// throws.
[[nodiscard]] double run_self_test(const ModelPack& detector, int threads);

/// What run_self_test() may give: pixels. Rounding differs between CPUs by less than 0.001.
inline constexpr double kLargestShift = 0.05;

}  // namespace likeness
