#include "likeness/detect/one_stage.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "likeness/core/error.h"
#include "likeness/detect/detector_check.h"
#include "likeness/detect/face_detector.h"
#include "likeness/image/read_image.h"
#include "likeness/image/resample.h"
#include "likeness/npz/npz.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

const fs::path kModels = LIKENESS_MODELS;

double difference(const Face& face, const float* box, const float* landmarks) {
  const auto& b = face.box;
  double most = std::max({std::abs(b.left - box[0]), std::abs(b.top - box[1]), std::abs(b.right - box[2]),
                          std::abs(b.bottom - box[3])});
  for (std::size_t k = 0; k < face.landmarks.size(); ++k) {
    most = std::max<double>(most, std::abs(face.landmarks[k].x - landmarks[2 * k]));
    most = std::max<double>(most, std::abs(face.landmarks[k].y - landmarks[2 * k + 1]));
  }
  return most;
}

// Every photo of the fixture at its own size, in one run, as the reference; faces in the reference's order.
void compare(const std::string& name, float min_score, int expected_faces, Road road) {
  const fs::path photos = fs::path(LIKENESS_SHARED) / "data" / "photos";
  if (!fs::exists(photos)) GTEST_SKIP() << "no " << photos;
  const ModelPack pack = load_pack(kModels / name);
  const OneStageNetwork network(pack.detector, pack.folder / pack.detector.network, 1, road);
  const NpzFile reference(fs::path(LIKENESS_TESTDATA) / (name + ".npz"));
  const auto files = reference.strings("files");
  const auto counts = reference.whole_numbers("counts").values;
  const auto boxes = reference.get<float>("boxes").values;
  const auto scores = reference.get<float>("scores").values;
  const auto landmarks = reference.get<float>("landmarks").values;
  std::size_t at = 0;
  double most = 0;
  for (std::size_t i = 0; i < files.size(); ++i) {
    const auto faces = network.faces(read_image(photos / files[i]).view(), min_score);
    ASSERT_EQ(faces.size(), static_cast<std::size_t>(counts[i])) << files[i];
    for (const Face& face : faces) {
      const double off = difference(face, boxes.data() + 4 * at, landmarks.data() + 10 * at);
      EXPECT_LT(off, .01) << files[i];
      EXPECT_NEAR(face.score, scores[at], 1e-4) << files[i];
      most = std::max(most, off);
      ++at;
    }
  }
  EXPECT_EQ(at, static_cast<std::size_t>(expected_faces));
  testing::Test::RecordProperty("largest_difference_px_e5", std::to_string(most * 1e5));
}

// tools/make_detector_references.py.
TEST(OneStageData, YunetAsOpenCv5) { compare("yunet", .6F, 96, Road::kQuicker); }
TEST(OneStageData, YunetAsOpenCv5ThroughOpenvino) { compare("yunet", .6F, 96, Road::kOpenvino); }
TEST(OneStageData, CenterfaceAsOnnxRuntime) { compare("centerface", .5F, 58, Road::kQuicker); }
TEST(OneStageData, CenterfaceAsOnnxRuntimeThroughOpenvino) {
  compare("centerface", .5F, 58, Road::kOpenvino);
}

class OneStageModels : public testing::TestWithParam<const char*> {
 protected:
  [[nodiscard]] static ModelPack pack() { return load_pack(kModels / GetParam()); }
  /// Two drawn faces, 110 and 70 pixels high, in 320 x 240.
  [[nodiscard]] static Image drawn() {
    auto picture = NpzFile(pack().folder / pack().self_test).get<std::uint8_t>("picture");
    return {static_cast<int>(picture.shape[1]), static_cast<int>(picture.shape[0]),
            std::move(picture.values)};
  }
  /// Whether `faces` are the drawn ones, `times` as large from (left, top) on, within a tenth of the face.
  static void expect_drawn(const std::vector<Face>& faces, float times, float left, float top) {
    static std::map<std::string, std::vector<Face>> found;
    std::vector<Face>& known = found[GetParam()];
    if (known.empty()) known = FaceDetector(pack()).detect(drawn().view());
    EXPECT_EQ(known.size(), 2U);
    for (const Face& one : known) {
      const float tolerance = one.box.height() * times / 10;
      EXPECT_TRUE(std::ranges::any_of(faces, [&](const Face& face) {
        return std::abs(face.box.left - (one.box.left * times + left)) < tolerance &&
               std::abs(face.box.bottom - (one.box.bottom * times + top)) < tolerance &&
               std::abs(face.landmarks[2].x - (one.landmarks[2].x * times + left)) < tolerance &&
               std::abs(face.landmarks[2].y - (one.landmarks[2].y * times + top)) < tolerance;
      })) << times;
    }
  }
};

INSTANTIATE_TEST_SUITE_P(Methods, OneStageModels, testing::Values("yunet", "centerface"));

