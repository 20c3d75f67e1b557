#pragma once

#include <array>
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "likeness/image/geometry.h"
#include "likeness/image/image.h"
#include "likeness/model/model_pack.h"

namespace likeness {

class FaceFinder;

/// One face found in an image. Coordinates are pixels of that image (see geometry.h).
struct Face {
  Box box;                         ///< As detected: floats, may reach outside the image.
  float score = 0;                 ///< Probability that this is a face, in [0, 1].
  std::array<Point, 5> landmarks;  ///< Eyes, nose, mouth corners; left before right as SEEN in the image.
};

/// `box` cut to an image of width x height pixels and never empty: at least one pixel, for drawing and
/// cropping.
[[nodiscard]] Box clamped(const Box& box, int width, int height);

/// What means something for MTCNN alone.
struct MtcnnOptions {
  double pyramid_step = 0.709;                        ///< Size ratio of neighbouring scales, in (0, 1).
  std::array<float, 3> min_scores{0.6F, 0.7F, 0.7F};  ///< To pass P-Net, R-Net, O-Net. From mtcnn 0.1.1.
};

struct DetectorOptions {
  int min_face_px = 20;       ///< Shortest face side to look for, >= 1; for MTCNN >= 12.
  double min_face_share = 0;  ///< And as a share of the photo's shorter side, in [0, 1]; the larger counts.
  /// A face's least score, in [0, 1]; empty: the pack's own. For MTCNN the last of its three.
  std::optional<float> min_score{};
  int max_side_px =
      0;  ///< Larger images are shrunk to this longer side first; 0: never. Results are in original pixels.
  int threads = 1;                      ///< Threads one call to detect() may use.
  std::optional<MtcnnOptions> mtcnn{};  ///< Refused by other methods; empty: its defaults.
};

/// Finds faces, by the method that its pack names: MTCNN (as the Python package mtcnn 0.1.1), YuNet (as
/// OpenCV's FaceDetectorYN at the same size) or CenterFace. MTCNN runs on kernels of this project and is made
/// in milliseconds; the others run through OpenVINO and take tenths of a second. Photos larger than a network
/// sees are looked at in scales, and in parts. Cheap to move; keeps its buffers between calls (MTCNN about
/// twice the photo's bytes after a large photo). Use one detector per thread. Detectors made by
/// with_options() share the weights and may be used at the same time. What it finds does not depend on
/// DetectorOptions::threads, nor beyond 1e-4 of a face's width on the CPU.
class FaceDetector {
 public:
  /// @throws Error kModelNotFound, kModelInvalid, and kUnsupported where OpenVINO is needed and missing;
  /// std::invalid_argument for options out of range or of another method, or for a pack that is no detector.
  explicit FaceDetector(const ModelPack& pack, const DetectorOptions& options = {});
  /// Of the pack in `folder`.
  explicit FaceDetector(const std::filesystem::path& folder, const DetectorOptions& options = {});
  ~FaceDetector();
  FaceDetector(FaceDetector&&) noexcept;
  FaceDetector& operator=(FaceDetector&&) noexcept;

  /// Another detector with the same weights, which are not read again, and buffers of its own: for another
  /// thread. @throws std::invalid_argument for options out of range.
  [[nodiscard]] FaceDetector with_options(const DetectorOptions& options) const;

  /// Faces in `image` (any size), best score first. No face is an empty result, not an error.
  [[nodiscard]] std::vector<Face> detect(ImageView image);

 private:
  explicit FaceDetector(std::unique_ptr<FaceFinder> finder);
  std::unique_ptr<FaceFinder> finder_;
};

}  // namespace likeness
