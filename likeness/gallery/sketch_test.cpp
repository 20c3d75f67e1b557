// Sketches, the search by them, and the checksum of the file they are kept in.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>

#include "likeness/core/on_every_target.h"
#include "likeness/embed/byte_values.h"
#include "likeness/gallery/sketch_index.h"
#include "likeness/gallery/synthetic.h"

namespace likeness {
namespace {

std::vector<std::uint64_t> sketch_of(const Sketcher& sketcher, std::span<const float> values) {
  std::vector<std::int8_t> bytes(values.size());
  static_cast<void>(quantize(values, bytes));
  std::vector<std::uint64_t> words(sketcher.words());
  sketcher.sketch(bytes, words.data());
  return words;
}

std::size_t differing(const std::vector<std::uint64_t>& a, const std::vector<std::uint64_t>& b) {
  std::size_t bits = 0;
  for (std::size_t w = 0; w < a.size(); ++w) bits += static_cast<std::size_t>(std::popcount(a[w] ^ b[w]));
  return bits;
}

TEST(Sketcher, HasTwoBitsAValueUpTo512) {
  EXPECT_EQ(Sketcher(1).bits(), 64U);
  EXPECT_EQ(Sketcher(64).bits(), 128U);
  EXPECT_EQ(Sketcher(100).bits(), 256U);
  EXPECT_EQ(Sketcher(128).bits(), 256U);
  EXPECT_EQ(Sketcher(512).bits(), 512U);
  EXPECT_EQ(Sketcher(2000).bits(), 512U);
  EXPECT_THROW(Sketcher(0), std::invalid_argument);
}

TEST(Sketcher, BitsDifferByTheAngle) {
  for (const std::size_t dimension : {100U, 128U, 512U, 700U}) {
    const Sketcher sketcher(dimension);
    const Embeddings faces = synthetic_faces(100, 2, dimension, 5);
    double mates = 0;
    double strangers = 0;
    double by_angle = 0;
    for (std::size_t i = 0; i < 200; i += 2) {
      const auto face = sketch_of(sketcher, faces[i]);
      mates += static_cast<double>(differing(face, sketch_of(sketcher, faces[i + 1])));
      strangers += static_cast<double>(differing(face, sketch_of(sketcher, faces[(i + 2) % 200])));
      by_angle += std::acos(dot(faces[i], faces[i + 1])) / std::numbers::pi;
    }
    const double bits = 100 * static_cast<double>(sketcher.bits());
    // A share of p of n bits is known to sqrt(p (1 - p) / n): .003 for 25,600 bits.
    EXPECT_NEAR(mates / bits, by_angle / 100, 0.012) << dimension;
    EXPECT_NEAR(strangers / bits, 0.5, 0.012) << dimension;
  }
}

TEST(Sketcher, TheOppositeVectorHasTheOppositeBits) {
  const Sketcher sketcher(512);
  const Embeddings face = synthetic_faces(1, 1, 512, 3);
  std::vector<float> opposite(face[0].begin(), face[0].end());
  for (float& value : opposite) value = -value;
  // Where a sum is zero neither is negative: few, for sums of 512 values.
  EXPECT_GE(differing(sketch_of(sketcher, face[0]), sketch_of(sketcher, opposite)), 510U);
}

TEST(Sketcher, IsTheSameOnEveryInstructionSet) {
  const Embeddings faces = synthetic_faces(3, 1, 300, 3);
  const Sketcher sketcher(300);
  const auto expected = sketch_of(sketcher, faces[1]);
  on_every_target([&] { EXPECT_EQ(sketch_of(sketcher, faces[1]), expected); });
}

/// Of the queries, the last faces of each person, how many get the answer of the exact scan.
std::size_t found_of_200(const Embeddings& faces, int candidates) {
  SketchIndex index({.kind = IndexKind::kSketch,
                     .dimension = faces.dimension,
                     .threads = 2,
                     .search_candidates = candidates});
  for (std::size_t i = 0; i < faces.size(); ++i) {
    if (i % 5 != 4) index.add(static_cast<std::int64_t>(i), faces[i]);
  }
  std::size_t same = 0;
  for (std::size_t i = 4; i < 1000; i += 5)
    same += index.nearest(faces[i], 1).at(0).face == index.nearest_exact(faces[i], 1).at(0).face ? 1 : 0;
  return same;
}

TEST(SketchIndex, FindsWhatTheExactScanFinds) {
  // 8,000 faces. With 512 bits the person's faces differ in 151 of them, strangers in 256 with a deviation
  // of 11.
  EXPECT_EQ(found_of_200(synthetic_faces(2000, 5, 512, 21), 20), 200U);
  EXPECT_EQ(found_of_200(synthetic_faces(2000, 5, 512, 22, 0.45), 20), 200U);
  EXPECT_EQ(found_of_200(synthetic_faces(2000, 5, 128, 23), 80), 200U);
}

TEST(SketchIndex, FindsAmongPrincipalComponents) {
  // The first values tell most, as those of a projection to principal components do: value i has a deviation
  // of 1 / (1 + i / 8). The signs of the values themselves find 160 here.
  Embeddings faces = synthetic_faces(2000, 5, 128, 24);
  for (std::size_t i = 0; i < faces.values.size(); ++i)
    faces.values[i] /= 1 + static_cast<float>(i % 128) / 8;
  l2_normalize(faces);
  EXPECT_EQ(found_of_200(faces, 80), 200U);
}

TEST(SketchIndex, AnswersDoNotDependOnThreads) {
  // 40,000 faces: enough for two threads, and for a first guess of the distance.
  const Embeddings faces = synthetic_faces(8000, 5, 256, 21);
  SketchIndex two({.kind = IndexKind::kSketch, .dimension = 256, .threads = 2});
  SketchIndex one({.kind = IndexKind::kSketch, .dimension = 256, .threads = 1});
  for (std::size_t i = 0; i < faces.size(); ++i) {
    two.add(static_cast<std::int64_t>(i), faces[i]);
    one.add(static_cast<std::int64_t>(i), faces[i]);
  }
  for (std::size_t i = 0; i < 1000; i += 5) {
    const auto found = two.nearest(faces[i], 20);
    const auto by_one = one.nearest(faces[i], 20);
    ASSERT_EQ(found.size(), 20U);
    for (std::size_t j = 0; j < 20; ++j) {
      EXPECT_EQ(found[j].face, by_one[j].face);
      EXPECT_EQ(found[j].cosine, by_one[j].cosine);
    }
  }
}

TEST(SketchIndex, LooksAgainWhereTheFirstGuessWasTooLow) {
  // A guess is made by 1,024 blocks of the 4,096, every fourth. They hold copies of the query: distance 0
  // looks as if it held more than the 10,000 that are wanted, and holds 8,192.
  const Embeddings faces = synthetic_faces(30000, 1, 64, 21);
  SketchIndex index({.kind = IndexKind::kSketch, .dimension = 64, .threads = 2, .search_candidates = 10000});
  for (std::size_t row = 0; row < 4096 * 8; ++row)
    index.add(static_cast<std::int64_t>(row), faces[row / 8 % 4 == 0 ? 0 : row % 29999 + 1]);
  const auto found = index.nearest(faces[0], 8200);
  const auto exact = index.nearest_exact(faces[0], 8200);
  ASSERT_EQ(found.size(), 8200U);
  EXPECT_EQ(found[8191].cosine, found[0].cosine);
  EXPECT_LT(found[8192].cosine, found[0].cosine);
  EXPECT_EQ(found[8192].face, exact[8192].face);
}

TEST(SketchIndex, RemovedFacesTakeNoPlaceAmongCandidates) {
  const Embeddings faces = synthetic_faces(10000, 4, 64, 9);
  SketchIndex index({.kind = IndexKind::kSketch, .dimension = 64, .threads = 2, .search_candidates = 50});
  for (std::size_t i = 0; i < faces.size(); ++i) index.add(static_cast<std::int64_t>(i), faces[i]);
  // Only three are left, none of them near to the query.
  for (std::size_t i = 0; i < faces.size(); ++i) {
    if (i == 100 || i == 20000 || i == 39999) continue;
    EXPECT_TRUE(index.remove(static_cast<std::int64_t>(i)));
  }
  const auto found = index.nearest(faces[0], 5);
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].face, index.nearest_exact(faces[0], 1).at(0).face);
}

TEST(SketchIndex, LooksAtMoreCandidatesWithFewerBits) {
  EXPECT_EQ(sketch_candidates(1'000'000, 512), 2929);
  EXPECT_EQ(sketch_candidates(1'000'000, 128), 11718);
  EXPECT_EQ(sketch_candidates(1'000, 512), 1000);
}

}  // namespace
}  // namespace likeness
