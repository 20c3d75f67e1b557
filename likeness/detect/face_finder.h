#pragma once

#include <memory>
#include <vector>

#include "likeness/detect/face_detector.h"

namespace likeness {

/// One method behind FaceDetector, which says what the two functions do. Options that every method has are
/// checked before a method sees them, and no picture is empty.
class FaceFinder {
 public:
  FaceFinder() = default;
  FaceFinder(const FaceFinder&) = delete;
  FaceFinder& operator=(const FaceFinder&) = delete;
  virtual ~FaceFinder() = default;

  [[nodiscard]] virtual std::vector<Face> detect(ImageView image) = 0;
  [[nodiscard]] virtual std::unique_ptr<FaceFinder> with_options(const DetectorOptions& options) const = 0;
};

}  // namespace likeness
