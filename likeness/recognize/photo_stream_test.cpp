#include "likeness/recognize/photo_stream.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <stdexcept>

#include "likeness/core/error.h"
#include "likeness/core/on_every_target.h"
#include "likeness/image/read_image.h"
#include "likeness/recognize/recognizer.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

const fs::path kPhotos = LIKENESS_SHARED "/data/five-celebrity/val";

class PhotoStreamTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(kPhotos)) GTEST_SKIP() << "the photos of " << kPhotos << " are not here";
    for (const auto& entry : fs::recursive_directory_iterator(kPhotos)) {
      if (entry.is_regular_file()) photos_.push_back(entry.path());
    }
    std::sort(photos_.begin(), photos_.end());
    photos_.resize(10);
    photos_.insert(photos_.begin() + 3, "no_such_photo.jpg");
  }

  [[nodiscard]] std::vector<PhotoFaces> run(const StreamOptions& options) const {
    PhotoStream stream(load_pack(fs::path(LIKENESS_MODELS) / "mtcnn"),
                       load_pack(fs::path(LIKENESS_MODELS) / "20180408-102900"), options);
    std::vector<PhotoFaces> results;
    stream.run(photos_, [&](PhotoFaces&& photo) { results.push_back(std::move(photo)); });
    return results;
  }

  std::vector<fs::path> photos_;
};

TEST_F(PhotoStreamTest, ChipsAndTheirOrderDoNotDependOnThreads) {
  const auto expected = run({.until = Stage::kAlign, .threads = 1});
  const auto results = run({.until = Stage::kAlign, .threads = 3});
  ASSERT_EQ(results.size(), photos_.size());
  ASSERT_EQ(expected.size(), photos_.size());
  for (std::size_t i = 0; i < results.size(); ++i) {
    EXPECT_EQ(results[i].index, i);
    EXPECT_EQ(results[i].file, photos_[i]);
    EXPECT_EQ(results[i].chips, expected[i].chips);
  }
}

TEST_F(PhotoStreamTest, AveragesTheViewsOfAQualityBesideTheContractsOwn) {
  const auto single = run({.threads = 2});
  const auto two = run({.quality = Quality::kTwoViews, .threads = 2});
  const auto again = run({.quality = Quality::kTwoViews, .threads = 1, .batch = 3});
  ASSERT_EQ(two.size(), photos_.size());
  std::size_t faces = 0;
  for (std::size_t i = 0; i < two.size(); ++i) {
    EXPECT_EQ(single[i].averaged.values, single[i].embeddings.values);
    ASSERT_EQ(two[i].averaged.size(), two[i].chosen.size());
    EXPECT_EQ(two[i].chips, single[i].chips);
    EXPECT_TRUE(two[i].other_views.empty());
    for (std::size_t face = 0; face < two[i].chosen.size(); ++face, ++faces) {
      EXPECT_GT(dot(two[i].embeddings[face], single[i].embeddings[face]), 1 - 1e-5);
      EXPECT_GT(dot(two[i].averaged[face], again[i].averaged[face]), 1 - 1e-5);
      const double moved = dot(two[i].averaged[face], two[i].embeddings[face]);
      EXPECT_GT(moved, 0.8);
      EXPECT_LT(moved, 0.999);
    }
  }
  EXPECT_GE(faces, 10U);
}

// A decode that is shrunk, though it would do for large faces, moves boxes and loses faces (bench/RESULTS.md,
// "Shrinking while decoding").
TEST_F(PhotoStreamTest, PhotosAreDecodedInFullWhateverTheLeastFace) {
  for (const int min_face : {20, 48, 96}) {
    const DetectorOptions detector{.min_face_px = min_face};
    FaceDetector alone(fs::path(LIKENESS_MODELS) / "mtcnn", detector);
    std::size_t faces = 0;
    for (const PhotoFaces& photo : run({.until = Stage::kDetect, .detector = detector, .threads = 2})) {
      if (!photo.error.empty()) continue;
      const Image image = read_image(photo.file);
      EXPECT_EQ(photo.width, image.width());
      EXPECT_EQ(photo.height, image.height());
      const std::vector<Face> expected = alone.detect(image.view());
      ASSERT_EQ(photo.faces.size(), expected.size()) << photo.file;
      for (std::size_t i = 0; i < expected.size(); ++i) {
        EXPECT_EQ(photo.faces[i].box, expected[i].box) << photo.file;
        EXPECT_EQ(photo.faces[i].score, expected[i].score) << photo.file;
      }
      faces += expected.size();
    }
    EXPECT_GE(faces, 5U);  // else nothing was compared
  }
}

