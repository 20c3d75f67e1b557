#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>

#include "likeness/detect/face_detector.h"
#include "likeness/image/chip.h"

namespace likeness {

/// Which of a photo's `faces` it is about; empty where there is none. kTutorial: the first (best score).
/// kMargin and kAligned: the largest area less twice the squared distance of its centre to the photo's
/// centre, in pixels, as in Sandberg's align_dataset_mtcnn.py. `width` and `height` are the photo's.
[[nodiscard]] std::optional<std::size_t> main_face(std::span<const Face> faces, int width, int height,
                                                   const CropSpec& spec);

/// The region kMargin cuts before turning: the box, its shorter side grown to the longer one where
/// `spec.square`, grown about its centre to `spec.grow` times its sides, clamped to the photo. Never empty.
[[nodiscard]] Box margin_region(const Box& box, int width, int height, const CropSpec& spec);

/// x' = a*x - b*y + dx, y' = b*x + a*y + dy: turns, scales evenly and moves.
struct Similarity {
  double a = 1, b = 0, dx = 0, dy = 0;
};

/// The similarity that brings `from` closest to `to` (least squares; Umeyama 1991 without reflection).
/// @throws std::invalid_argument where all of `from` is one point.
[[nodiscard]] Similarity fit_similarity(const std::array<Point, 5>& from, const std::array<Point, 5>& to);

/// One face as its model wants it, spec.width x spec.height pixels:
/// - kTutorial: columns int(x1) to int(x1) + int(x2 - x1), rows alike, of abs() where they begin below 0, cut
/// at
///   the photo's far edges; resampled whole with `spec.filter` (NEAREST in the tutorial).
/// - kMargin: margin_region() stretched with `spec.filter`, its edges between pixels. With `spec.upright` the
/// photo
///   is first turned about the region's centre until the eyes are level (bilinear, its edge pixels repeated).
/// - kAligned: the five landmarks brought to ArcFace's places (Deng et al. 2019, arXiv:1801.07698; 112 x 112,
/// scaled
///   to the chip), pixel by pixel bilinear without smoothing, black outside the photo, as such models are
///   trained.
/// @throws std::invalid_argument for an empty photo, a chip without pixels, or a box or landmarks that are
/// not numbers; kAligned: for landmarks in one place.
[[nodiscard]] Chip cut_chip(ImageView photo, const Face& face, const CropSpec& spec);

}  // namespace likeness
