// Detection, crops and embeddings in the tiny world, with the kernels that the real models use.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "likeness/core/atomic_file.h"
#include "likeness/detect/face_detector.h"
#include "likeness/embed/check_pack.h"
#include "likeness/embed/embedder.h"
#include "likeness/image/write_image.h"
#include "likeness/recognize/photo_stream.h"
#include "tests/tiny/tiny_world.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;
using tiny::DrawnFace;

/// Farthest of box and landmarks from what was drawn, in heights of the face.
float distance(const Face& found, const DrawnFace& drawn) {
  const Box box = tiny::box_of(drawn);
  float worst = std::max({std::abs(found.box.left - box.left), std::abs(found.box.top - box.top),
                          std::abs(found.box.right - box.right), std::abs(found.box.bottom - box.bottom)});
  for (std::size_t k = 0; k < 5; ++k) {
    const Point point = tiny::landmarks_of(drawn)[k];
    worst = std::max(worst, std::hypot(found.landmarks[k].x - point.x, found.landmarks[k].y - point.y));
  }
  return worst / drawn.height;
}

TEST(TinyDetector, FindsDrawnFacesOfAllSizesAndNothingElse) {
  FaceDetector detector(tiny::detector().folder);
  for (std::uint32_t seed = 0; seed < 12; ++seed) {
    const int person = static_cast<int>(seed) * 3;
    const std::vector<DrawnFace> drawn{{person, 60, 62, 24.0F + 2 * static_cast<float>(seed)},
                                       {person + 1, 170, 70, 90},
                                       {person + 2, 270, 60, 64 - 2 * static_cast<float>(seed)}};
    const auto faces = detector.detect(tiny::draw(drawn, 330, 140, seed).view());
    ASSERT_EQ(faces.size(), 3U) << "seed " << seed;
    for (const DrawnFace& one : drawn) {
      const auto nearest = std::min_element(faces.begin(), faces.end(), [&](const Face& a, const Face& b) {
        return distance(a, one) < distance(b, one);
      });
      EXPECT_LT(distance(*nearest, one), 0.12F) << "seed " << seed << ", person " << one.person;
      EXPECT_GT(nearest->score, 0.7F);
    }
  }
}

TEST(TinyDetector, FindsNobodyInPicturesWithoutFaces) {
  FaceDetector detector(tiny::detector().folder);
  for (std::uint32_t seed = 100; seed < 120; ++seed)
    EXPECT_TRUE(detector.detect(tiny::draw({}, 300, 200, seed).view()).empty()) << "seed " << seed;
}

TEST(TinyDetector, FindsTheSameWithSeveralThreads) {
  std::vector<DrawnFace> drawn;
  for (int i = 0; i < 6; ++i) drawn.push_back({i, 60.0F + 100 * static_cast<float>(i), 70, 70});
  const Image picture = tiny::draw(drawn, 640, 140, 5);
  const auto expected = FaceDetector(tiny::detector().folder).detect(picture.view());
  const auto results = FaceDetector(tiny::detector().folder, {.threads = 3}).detect(picture.view());
  ASSERT_EQ(expected.size(), 6U);
  ASSERT_EQ(results.size(), 6U);
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(results[i].box, expected[i].box);
    EXPECT_EQ(results[i].landmarks, expected[i].landmarks);
  }
}

class TinyStream : public testing::Test {
 protected:
  [[nodiscard]] static std::vector<PhotoFaces> run(const std::vector<fs::path>& photos, int threads,
                                                   int batch = 32) {
    PhotoStream stream(tiny::detector(), tiny::embedder(),
                       {.faces = FacesWanted::kMain, .threads = threads, .batch = batch, .hash = true});
    std::vector<PhotoFaces> results;
    stream.run(PhotoSource::files(photos), [&](PhotoFaces&& photo) { results.push_back(std::move(photo)); });
    return results;
  }
  tiny::Folder folder_;
};

TEST(TinyEmbedder, GivesItsSelfTestOfNumPy) {
  // Written by tools/make_tiny_packs.py, which computes it itself.
  const PackCheck check = check_pack(tiny::embedder());
  EXPECT_TRUE(check.passed());
  EXPECT_GT(check.cosine, 0.999999);
}

TEST(TinyEmbedder, IsComputedByOurOwnKernels) {
  // Or it could not run under a sanitizer, which OpenVINO's TBB cannot bear.
  const Embedder embedder(tiny::embedder());
  std::ifstream maps("/proc/self/maps");
  const std::string mapped{std::istreambuf_iterator<char>(maps), {}};
  EXPECT_NE(mapped.find("libc.so"), std::string::npos);
  EXPECT_EQ(mapped.find("libopenvino"), std::string::npos);
}

TEST_F(TinyStream, TellsDrawnPeopleApart) {
  constexpr int kPeople = 12;
  constexpr int kPhotos = 3;
  const auto photos = run(tiny::write_people(folder_.path(), 0, kPeople, kPhotos, 1), 2);
  ASSERT_EQ(photos.size(), static_cast<std::size_t>(kPeople * kPhotos));
  double same = 0, different = 0, lowest = 1, highest = -1;
  int same_pairs = 0, different_pairs = 0;
  for (std::size_t a = 0; a < photos.size(); ++a) {
    ASSERT_EQ(photos[a].embeddings.size(), 1U) << photos[a].file;
    for (std::size_t b = 0; b < a; ++b) {
      const double cosine = dot(photos[a].embeddings[0], photos[b].embeddings[0]);
      if (a / kPhotos == b / kPhotos) {
        same += cosine, ++same_pairs;
        lowest = std::min(lowest, cosine);
      } else {
        different += cosine, ++different_pairs;
        highest = std::max(highest, cosine);
      }
    }
  }
  EXPECT_GT(same / same_pairs, 0.9);
  EXPECT_LT(different / different_pairs, 0.1);
  EXPECT_GT(lowest, highest);
}

TEST_F(TinyStream, ResultsDoNotDependOnThreadsOrBatches) {
  auto files = tiny::write_people(folder_.path(), 0, 5, 2, 50);
  write_file(folder_ / "broken.png", "no picture");
  files.insert(files.begin() + 3, folder_ / "broken.png");
  const auto expected = run(files, 1);
  const auto results = run(files, 3, 2);
  ASSERT_EQ(results.size(), files.size());
  for (std::size_t i = 0; i < files.size(); ++i) {
    EXPECT_EQ(results[i].index, i);
    EXPECT_EQ(results[i].error.empty(), i != 3) << results[i].error;
    EXPECT_EQ(results[i].sha256, expected[i].sha256);
    EXPECT_EQ(results[i].chips, expected[i].chips);
    ASSERT_EQ(results[i].embeddings.values.size(), expected[i].embeddings.values.size());
    for (std::size_t v = 0; v < expected[i].embeddings.values.size(); ++v)
      EXPECT_NEAR(results[i].embeddings.values[v], expected[i].embeddings.values[v], 1e-5);
  }
}

TEST_F(TinyStream, TwoStreamsRunBesideEachOther) {
  const auto files = tiny::write_people(folder_.path(), 0, 4, 1, 70);
  const auto expected = run(files, 1);
  std::vector<PhotoFaces> one, two;
  std::thread first([&] { one = run(files, 2); });
  std::thread second([&] { two = run(files, 2); });
  first.join();
  second.join();
  ASSERT_EQ(one.size(), expected.size());
  ASSERT_EQ(two.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(one[i].chips, expected[i].chips);
    EXPECT_EQ(two[i].chips, expected[i].chips);
  }
}

}  // namespace
}  // namespace likeness