TEST_P(OneStageModels, PassesItsSelfTest) { EXPECT_LT(run_self_test(pack(), 1), kLargestShift); }

TEST_P(OneStageModels, LandmarksAreOursFromLeftToRightAndDown) {
  for (const Face& face : FaceDetector(pack()).detect(drawn().view())) {
    const auto& p = face.landmarks;
    EXPECT_LT(p[0].x, p[2].x);
    EXPECT_LT(p[2].x, p[1].x);
    EXPECT_LT(p[3].x, p[4].x);
    EXPECT_LT(std::max(p[0].y, p[1].y), p[2].y);
    EXPECT_LT(p[2].y, std::min(p[3].y, p[4].y));
  }
}

// 5,760 x 4,320 pixels, faces of 1,980 and 1,260: far more than the network sees in one piece.
TEST_P(OneStageModels, FindsAFaceThatFillsALargePhoto) {
  const Image large = resample(drawn().view(), 320 * 18, 240 * 18, Filter::kBicubic);
  const auto faces = FaceDetector(pack(), {.min_face_px = 200}).detect(large.view());
  EXPECT_EQ(faces.size(), 2U);
  expect_drawn(faces, 18, 0, 0);
}

// 6 x 8 copies side by side: two tiles each way, whose seams cut faces.
TEST_P(OneStageModels, FindsEveryFaceOfACrowdAcrossTiles) {
  constexpr int kColumns = 6, kRows = 8;
  const Image one = drawn();
  Image crowd(320 * kColumns, 240 * kRows);
  for (int y = 0; y < crowd.height(); ++y) {
    for (int x = 0; x < kColumns; ++x)
      std::copy_n(one.view().row(y % 240), 320 * 3, crowd.row(y) + static_cast<std::ptrdiff_t>(x) * 320 * 3);
  }
  const auto faces = FaceDetector(pack()).detect(crowd.view());
  EXPECT_EQ(faces.size(), static_cast<std::size_t>(2 * kColumns * kRows));
  for (int x = 0; x < kColumns; ++x)
    for (int y = 0; y < kRows; ++y)
      expect_drawn(faces, 1, static_cast<float>(320 * x), static_cast<float>(240 * y));
}

// Faces of 19 and 13 pixels are below what the network sees; asked for, the photo is enlarged.
TEST_P(OneStageModels, EnlargesAPhotoForSmallFaces) {
  const Image small = resample(drawn().view(), 60, 45, Filter::kBicubic);
  EXPECT_TRUE(FaceDetector(pack()).detect(small.view()).empty());  // min_face_px is 20
  const auto faces = FaceDetector(pack(), {.min_face_px = 10}).detect(small.view());
  EXPECT_EQ(faces.size(), 2U);
  expect_drawn(faces, .1875F, 0, 0);
}

TEST_P(OneStageModels, OptionsLeaveOutWhatTheyName) {
  const Image picture = drawn();
  EXPECT_EQ(FaceDetector(pack()).detect(picture.view()).size(), 2U);
  EXPECT_EQ(FaceDetector(pack(), {.min_face_px = 90}).detect(picture.view()).size(), 1U);
  EXPECT_TRUE(FaceDetector(pack(), {.min_score = .999F}).detect(picture.view()).empty());
  EXPECT_TRUE(FaceDetector(pack()).detect(Image(1, 1, 7).view()).empty());
  EXPECT_TRUE(FaceDetector(pack()).detect(ImageView{}).empty());
  try {
    const FaceDetector detector(pack(), {.mtcnn = MtcnnOptions{}});
    ADD_FAILURE() << "MTCNN's options were taken";
  } catch (const std::invalid_argument& e) {
    EXPECT_NE(std::string(e.what()).find("mtcnn"), std::string::npos);
  }
}

TEST_P(OneStageModels, ThreadsAndSharedWeightsDoNotChangeTheResult) {
  const Image picture = drawn();
  FaceDetector one(pack());
  const auto expected = one.detect(picture.view());
  for (const int threads : {1, 2}) {
    const auto faces = one.with_options({.threads = threads}).detect(picture.view());
    ASSERT_EQ(faces.size(), expected.size());
    for (std::size_t i = 0; i < faces.size(); ++i) EXPECT_NEAR(faces[i].box.left, expected[i].box.left, .01);
  }
}

TEST_P(OneStageModels, AnotherMethodsNetworkIsRefused) {
  ModelPack other = pack();
  other.detector.method =
      other.detector.method == DetectorMethod::kYunet ? DetectorMethod::kCenterface : DetectorMethod::kYunet;
  try {
    const FaceDetector detector(other);
    ADD_FAILURE() << "a network of another method was taken";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kModelInvalid);
    EXPECT_NE(std::string(e.what()).find(other.detector.network), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace likeness
