#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "likeness/detect/face_detector.h"
#include "likeness/gallery/store.h"
#include "likeness/image/chip.h"

namespace likeness {

/// Measures a face before it is enrolled:
/// - size_px: shorter side of the detected box, pixels of the photo.
/// - sharpness: variance of the Laplacian (4 neighbours) of the chip's grey values 0 to 255 (Pech-Pacheco
/// 2000);
///   on the chip, so that size does not enter: a small or blurred face gives a low value.
/// - brightness: mean grey value of the chip's middle half, 0 to 255.
/// - yaw: how far the nose stands from the middle of the eyes, over half the distance of the eyes, along the
/// line
///   through them: 0 seen from the front, about 1 where it stands under an eye; positive to the image's
///   right.
[[nodiscard]] FaceQuality measure_quality(const Face& face, const Chip& chip);

/// How picky enrolment is.
enum class Review { kOff, kStandard, kStrict };

/// Something against enrolling a face.
struct ReviewFinding {
  std::string kind;     ///< "small", "blurred", "dark", "too bright", "turned away", "several faces".
  std::string what;     ///< In words, with the measured value and the limit; begins with `kind`.
  bool refuse = false;  ///< Else worth saying, and the face is kept.
};

/// What speaks against a face. kOff finds nothing; kStandard and kStrict refuse faces beyond their limits,
/// and kStandard also tells what kStrict would refuse. `faces` is how many the photo shows, where one is
/// expected.
[[nodiscard]] std::vector<ReviewFinding> review_face(const FaceQuality& quality, std::size_t faces,
                                                     Review review);

/// "off", "standard", "strict"; empty where there is no such review.
[[nodiscard]] std::optional<Review> review_from(std::string_view name);

}  // namespace likeness
