#pragma once

#include <array>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string_view>

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

/// Where models expect the five landmarks of an upright face.
enum class LandmarkTemplate {
  kArcface,  ///< Deng et al. 2019, arXiv:1801.07698, 112 x 112: SFace, ArcFace and most of today's models.
  kDlib,     ///< King's dlib ResNet of 2017, 150 x 150, a quarter of the face's side around it.
};

/// "arcface", "dlib"; and back, empty where there is no such template.
[[nodiscard]] std::string_view to_string(LandmarkTemplate which);
[[nodiscard]] std::optional<LandmarkTemplate> landmark_template_from(std::string_view name);

/// The template's places (CropSpec::places) on a chip of width x height pixels: scaled by its shorter side,
/// in its middle.
[[nodiscard]] std::array<Point, 5> template_places(LandmarkTemplate which, int width, int height);

/// The places in a text file: ten numbers, x and y of the left eye, the right eye, the nose, the left and the
/// right mouth corner, left and right as seen, in pixels of the chip as CropSpec::places counts them; blanks,
/// commas or line ends between them, and '#' before what is no number. With decimal points, whatever the
/// locale; encodings as read_text_lines() (core/text_file.h) knows them.
/// @throws Error kInputUnreadable, kDataInvalid with the file and what is wrong.
[[nodiscard]] std::array<Point, 5> read_places(const std::filesystem::path& file);

/// One face as its model wants it, spec.width x spec.height pixels:
/// - kTutorial: columns int(x1) to int(x1) + int(x2 - x1), rows alike, of abs() where they begin below 0, cut
/// at
///   the photo's far edges; resampled whole with `spec.filter` (NEAREST in the tutorial).
/// - kMargin: margin_region() stretched with `spec.filter`, its edges between pixels. With `spec.upright` the
/// photo
///   is first turned about the region's centre until the eyes are level (bilinear, its edge pixels repeated).
/// - kAligned: the five landmarks brought to `spec.places`, else to ArcFace's (Deng et al. 2019,
///   arXiv:1801.07698; 112 x 112, scaled to the chip), pixel by pixel bilinear without smoothing, black
///   outside the photo, as such models are trained.
/// @throws std::invalid_argument for an empty photo, a chip without pixels, or a box or landmarks that are
/// not numbers; kAligned: for landmarks in one place.
[[nodiscard]] Chip cut_chip(ImageView photo, const Face& face, const CropSpec& spec);

}  // namespace likeness
