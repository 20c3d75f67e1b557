#include "likeness/gallery/calibration.h"

#include <gtest/gtest.h>

#include <random>

#include "likeness/core/error.h"

namespace likeness {
namespace {

/// `people` with `each` scores around `mean`.
std::vector<ScoredFace> scores(std::size_t people, std::size_t each, double mean, double deviation,
                               std::uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal(mean, deviation);
  std::vector<ScoredFace> faces;
  for (std::size_t p = 0; p < people; ++p) {
    for (std::size_t f = 0; f < each; ++f) faces.push_back({normal(random), "p" + std::to_string(p)});
  }
  return faces;
}

double share_named(const std::vector<ScoredFace>& faces, const Calibration& calibration) {
  double named = 0;
  for (const ScoredFace& face : faces) named += calibration.names(face.similarity) ? 1 : 0;
  return named / static_cast<double>(faces.size());
}

TEST(Calibrate, FindsTheThresholdByHand) {
  // 0.01, 0.02, ..., 1.00: two of a hundred may pass: 0.99 and 1.00; half-way to 0.98 is 0.985.
  std::vector<ScoredFace> impostors;
  for (int i = 1; i <= 100; ++i) impostors.push_back({i / 100.0, std::to_string(i)});
  impostors.resize(100);
  const auto result = calibrate({}, impostors, {.target_fpir = 0.03});
  EXPECT_NEAR(result.threshold, 0.975, 1e-12);
  EXPECT_NEAR(result.fpir, 0.03, 1e-12);
  EXPECT_EQ(result.fnir, -1);
  EXPECT_FALSE(result.slope_fitted);
  EXPECT_EQ(result.slope, kDefaultSlope);
  // A model that states its own slope is believed where nobody can fit one.
  EXPECT_EQ(calibrate({}, impostors, {.target_fpir = 0.03, .usual_slope = 44}).slope, 44);
}

TEST(Calibrate, EqualScoresPassTogetherOrNotAtAll) {
  std::vector<ScoredFace> impostors(100, {0.5, "a"});
  const auto result = calibrate({}, impostors, {.target_fpir = 0.05});
  EXPECT_EQ(result.fpir, 0);
  EXPECT_GT(result.threshold, 0.5);
}

TEST(Calibrate, HoldsOnOtherStrangersWithinItsInterval) {
  int inside = 0;
  for (std::uint32_t round = 0; round < 20; ++round) {
    const auto result = calibrate(scores(100, 2, 0.7, 0.1, round), scores(500, 2, 0.3, 0.1, 100 + round),
                                  {.target_fpir = 0.02, .resamples = 200});
    const double realised = share_named(scores(500, 2, 0.3, 0.1, 900 + round), result);
    EXPECT_LE(result.fpir, 0.02);
    inside += realised >= result.fpir_interval.low && realised <= result.fpir_interval.high ? 1 : 0;
    EXPECT_LE(result.threshold_interval.low, result.threshold);
    EXPECT_GE(result.threshold_interval.high, result.threshold);
  }
  EXPECT_GE(inside, 17);  // 95 % of 20 is 19
}

TEST(Calibrate, ProbabilityIsOneHalfWhereNamesBegin) {
  const auto mates = scores(100, 3, 0.7, 0.1, 1);
  const auto impostors = scores(300, 1, 0.3, 0.1, 2);
  const auto result = calibrate(mates, impostors, {.target_fpir = 0.02});
  EXPECT_TRUE(result.slope_fitted);
  EXPECT_NEAR(result.probability(result.threshold), 0.5, 1e-12);
  for (double cosine = -1; cosine <= 1; cosine += 0.0137) {
    EXPECT_EQ(result.probability(cosine) > 0.5, result.names(cosine)) << cosine;
  }
  // Two Gaussians of equal width s at means a and b: the log likelihood ratio is (a - b) / s^2 * (x - (a + b)
  // / 2), slope 40; at threshold t the strangers' share p has log(p / (1 - p)) = 40 * (t - 0.5).
  EXPECT_NEAR(result.slope, 40, 8);
  EXPECT_NEAR(std::log(result.stranger_share / (1 - result.stranger_share)), 40 * (result.threshold - 0.5),
              1);
}

TEST(Calibrate, ProbabilityDoesNotDependOnHowOftenMatesAreRepeated) {
  auto mates = scores(100, 3, 0.7, 0.1, 1);
  const auto impostors = scores(300, 1, 0.3, 0.1, 2);
  const auto once = calibrate(mates, impostors, {.target_fpir = 0.02});
  const auto copy = mates;
  mates.insert(mates.end(), copy.begin(), copy.end());
  const auto twice = calibrate(mates, impostors, {.target_fpir = 0.02});
  for (double cosine = 0; cosine <= 1; cosine += 0.01) {
    EXPECT_NEAR(once.probability(cosine), twice.probability(cosine), 0.02);
  }
}

TEST(Calibrate, RefusesRatesThatTheDataCannotSupport) {
  const auto impostors = scores(299, 1, 0.3, 0.1, 2);
  try {
    static_cast<void>(calibrate({}, impostors, {.target_fpir = 0.01}));
    FAIL() << "299 faces are not enough for 1 %";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kDataInvalid);
    EXPECT_NE(std::string(error.what()).find("at least 300 faces"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("there are 299"), std::string::npos) << error.what();
  }
  EXPECT_NO_THROW(static_cast<void>(calibrate({}, scores(300, 1, 0.3, 0.1, 2), {.target_fpir = 0.01})));
  EXPECT_EQ(impostors_needed(0.001), 3000U);
  EXPECT_THROW(static_cast<void>(calibrate({}, impostors, {.target_fpir = 0})), std::invalid_argument);
}

TEST(CalibrationJson, ComesBackAndRefusesDamage) {
  auto result = calibrate(scores(100, 3, 0.7, 0.1, 1), scores(300, 1, 0.3, 0.1, 2), {.target_fpir = 0.02});
  result.impostors = "strangers/";
  result.gallery_people = 5;
  const std::string json = to_json(result);
  const auto again = calibration_from_json(json, "g").value();
  EXPECT_EQ(to_json(again), json);
  EXPECT_EQ(again.threshold, result.threshold);
  for (const char* bad : {"", "[]", "{}", "{\"version\":3}", "{\"version\":2,\"threshold\":\"x\"}"}) {
    EXPECT_THROW(static_cast<void>(calibration_from_json(bad, "g")), Error) << bad;
  }
  EXPECT_FALSE(calibration_from_json("{\"version\":1,\"threshold\":0.5}", "g"));  // by another rule
}

}  // namespace
}  // namespace likeness
