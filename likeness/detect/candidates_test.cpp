#include "likeness/detect/candidates.h"

#include <gtest/gtest.h>

#include "likeness/detect/face_detector.h"

namespace likeness {
namespace {

Candidate box(double x1, double y1, double x2, double y2, float score) {
  return {.x1 = x1, .y1 = y1, .x2 = x2, .y2 = y2, .score = score};
}

std::vector<double> lefts(const std::vector<Candidate>& boxes) {
  std::vector<double> result;
  for (const Candidate& b : boxes) result.push_back(b.x1);
  return result;
}

std::vector<double> lefts_after(std::vector<Candidate> boxes, double threshold, Overlap overlap) {
  SuppressScratch scratch;
  suppress(boxes, threshold, overlap, scratch);
  return lefts(boxes);
}

TEST(Suppress, CountsBothEndsOfABox) {
  // 10 x 10 pixels each; columns 6..10 are common: 50 of 150 pixels, exactly a third.
  const std::vector<Candidate> boxes{box(1, 1, 10, 10, .9F), box(6, 1, 15, 10, .8F)};
  EXPECT_EQ(lefts_after(boxes, 1.0 / 3, Overlap::kUnion), (std::vector<double>{1, 6}));  // not above: kept
  EXPECT_EQ(lefts_after(boxes, .333, Overlap::kUnion), (std::vector<double>{1}));
}

TEST(Suppress, SmallerAreaFindsABoxInsideAnother) {
  const std::vector<Candidate> boxes{box(1, 1, 100, 100, .9F), box(40, 40, 49, 49, .8F)};
  EXPECT_EQ(lefts_after(boxes, .7, Overlap::kUnion), (std::vector<double>{1, 40}));
  EXPECT_EQ(lefts_after(boxes, .7, Overlap::kMin), (std::vector<double>{1}));
}

TEST(Suppress, DroppedBoxSuppressesNothing) {
  // The second falls to the first; the third overlaps only the second.
  const std::vector<Candidate> boxes{box(1, 1, 10, 10, .9F), box(5, 1, 14, 10, .8F), box(9, 1, 18, 10, .7F)};
  EXPECT_EQ(lefts_after(boxes, .4, Overlap::kUnion), (std::vector<double>{1, 9}));
}

TEST(Suppress, OfEqualScoresTheLaterWins) {
  const std::vector<Candidate> boxes{box(1, 1, 10, 10, .9F), box(2, 1, 11, 10, .9F),
                                     box(30, 1, 39, 10, .95F)};
  EXPECT_EQ(lefts_after(boxes, .5, Overlap::kUnion), (std::vector<double>{30, 2}));
}

TEST(Suppress, NothingStaysNothing) { EXPECT_TRUE(lefts_after({}, .5, Overlap::kUnion).empty()); }

TEST(Refine, MovesSidesByWidthAndHeight) {
  Candidate b = box(10, 20, 20, 40, 1);
  b.shift = {.1F, -.1F, 0, .5F};
  Candidate plus = b;
  refine(b, 0);  // width 10, height 20
  EXPECT_NEAR(b.x1, 11, 1e-5);
  EXPECT_NEAR(b.y1, 18, 1e-5);
  EXPECT_NEAR(b.x2, 20, 1e-5);
  EXPECT_NEAR(b.y2, 50, 1e-5);
  refine(plus, 1);  // width 11, height 21
  EXPECT_NEAR(plus.x1, 11.1, 1e-5);
  EXPECT_NEAR(plus.y2, 50.5, 1e-5);
}

TEST(MakeSquare, GrowsTheShorterSideAboutTheCentre) {
  Candidate b = box(0, 0, 10, 20, 1);
  make_square(b);
  EXPECT_EQ(b.x1, -5);
  EXPECT_EQ(b.x2, 15);
  EXPECT_EQ(b.y1, 0);
  EXPECT_EQ(b.y2, 20);
}

TEST(Fix, TruncatesTowardZero) {
  Candidate b = box(-1.9, 1.9, -.1, 7, 1);
  fix(b);
  EXPECT_EQ(b.x1, -1);
  EXPECT_EQ(b.y1, 1);
  EXPECT_EQ(b.x2, 0);
  EXPECT_EQ(b.y2, 7);
}

TEST(Clamped, IsInsideAndNeverEmpty) {
  EXPECT_EQ(clamped({.left = -5, .top = 2.5F, .right = 8, .bottom = 30}, 20, 10),
            (Box{.left = 0, .top = 2.5F, .right = 8, .bottom = 10}));
  EXPECT_EQ(clamped({.left = 25, .top = -9, .right = 40, .bottom = -3}, 20, 10),
            (Box{.left = 19, .top = 0, .right = 20, .bottom = 1}));
  EXPECT_EQ(clamped({.left = 5, .top = 5, .right = 5, .bottom = 4}, 20, 10),
            (Box{.left = 5, .top = 5, .right = 6, .bottom = 6}));
}

}  // namespace
}  // namespace likeness
