#include "likeness/eval/gallery_trials.h"

#include <gtest/gtest.h>

#include <span>
#include <stdexcept>

#include "likeness/core/error.h"
#include "likeness/gallery/synthetic.h"

namespace likeness {
namespace {

constexpr std::size_t kDimension = 128;

void add(NamedFaces& all, const Embeddings& faces, std::size_t each, const std::string& prefix) {
  all.embeddings.dimension = faces.dimension;
  all.embeddings.values.insert(all.embeddings.values.end(), faces.values.begin(), faces.values.end());
  for (std::size_t i = 0; i < faces.size(); ++i) all.people.push_back(prefix + std::to_string(i / each));
}

NamedFaces named(std::size_t people, std::size_t each, std::uint32_t seed, const std::string& prefix) {
  NamedFaces all;
  add(all, synthetic_faces(people, each, kDimension, seed), each, prefix);
  return all;
}

TEST(LeavePeopleOut, AsksEveryFaceOnceAsAStrangersAndOtherwiseAsAKnownOnes) {
  const NamedFaces faces = named(4, 10, 1, "P");
  const LeftOutPeople result =
      leave_people_out(faces, named(300, 1, 2, "S"), {.target_fpir = 0.01, .folds = 3});
  EXPECT_EQ(result.strangers, 40U);
  EXPECT_EQ(result.known, 40U * 3);  // in the three turns that leave out somebody else
  EXPECT_EQ(result.impostors, 300U);
  ASSERT_EQ(result.rules.size(), 4U);
  const NamingCounts& gate = result.rules[0];
  const NamingCounts& behind = result.rules[1];
  const NamingCounts& always = result.rules[3];
  EXPECT_GE(gate.right, 118U);          // cosines of .6 within a person, of .1 between people
  EXPECT_LE(gate.strangers_named, 8U);  // four people: one who resembles another brings all his faces
  EXPECT_LE(behind.strangers_named, gate.strangers_named);
  EXPECT_EQ(always.strangers_named, 40U);  // an SVM always names somebody
  EXPECT_EQ(always.right + always.wrong, result.known);
  EXPECT_LE(result.thresholds.low, result.thresholds.high);
  EXPECT_LE(result.fpir_interval.low, 0.01);
}

TEST(LeavePeopleOut, LeavesOutImpostorsWhoAreEnrolledAndSaysWhatIsMissing) {
  const NamedFaces faces = named(4, 5, 1, "P");
  NamedFaces impostors = named(100, 1, 2, "S");
  impostors.people[0] = "p_1";  // another name than P1: stays
  impostors.people[1] = "p1";   // enrolled in all turns but one
  EXPECT_EQ(leave_people_out(faces, impostors, {.target_fpir = 0.1, .folds = 2}).impostors, 100U);
  EXPECT_THROW(static_cast<void>(leave_people_out(faces, impostors, {.target_fpir = 0.01})), Error);
  EXPECT_THROW(static_cast<void>(leave_people_out(faces, impostors, {.target_fpir = 0.1, .folds = 6})),
               Error);
  EXPECT_THROW(static_cast<void>(leave_people_out(named(2, 5, 1, "P"), impostors, {.target_fpir = 0.1})),
               Error);
  EXPECT_THROW(static_cast<void>(leave_people_out(faces, impostors, {.target_fpir = 0.1, .folds = 1})),
               std::invalid_argument);
}

TEST(EnrolAndAsk, DrawsWhomItSaysAndStatesItsIntervals) {
  NamedFaces faces = named(30, 4, 1, "Many");
  add(faces, synthetic_faces(20, 2, kDimension, 2), 2, "Pair");
  add(faces, synthetic_faces(701, 1, kDimension, 3), 1, "Single");
  const EnrolledAndAsked result = enrol_and_ask(faces, {.target_fpir = 0.01, .trials = 2});
  EXPECT_EQ(result.enrolled_people, 30U + 10);
  EXPECT_EQ(result.enrolled_faces, 30U * 2 + 10);
  EXPECT_EQ(result.mates, 30U * 2 + 10);
  EXPECT_EQ(result.calibration_strangers, 350U);
  EXPECT_EQ(result.test_strangers, 351U);
  EXPECT_EQ(result.calibration.impostor_faces, 350U);
  EXPECT_GE(result.rank_one.share, 0.97);
  EXPECT_LE(result.fpir.share, 0.05);
  EXPECT_EQ(result.trials, 2);
  for (const TrialShare& share : {result.rank_one, result.fnir, result.fpir}) {
    EXPECT_LE(share.interval->low, share.share);
    EXPECT_GE(share.interval->high, share.share);
  }
}

TEST(EnrolAndAsk, FitsTheSlopeWhereItIsAskedFor) {
  NamedFaces faces = named(40, 4, 1, "Many");
  add(faces, synthetic_faces(80, 1, kDimension, 3), 1, "Single");
  const auto slope_of = [&](int trials, std::uint64_t seed) {
    return enrol_and_ask(faces, {.target_fpir = 0.1, .trials = trials, .seed = seed, .fit_slope = true})
        .slope.value();
  };
  EXPECT_FALSE(enrol_and_ask(faces, {.target_fpir = 0.1, .trials = 1}).slope);
  const double first = slope_of(1, 7);
  EXPECT_GT(first, 5);
  EXPECT_NE(first, slope_of(1, 8));
  EXPECT_DOUBLE_EQ(slope_of(2, 7), (first + slope_of(1, 8)) / 2);
}

// Digits: Python's floats, one operation after the other.
TEST(OverTrials, HasTheDigitsOfOlderReports) {
  const double shares[] = {0.1, 0.2, 0.4};
  EXPECT_EQ(over_trials(shares).mean, 0.23333333333333334);
  EXPECT_EQ(over_trials(shares).deviation, 0.12472191289246472);
  EXPECT_EQ(mean_deviation(shares).deviation, 0.12472191289246473);  // what the sum, divided once, gives
  EXPECT_FALSE(over_trials(std::span(shares).first(1)).deviation.has_value());
  EXPECT_THROW((void)over_trials({}), std::invalid_argument);
}

TEST(EnrolAndAsk, RefusesARateThatTheStrangersCannotSupport) {
  NamedFaces faces = named(5, 3, 1, "Many");
  add(faces, synthetic_faces(400, 1, kDimension, 3), 1, "Single");
  try {
    static_cast<void>(enrol_and_ask(faces, {.target_fpir = 0.001}));
    FAIL() << "200 faces cannot support .1 %";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("3000 faces of strangers; there are 200"), std::string::npos)
        << error.what();
  }
  EXPECT_THROW(static_cast<void>(enrol_and_ask(named(400, 1, 3, "Single"), {})), Error);
}

}  // namespace
}  // namespace likeness