TEST_F(PhotoStreamTest, EmbeddingsDoNotDependOnThreadsOrBatches) {
  const auto expected = run({.threads = 1, .batch = 32});
  const auto results = run({.threads = 3, .batch = 2});
  ASSERT_EQ(results.size(), expected.size());
  for (std::size_t i = 0; i < results.size(); ++i) {
    ASSERT_EQ(results[i].embeddings.values.size(), expected[i].embeddings.values.size());
    ASSERT_EQ(results[i].embeddings.size(), results[i].chosen.size());
    for (std::size_t j = 0; j < expected[i].embeddings.values.size(); ++j) {
      ASSERT_NEAR(results[i].embeddings.values[j], expected[i].embeddings.values[j], 1e-4);
    }
  }
}

TEST_F(PhotoStreamTest, FacesAndEmbeddingsDoNotDependOnTheKernelsInstructions) {
  photos_.resize(3);
  PhotoStream stream(load_pack(fs::path(LIKENESS_MODELS) / "mtcnn"),
                     load_pack(fs::path(LIKENESS_MODELS) / "20180408-102900"), {.threads = 2});
  const auto results = [&] {
    std::vector<PhotoFaces> photos;
    stream.run(photos_, [&](PhotoFaces&& photo) { photos.push_back(std::move(photo)); });
    return photos;
  };
  const auto expected = results();
  on_every_target([&] {
    const auto found = results();
    for (std::size_t i = 0; i < expected.size(); ++i) {
      ASSERT_EQ(found[i].faces.size(), expected[i].faces.size());
      for (std::size_t j = 0; j < expected[i].faces.size(); ++j) {
        const Face &face = found[i].faces[j], &known = expected[i].faces[j];
        EXPECT_NEAR(face.score, known.score, 1e-4);
        EXPECT_NEAR(face.box.left, known.box.left, 1e-4 * known.box.width());
        EXPECT_NEAR(face.box.bottom, known.box.bottom, 1e-4 * known.box.width());
      }
      ASSERT_EQ(found[i].embeddings.values.size(), expected[i].embeddings.values.size());
      for (std::size_t j = 0; j < expected[i].embeddings.values.size(); ++j)
        ASSERT_NEAR(found[i].embeddings.values[j], expected[i].embeddings.values[j], 1e-4);
    }
  });
}

TEST_F(PhotoStreamTest, AnUnreadablePhotoArrivesInItsPlaceWithItsError) {
  const auto results = run({.until = Stage::kDetect, .threads = 2});
  ASSERT_EQ(results.size(), photos_.size());
  EXPECT_NE(results[3].error.find("no_such_photo.jpg"), std::string::npos) << results[3].error;
  EXPECT_TRUE(results[3].faces.empty());
  EXPECT_TRUE(results[4].error.empty());
  EXPECT_FALSE(results[4].faces.empty());
  EXPECT_TRUE(results[4].chips.empty());
}

TEST_F(PhotoStreamTest, MainFacesAreOneAPhotoAndHashesAreOfTheBytes) {
  const auto results = run({.until = Stage::kAlign, .faces = FacesWanted::kMain, .threads = 2, .hash = true});
  for (const PhotoFaces& photo : results) {
    if (!photo.error.empty()) continue;
    EXPECT_LE(photo.chips.size(), 1U);
    EXPECT_EQ(photo.sha256.size(), 64U);
  }
}

TEST_F(PhotoStreamTest, ADamagedNetworkIsToldByRunAndByLoad) {
  ModelPack embedder = load_pack(fs::path(LIKENESS_MODELS) / "20180408-102900");
  embedder.folder = "/no/such/pack";
  PhotoStream stream(load_pack(fs::path(LIKENESS_MODELS) / "mtcnn"), embedder, {.threads = 2});
  for (int attempt = 0; attempt < 2; ++attempt) {
    try {
      if (attempt == 0) {
        stream.run(photos_, [](PhotoFaces&&) {});
      } else {
        stream.load();
      }
      ADD_FAILURE() << "a network that is not there was loaded";
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kModelNotFound);
      EXPECT_NE(std::string(e.what()).find("/no/such/pack"), std::string::npos) << e.what();
    }
  }
}

TEST_F(PhotoStreamTest, AnExceptionOfTheSinkComesOut) {
  PhotoStream stream(load_pack(fs::path(LIKENESS_MODELS) / "mtcnn"), {},
                     {.until = Stage::kDetect, .threads = 2});
  EXPECT_THROW(stream.run(photos_, [](PhotoFaces&&) { throw std::runtime_error("stop"); }),
               std::runtime_error);
}

}  // namespace
}  // namespace likeness
