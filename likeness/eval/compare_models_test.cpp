#include "likeness/eval/compare_models.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "likeness/core/error.h"

namespace likeness {
namespace {

// Embeddings in the plane, so that every figure can be had by hand.
const std::vector<std::string> kLabels{"ann", "ann", "bob", "bob"};
const Embeddings kMixed{2, {1, 0, 0.6F, 0.8F, 0, 1, -0.8F, 0.6F}};
const Embeddings kPerfect{2, {1, 0, 1, 0, 0, 1, 0, 1}};

// Cosines of kMixed: of one person .6 and .6; of two 0, -.8, .8 and 0. Each mated score is above three of the
// four others: area 6 / 8. One of four is above the mated ones: both rates are .25 there. Thresholds from 0
// to .6 decide five of six rightly, and .3 is their middle. kPerfect: 1 and 1 against four times 0.
TEST(CompareEmbeddings, GivesTheFiguresHadByHand) {
  const ModelComparison c = compare_embeddings(kLabels, 4, kMixed, kPerfect);
  EXPECT_NEAR(c.a.area_under_roc, 0.75, 1e-9);
  EXPECT_NEAR(c.a.equal_error_rate, 0.25, 1e-9);
  EXPECT_NEAR(c.a.threshold, 0.3, 1e-6);
  EXPECT_NEAR(c.b.area_under_roc, 1, 1e-9);
  EXPECT_NEAR(c.b.equal_error_rate, 0, 1e-9);
  EXPECT_NEAR(c.b.threshold, 0.5, 1e-6);
  EXPECT_EQ(c.faces, 4U);
  EXPECT_EQ(c.pairs, 6U);
  EXPECT_EQ(c.flipped, 1U);  // the pair of cosine .8: one person for kMixed, two for kPerfect
  // The same face by both models: 1, .6, 1 and .6.
  ASSERT_TRUE(c.worst_cosine && c.mean_cosine);
  EXPECT_NEAR(*c.worst_cosine, 0.6, 1e-6);
  EXPECT_NEAR(*c.mean_cosine, 0.8, 1e-6);
  EXPECT_EQ(c.a.total, 0U);  // no validation part, so nothing to name
}

// Two train faces a person, then three to name. Model b has the last one among the other's.
TEST(CompareEmbeddings, ScoresNamesOnTheValidationPartOnly) {
  const std::vector<std::string> labels{"ann", "ann", "bob", "bob", "ann", "bob", "bob"};
  const Embeddings a{2, {1, 0, 0.96F, 0.28F, 0, 1, 0.28F, 0.96F, 1, 0, 0, 1, 0, 1}};
  Embeddings b = a;
  b.values[12] = 1;
  b.values[13] = 0;
  const ModelComparison c = compare_embeddings(labels, 4, a, b);
  EXPECT_EQ(c.a.correct, 3U);
  EXPECT_EQ(c.a.total, 3U);
  EXPECT_EQ(c.b.correct, 2U);
  EXPECT_EQ(c.b.total, 3U);
  EXPECT_NEAR(*c.worst_cosine, 0, 1e-6);
}

TEST(CompareEmbeddings, OfDifferentDimensionsHaveNoCosine) {
  const Embeddings flat{1, {1, 1, -1, -1}};
  const ModelComparison c = compare_embeddings(kLabels, 4, kPerfect, flat);
  EXPECT_FALSE(c.worst_cosine);
  EXPECT_FALSE(c.mean_cosine);
  EXPECT_EQ(c.flipped, 0U);
}

TEST(CompareEmbeddings, NeedsTwoPeopleAndOneWithTwoFaces) {
  const std::vector<std::string> one_person(4, "ann");
  const std::vector<std::string> strangers{"ann", "bob", "cid", "dan"};
  EXPECT_THROW((void)compare_embeddings(one_person, 4, kMixed, kPerfect), Error);
  EXPECT_THROW((void)compare_embeddings(strangers, 4, kMixed, kPerfect), Error);
}

}  // namespace
}  // namespace likeness
