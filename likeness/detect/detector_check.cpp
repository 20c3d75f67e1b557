#include "likeness/detect/detector_check.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "likeness/core/error.h"
#include "likeness/detect/face_detector.h"
#include "likeness/npz/npz.h"

namespace likeness {
namespace {

constexpr double kLargestScoreDifference = 0.001;
constexpr std::size_t kLargestPicture = 4096;

struct SelfTest {
  Image picture;
  std::vector<Face> faces;
  float min_score = 0;
};

SelfTest read(const std::filesystem::path& path) {
  const NpzFile file(path);
  auto picture = file.get<std::uint8_t>("picture");
  const auto boxes = file.get<float>("boxes");
  const auto scores = file.get<float>("scores");
  const auto landmarks = file.get<float>("landmarks");
  const auto min_score = file.get<float>("min_score");
  const std::size_t faces = scores.values.size();
  using Shape = std::vector<std::size_t>;
  const bool right = picture.shape.size() == 3 && picture.shape[2] == 3 &&
                     picture.shape[0] <= kLargestPicture && picture.shape[1] <= kLargestPicture &&
                     !picture.values.empty() && faces > 0 && boxes.shape == Shape{faces, 4} &&
                     landmarks.shape == Shape{faces, 5, 2} && min_score.values.size() == 1;
  if (!right) throw Error(ErrorCode::kModelInvalid, path.string() + " is not the self-test of a detector");
  SelfTest test{Image(static_cast<int>(picture.shape[1]), static_cast<int>(picture.shape[0]),
                      std::move(picture.values)),
                std::vector<Face>(faces), min_score.values[0]};
  for (std::size_t i = 0; i < faces; ++i) {
    Face& face = test.faces[i];
    const float* box = boxes.values.data() + 4 * i;
    face.box = {.left = box[0], .top = box[1], .right = box[2], .bottom = box[3]};
    face.score = scores.values[i];
    const float* points = landmarks.values.data() + 10 * i;
    for (std::size_t k = 0; k < face.landmarks.size(); ++k)
      face.landmarks[k] = {.x = points[2 * k], .y = points[2 * k + 1]};
  }
  return test;
}

double difference(const Face& a, const Face& b) {
  if (!(std::abs(a.score - b.score) <= kLargestScoreDifference))
    return std::numeric_limits<double>::infinity();
  double most = 0;
  const auto take = [&most](float x, float y) {
    most = std::max(most, static_cast<double>(std::max(std::abs(x), std::abs(y))));
  };
  take(a.box.left - b.box.left, a.box.top - b.box.top);
  take(a.box.right - b.box.right, a.box.bottom - b.box.bottom);
  for (std::size_t k = 0; k < a.landmarks.size(); ++k)
    take(a.landmarks[k].x - b.landmarks[k].x, a.landmarks[k].y - b.landmarks[k].y);
  return most;
}

}  // namespace

double run_self_test(const ModelPack& detector, int threads) {
  if (detector.self_test.empty())
    throw Error(ErrorCode::kModelInvalid, "the model pack " + detector.contract.name + " has no self-test");
  SelfTest test;
  try {
    test = read(detector.folder / detector.self_test);
  } catch (const Error& e) {
    throw Error(ErrorCode::kModelInvalid, e.what());  // a damaged part of a model, whatever its format
  }
  FaceDetector finder(detector, {.min_score = test.min_score, .threads = threads});
  const std::vector<Face> faces = finder.detect(test.picture.view());
  if (faces.size() != test.faces.size()) return std::numeric_limits<double>::infinity();
  double most = 0;
  for (std::size_t i = 0; i < faces.size(); ++i) most = std::max(most, difference(faces[i], test.faces[i]));
  return most;
}

}  // namespace likeness
