#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "likeness/detect/face_detector.h"
#include "likeness/image/geometry.h"

namespace likeness {

/// The faces that somebody marked in a photo: boxes, or one point inside each face (its nose).
struct MarkedPhoto {
  std::string file;  ///< Relative to the folder that the marks came from.
  std::vector<Box> boxes;
  std::vector<Point> points;

  [[nodiscard]] std::size_t faces() const { return boxes.size() + points.size(); }
};

/// Reads dlib's XML (`<image file='...'><box top= left= width= height=/>`; boxes with ignore='1' are left
/// out), or CompreFace's JSON (`noses`: {photo: [[x, y], ...]}), told by the name's ending. @throws Error
/// kInputUnreadable, kDataInvalid with the line or field.
[[nodiscard]] std::vector<MarkedPhoto> read_marks(const std::filesystem::path& path);

/// A detector's boxes of each photo, by the photo's name without its folder, from JSON: {"photos": [{"file":
/// "folder/photo.jpg", "faces": [{"box": [x1, y1, x2, y2]}]}]}. @throws Error kInputUnreadable, kDataInvalid.
[[nodiscard]] std::map<std::string, std::vector<Box>> read_boxes(const std::filesystem::path& path);

/// Intersection over union, in [0, 1].
[[nodiscard]] double overlap(const Box& a, const Box& b);

struct DetectionCount {
  std::size_t marked = 0;
  std::size_t detected = 0;
  std::size_t matched = 0;  ///< Marked faces with a detection of their own.

  /// Empty where no face is marked.
  [[nodiscard]] std::optional<double> recall() const {
    return marked == 0 ? std::nullopt
                       : std::optional(static_cast<double>(matched) / static_cast<double>(marked));
  }
  /// Empty where no face was detected.
  [[nodiscard]] std::optional<double> precision() const {
    return detected == 0 ? std::nullopt
                         : std::optional(static_cast<double>(matched) / static_cast<double>(detected));
  }
  DetectionCount& operator+=(const DetectionCount& other);
};

/// Pairs marks with detections, one to one, the best fit first: boxes that overlap by at least
/// `least_overlap`, points inside a box (nearest to its centre first).
[[nodiscard]] DetectionCount match_detections(const MarkedPhoto& marks, std::span<const Box> detections,
                                              double least_overlap = 0.5);

}  // namespace likeness
