#include "likeness/detect/face_detector.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>

#include "likeness/core/error.h"
#include "likeness/image/read_image.h"

namespace likeness {
namespace {

const std::filesystem::path kPack = std::filesystem::path(LIKENESS_MODELS) / "mtcnn";

double iou(const Box& a, const Box& b) {
  const double width = std::min(a.right, b.right) - std::max(a.left, b.left);
  const double height = std::min(a.bottom, b.bottom) - std::max(a.top, b.top);
  if (width <= 0 || height <= 0) return 0;
  const double common = width * height;
  return common / (a.width() * a.height() + b.width() * b.height() - common);
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// What a folder's photos gave beside the reference of mtcnn 0.1.1.
struct Comparison {
  int faces = 0;
  int matched = 0;
  int extra = 0;
  int moved_by_ties = 0;              // Matched, but 0.05 px or more away.
  std::set<std::string> moved;        // Their photos.
  std::vector<double> box, landmark;  // Largest difference of each matched face, px.
  int out_of_order = 0;
};

void compare_face(const Face& face, const nlohmann::json& expected, const std::string& file,
                  Comparison& result) {
  const auto& b = expected["box"];
  const double box = std::max(
      {std::abs(face.box.left - b[0].get<double>()), std::abs(face.box.top - b[1].get<double>()),
       std::abs(face.box.right - b[2].get<double>()), std::abs(face.box.bottom - b[3].get<double>())});
  double landmark = 0;
  for (std::size_t k = 0; k < 5; ++k) {
    landmark = std::max(landmark, std::abs(face.landmarks[k].x - expected["landmarks"][k][0].get<double>()));
    landmark = std::max(landmark, std::abs(face.landmarks[k].y - expected["landmarks"][k][1].get<double>()));
  }
  result.box.push_back(box);
  result.landmark.push_back(landmark);
  if (box >= .05) {
    ++result.moved_by_ties;
    result.moved.insert(file);
  } else {
    EXPECT_NEAR(face.score, expected["score"].get<double>(), 1e-4) << file;
  }
}

void compare_photo(const nlohmann::json& photo, const std::vector<Face>& faces, Comparison& result) {
  std::set<std::size_t> used;
  std::size_t place = 0;
  for (const auto& expected : photo["faces"]) {
    const auto& b = expected["box"];
    const Box box{.left = b[0], .top = b[1], .right = b[2], .bottom = b[3]};
    ++result.faces;
    for (std::size_t i = 0; i < faces.size(); ++i) {
      if (used.contains(i) || iou(faces[i].box, box) < .9) continue;
      used.insert(i);
      ++result.matched;
      if (i != place) ++result.out_of_order;
      compare_face(faces[i], expected, photo["file"], result);
      break;
    }
    ++place;
  }
  result.extra += static_cast<int>(faces.size() - used.size());
}

Comparison compare_folder(const std::filesystem::path& folder, const std::string& reference) {
  std::ifstream file(std::filesystem::path(LIKENESS_SHARED) / "reference" / reference);
  Comparison result;
  const nlohmann::json expected = nlohmann::json::parse(file);
  for (const auto& photo : expected["photos"]) {
    FaceDetector detector(kPack, {.min_face_px = photo.value("min_face_size", 20)});
    const Image image = read_image(folder / photo["file"].get<std::string>());
    compare_photo(photo, detector.detect(image.view()), result);
  }
  return result;
}

// For --gtest_output: the README's figures come from there. Medians in 1e-5 px.
void record(const Comparison& c) {
  testing::Test::RecordProperty("matched", c.matched);
  testing::Test::RecordProperty("extra", c.extra);
  testing::Test::RecordProperty("median_box_px_e5", std::to_string(median(c.box) * 1e5));
  testing::Test::RecordProperty("median_landmark_px_e5", std::to_string(median(c.landmark) * 1e5));
}

// The counts are exact: better than expected fails too, so that they are raised on purpose.
TEST(FaceDetectorData, FiveCelebrityAsMtcnn011) {
  const auto folder = std::filesystem::path(LIKENESS_SHARED) / "data" / "five-celebrity";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no " << folder;
  const Comparison c = compare_folder(folder, "detections_five_celebrity.json");
  record(c);
  EXPECT_EQ(c.faces, 124);
  EXPECT_EQ(c.matched, 124);
  EXPECT_EQ(c.extra, 0);
  EXPECT_EQ(c.out_of_order, 0);
  EXPECT_LT(median(c.box), .001);
  EXPECT_LT(median(c.landmark), .002);
  // Equal scores, which the reference orders by an unstable sort.
  EXPECT_EQ(c.moved, (std::set<std::string>{"train/mindy_kaling/"
                                            "httpwwwbooksforbetterlivingcomwpcontentuploads"
                                            "MindyKalingAuthorPhotojpg.jpg"}));
}

TEST(FaceDetectorData, PhotosAsMtcnn011) {
  const auto folder = std::filesystem::path(LIKENESS_SHARED) / "data" / "photos";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no " << folder;
  const Comparison c = compare_folder(folder, "detections_photos.json");
  record(c);
  EXPECT_EQ(c.faces, 155);
  EXPECT_EQ(c.matched, 155);
  EXPECT_EQ(c.extra, 0);
  EXPECT_EQ(c.out_of_order, 2);  // Two faces of dlib/bald_guys.jpg with equal scores change places.
  EXPECT_LT(median(c.box), .001);
  EXPECT_LT(median(c.landmark), .002);
  // Equal scores again; and a photo in ProPhoto RGB, whose colours the reference took for sRGB's.
  EXPECT_EQ(c.moved, (std::set<std::string>{"compreface/003_A.jpg",
                                            "face_recognition/knn_examples/train/kit_harington/john2.jpeg"}));
}

// Weights are shared by with_options(); a share of the shorter side stands for pixels.
TEST(FaceDetectorData, DetectorsThatShareWeightsFindTheSame) {
  const auto file = std::filesystem::path(LIKENESS_SHARED) / "data" / "photos" / "compreface" / "003_A.jpg";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "no " << file;
  const Image image = read_image(file);
  const int shorter = std::min(image.width(), image.height());
  const double share = (shorter / 4 + .5) / shorter;
  const auto boxes = [&](FaceDetector& detector) {
    std::vector<Box> found;
    for (const Face& face : detector.detect(image.view())) found.push_back(face.box);
    return found;
  };
  FaceDetector large(kPack, {.min_face_px = shorter / 4});
  const auto expected = boxes(large);
  ASSERT_FALSE(expected.empty());
  std::optional<FaceDetector> all(std::in_place, kPack);
  ASSERT_NE(boxes(*all), expected);
  FaceDetector by_share = all->with_options({.min_face_share = share});
  FaceDetector more = by_share.with_options({.min_face_px = shorter / 4, .min_face_share = .01});
  all.reset();  // the weights stay
  EXPECT_EQ(boxes(by_share), expected);
  EXPECT_EQ(boxes(more), expected);
  EXPECT_THROW((void)more.with_options({.min_face_px = 1}), std::invalid_argument);
}

TEST(FaceDetectorModels, NothingToSeeIsAnEmptyList) {
  FaceDetector detector(kPack);
  EXPECT_TRUE(detector.detect({}).empty());
  EXPECT_TRUE(detector.detect(Image(1, 1, 7).view()).empty());
  EXPECT_TRUE(detector.detect(Image(19, 400, 128).view()).empty());
  EXPECT_TRUE(detector.detect(Image(333, 214, 255).view()).empty());
}

TEST(FaceDetectorModels, OptionsOutOfRangeAreRefused) {
  const auto refused = [](DetectorOptions options) {
    EXPECT_THROW(FaceDetector(kPack, options), std::invalid_argument);
  };
  refused({.min_face_px = 11});
  refused({.min_face_share = -.1});
  refused({.min_face_share = 1.1});
  refused({.mtcnn = MtcnnOptions{.pyramid_step = 1}});
  refused({.mtcnn = MtcnnOptions{.pyramid_step = 0}});
  refused({.mtcnn = MtcnnOptions{.min_scores = {.6F, 1.1F, .7F}}});
  refused({.min_score = 1.1F});
  refused({.max_side_px = -1});
  refused({.threads = 0});
}

TEST(FaceDetectorModels, MissingFilesAreNamed) {
  try {
    const FaceDetector detector("/no/such/pack");
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kModelNotFound);
    EXPECT_STREQ(error.what(), "no model pack at /no/such/pack");
  }
}

}  // namespace
}  // namespace likeness
