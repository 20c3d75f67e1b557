#pragma once

#include <array>
#include <filesystem>
#include <memory>
#include <vector>

#include "likeness/image/geometry.h"
#include "likeness/image/image.h"

namespace likeness {

/// One face found in an image. Coordinates are pixels of that image (see geometry.h).
struct Face {
  Box box;                         ///< As detected: floats, may reach outside the image.
  float score = 0;                 ///< Probability that this is a face, in [0, 1].
  std::array<Point, 5> landmarks;  ///< Eyes, nose, mouth corners; left before right as SEEN in the image.
};

/// `box` cut to an image of width x height pixels and never empty: at least one pixel, for drawing and
/// cropping.
[[nodiscard]] Box clamped(const Box& box, int width, int height);

struct DetectorOptions {
  int min_face_px = 20;         ///< Shortest face side to look for, >= 12.
  double min_face_share = 0;    ///< And as a share of the photo's shorter side, in [0, 1]; the larger counts.
  double pyramid_step = 0.709;  ///< Size ratio of neighbouring scales, in (0, 1).
  std::array<float, 3> min_scores{0.6F, 0.7F, 0.7F};  ///< To pass P-Net, R-Net, O-Net. From mtcnn 0.1.1.
  int max_side_px =
      0;  ///< Larger images are shrunk to this longer side first; 0: never. Results are in original pixels.
  int threads = 1;  ///< Threads one call to detect() may use.
};

/// Finds faces with MTCNN's three networks (Zhang et al. 2016, arXiv:1604.02878), as the Python package mtcnn
/// 0.1.1, by kernels of this project for the CPU at hand. Made in milliseconds, cheap to move; keeps its
/// buffers between calls (about twice the photo's bytes after a large photo). Use one detector per thread.
/// Detectors made by with_options() share the weights and may be used at the same time. What it finds does
/// not depend on DetectorOptions::threads, nor beyond 1e-4 of a face's width on the CPU.
class FaceDetector {
 public:
  /// Reads pnet.onnx, rnet.onnx and onet.onnx from `model_dir`.
  /// @throws Error kModelNotFound, kModelInvalid; std::invalid_argument for options out of range.
  explicit FaceDetector(const std::filesystem::path& model_dir, DetectorOptions options = {});
  ~FaceDetector();
  FaceDetector(FaceDetector&&) noexcept;
  FaceDetector& operator=(FaceDetector&&) noexcept;

  /// Another detector with the same weights, which are not read again, and buffers of its own: for another
  /// thread. @throws std::invalid_argument for options out of range.
  [[nodiscard]] FaceDetector with_options(const DetectorOptions& options) const;

  /// Faces in `image` (any size), best score first. No face is an empty result, not an error.
  [[nodiscard]] std::vector<Face> detect(ImageView image);

 private:
  struct Weights;
  struct Run;
  FaceDetector(std::shared_ptr<const Weights> weights, const DetectorOptions& options);

  std::shared_ptr<const Weights> weights_;
  std::unique_ptr<Run> run_;  ///< Buffers, and the threads of one call.
  DetectorOptions options_;
};

}  // namespace likeness
