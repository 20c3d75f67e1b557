#pragma once

#include <array>
#include <cstddef>
#include <filesystem>
#include <span>
#include <vector>

#include "likeness/detect/face_detector.h"
#include "likeness/infer/network.h"
#include "likeness/model/model_pack.h"

namespace likeness {

/// Sides of an input are multiples of this: the longest stride of YuNet's and CenterFace's networks.
inline constexpr int kInputMultiple = 32;

/// What a network of one stage (its outputs as planes, or of three dimensions: height x width x channels)
/// gives for an input of width x height pixels, as faces in pixels of that input: every cell of its maps with
/// at least `min_score`, in no order, overlapping.
/// @throws Error kModelInvalid where the tensors are not the method's; `network` names it.
[[nodiscard]] std::vector<Face> decode(const DetectorContract& detector, std::span<const Tensor> outputs,
                                       int width, int height, float min_score,
                                       const std::filesystem::path& network);

/// Keeps, best score first, each face that overlaps no kept one by more than the detector allows; of equal
/// scores the earlier goes first. YuNet's boxes count as whole numbers, cut toward zero, as in OpenCV 5.0.
void suppress(const DetectorContract& detector, std::vector<Face>& faces);

}  // namespace likeness
