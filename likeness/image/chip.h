#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "likeness/image/geometry.h"
#include "likeness/image/image.h"

namespace likeness {

/// A face cut out of a photo at the size a model wants: RGB, CropSpec::width x CropSpec::height pixels.
using Chip = Image;

/// Resampling filters, each equal to Pillow's of the same name.
enum class Filter { kNearest, kBox, kBilinear, kBicubic, kLanczos };

/// Which region of the photo becomes the chip. See align/align.h for what each one does exactly.
enum class CropProfile {
  kTutorial,  ///< The tutorial's integer box, of the first face returned; for facenet_keras.h5.
  kMargin,    ///< The float box grown about its centre, clamped to the photo, stretched.
  kAligned,   ///< A similarity transform that brings the five landmarks to fixed places.
};

/// How a model wants its faces cut; a part of the model's contract.
struct CropSpec {
  CropProfile profile = CropProfile::kMargin;
  Filter filter = Filter::kBilinear;
  int width = 160;   ///< Pixels of the chip.
  int height = 160;  ///< Pixels of the chip.
  float grow =
      1.2F;  ///< kMargin: the region's sides over the box's sides. Source: pipeline measurements, LFW view 1.
  bool square = false;   ///< kMargin: grow the shorter side first, so that nothing is stretched.
  bool upright = false;  ///< kMargin: turn the region so that the eyes are level.
  /// kAligned: where the five landmarks (Face::landmarks, in their order) come to lie, in pixels of the chip
  /// as places of pixel centres counted from 0. Empty: ArcFace's places (align/align.h).
  std::optional<std::array<Point, 5>> places{};
  bool operator==(const CropSpec&) const = default;
};

/// A profile's usual way to cut: kTutorial NEAREST, the others BILINEAR.
[[nodiscard]] CropSpec usual_crop(CropProfile profile, int width, int height);

/// "nearest", "box", "bilinear", "bicubic", "lanczos"; and back, empty where there is no such filter.
[[nodiscard]] std::string_view to_string(Filter filter);
[[nodiscard]] std::optional<Filter> filter_from(std::string_view name);

/// "tutorial", "margin", "aligned"; and back, empty where there is no such profile.
[[nodiscard]] std::string_view to_string(CropProfile profile);
[[nodiscard]] std::optional<CropProfile> crop_profile_from(std::string_view name);

}  // namespace likeness
