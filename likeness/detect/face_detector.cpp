#include "likeness/detect/face_detector.h"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

#include "likeness/detect/face_finder.h"
#include "likeness/detect/mtcnn.h"
#include "likeness/detect/one_stage.h"

namespace likeness {
namespace {

void check(const DetectorOptions& options) {
  const auto refuse = [](const std::string& what) {
    throw std::invalid_argument("DetectorOptions: " + what);
  };
  if (options.min_face_px < 1) refuse("min_face_px must be at least 1");
  if (!(options.min_face_share >= 0 && options.min_face_share <= 1))
    refuse("min_face_share must lie in [0, 1]");
  if (options.min_score && !(*options.min_score >= 0 && *options.min_score <= 1))
    refuse("min_score must lie in [0, 1]");
  if (options.max_side_px < 0) refuse("max_side_px must not be negative");
  if (options.threads < 1) refuse("threads must be at least 1");
}

std::unique_ptr<FaceFinder> finder_for(const ModelPack& pack, const DetectorOptions& options) {
  if (pack.kind != PackKind::kDetector)
    throw std::invalid_argument("the model pack " + pack.contract.name + " finds no faces");
  check(options);
  if (pack.detector.method == DetectorMethod::kMtcnn) return make_mtcnn(pack.folder, options);
  return make_one_stage(pack, options);
}

}  // namespace

Box clamped(const Box& box, int width, int height) {
  // An interval cut to [0, limit] that keeps one pixel, or the whole photo where that is smaller.
  const auto cut = [](float from, float to, float limit, float& low, float& high) {
    const float pixel = std::min(1.0F, limit);
    low = std::clamp(from, 0.0F, limit - pixel);
    high = std::clamp(to, low + pixel, limit);
  };
  Box result;
  cut(box.left, box.right, static_cast<float>(width), result.left, result.right);
  cut(box.top, box.bottom, static_cast<float>(height), result.top, result.bottom);
  return result;
}

FaceDetector::FaceDetector(const ModelPack& pack, const DetectorOptions& options)
    : finder_(finder_for(pack, options)) {}

FaceDetector::FaceDetector(const std::filesystem::path& folder, const DetectorOptions& options)
    : FaceDetector(load_pack(folder), options) {}

FaceDetector::FaceDetector(std::unique_ptr<FaceFinder> finder) : finder_(std::move(finder)) {}

FaceDetector FaceDetector::with_options(const DetectorOptions& options) const {
  check(options);
  return FaceDetector(finder_->with_options(options));
}

FaceDetector::~FaceDetector() = default;
FaceDetector::FaceDetector(FaceDetector&&) noexcept = default;
FaceDetector& FaceDetector::operator=(FaceDetector&&) noexcept = default;

std::vector<Face> FaceDetector::detect(ImageView image) {
  if (image.empty()) return {};
  return finder_->detect(image);
}

}  // namespace likeness
