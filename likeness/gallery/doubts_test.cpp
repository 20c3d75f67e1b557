#include "likeness/gallery/doubts.h"

#include <gtest/gtest.h>

#include <cmath>

#include "likeness/gallery/gallery.h"
#include "likeness/gallery/memory_store.h"
#include "likeness/gallery/store_testing.h"

namespace likeness {
namespace {

class Doubts : public ::testing::Test {
 protected:
  /// At so many degrees in a plane: cosines are those of differences.
  std::int64_t enrol(const std::string& name, double degrees) {
    const std::vector<float> embedding{static_cast<float>(std::cos(degrees * M_PI / 180)),
                                       static_cast<float>(std::sin(degrees * M_PI / 180)), 0, 0};
    const NewFace face = face_of(embedding, ++photos_);
    return gallery_.add_faces(name, std::span(&face, 1)).at(0).id;
  }

  int photos_ = 0;
  Gallery gallery_{
      make_memory_store({.contract = "", .contract_id = "test-model", .precision = "f32", .dimension = 4})};
};

TEST_F(Doubts, TheFaceLeastLikeTheOthersIsFirst) {
  const std::int64_t a = enrol("Ann", 0);
  const std::int64_t b = enrol("Ann", 20);
  const std::int64_t wrong = enrol("Ann", 90);
  enrol("Ben", 85);
  const std::int64_t ann = gallery_.store().find_person("Ann")->id;
  const auto found = doubts(*gallery_.view(), ann);
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].face, wrong);
  // The nearest other is 70 degrees away, the middle of the others, at 10 degrees, 80.
  EXPECT_NEAR(*found[0].similarity, (std::cos(70 * M_PI / 180) + std::cos(80 * M_PI / 180)) / 2, 1e-5);
  EXPECT_EQ(found[1].face, a);
  EXPECT_EQ(found[2].face, b);
}

TEST_F(Doubts, ACopyOfThePhotoDoesNotSpeakForIt) {
  enrol("Ann", 0);
  enrol("Ann", 20);
  const std::int64_t wrong = enrol("Ann", 90);
  const std::int64_t copy = enrol("Ann", 91);
  const auto found = doubts(*gallery_.view(), gallery_.store().find_person("Ann")->id);
  EXPECT_EQ(found[0].face, copy);
  EXPECT_EQ(found[1].face, wrong);
  EXPECT_LT(*found[1].similarity, 0.5);
}

TEST_F(Doubts, WithoutAnotherPhotoThereIsNothingToCompare) {
  enrol("Ann", 0);
  const auto found = doubts(*gallery_.view(), gallery_.store().find_person("Ann")->id);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_FALSE(found[0].similarity);
  EXPECT_TRUE(doubts(*gallery_.view(), 99).empty());
}

TEST_F(Doubts, OfManyFacesTheNearestCountsWhereverItIs) {
  for (int i = 0; i < 40; ++i) enrol("Ann", i * 0.01);  // copies of one another
  const std::int64_t far = enrol("Ann", 60);
  const std::int64_t near = enrol("Ann", 50);
  const auto found = doubts(*gallery_.view(), gallery_.store().find_person("Ann")->id);
  ASSERT_EQ(found.size(), 42U);
  for (const FaceDoubt& one : found) {
    // Of `far` the nearest is `near`, which is behind the first 32; their middle is at about 0 degrees.
    if (one.face != far && one.face != near) continue;
    const double middle = std::cos((one.face == far ? 60 : 50) * M_PI / 180);
    EXPECT_NEAR(*one.similarity, (std::cos(10 * M_PI / 180) + middle) / 2, 0.01);
  }
}

}  // namespace
}  // namespace likeness
