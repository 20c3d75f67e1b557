#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <span>
#include <stdexcept>
#include <vector>

#include "likeness/stats/bootstrap.h"
#include "likeness/stats/error_rates.h"
#include "likeness/stats/intervals.h"

namespace likeness {
namespace {

// scipy 1.x, binomtest(k, n).proportion_ci(method="wilson").
TEST(WilsonInterval, AgreesWithScipy) {
  EXPECT_NEAR(wilson_interval(25, 25).low, 0.8668, 5e-5);
  EXPECT_EQ(wilson_interval(25, 25).high, 1.0);
  EXPECT_NEAR(wilson_interval(92, 93).low, 0.94158, 5e-5);
  EXPECT_NEAR(wilson_interval(92, 93).high, 0.99810, 5e-5);
}

TEST(WilsonInterval, OfNoTrialsIsEverything) {
  EXPECT_EQ(wilson_interval(0, 0).low, 0);
  EXPECT_EQ(wilson_interval(0, 0).high, 1);
  EXPECT_THROW((void)wilson_interval(2, 1), std::invalid_argument);
}

// Two mated and three non-mated comparisons, worked out by hand below.
const Comparisons kFew{{0.9, 0.4}, {0.6, 0.3, 0.1}};

TEST(ErrorRates, CountScoresAtTheThresholdAsMatches) {
  EXPECT_EQ(false_non_match_rate(kFew.mated, 0.4), 0);
  EXPECT_EQ(false_non_match_rate(kFew.mated, 0.41), 0.5);
  EXPECT_EQ(false_match_rate(kFew.non_mated, 0.6), 1.0 / 3);
  EXPECT_EQ(false_match_rate(kFew.non_mated, 0.61), 0);
  EXPECT_EQ(accuracy_at(kFew, 0.5), 3.0 / 5);
}

TEST(ErrorRates, OfNoComparisonsAreNoRates) {
  EXPECT_FALSE(false_non_match_rate({}, 0.5).has_value());
  EXPECT_FALSE(false_match_rate({}, 0.5).has_value());
  std::vector<double> scores(100, 0.1);
  EXPECT_FALSE(validation_rate({{}, scores}, 0.1).has_value());
  EXPECT_TRUE(validation_rate({{0.5}, scores}, 0.1).has_value());
}

TEST(MeanDeviations, OfOneValueHaveNoDeviation) {
  const double values[] = {1, 3};
  EXPECT_EQ(mean_deviation(values).mean, 2);
  EXPECT_EQ(mean_deviation(values).deviation, 1);
  EXPECT_FALSE(mean_deviation(std::span(values).first(1)).deviation.has_value());
  EXPECT_THROW((void)mean_deviation({}), std::invalid_argument);
}

TEST(BestThreshold, StandsInTheMiddleOfTheWidestBestGap) {
  // Above 0.6: 0.9 right, 0.4 wrong, three right = 4 of 5; between 0.3 and 0.4: 0.6 wrong = 4 of 5 as well.
  // The gap from 0.6 to 0.9 is wider.
  EXPECT_NEAR(best_threshold(kFew), 0.75, 1e-12);
  EXPECT_EQ(accuracy_at(kFew, best_threshold(kFew)), 0.8);
  EXPECT_THROW((void)best_threshold({}), std::invalid_argument);
  // Only non-mated: everything must fall below.
  EXPECT_EQ(accuracy_at({{}, {0.5, 0.6}}, best_threshold({{}, {0.5, 0.6}})), 1);
}

TEST(RateCurve, GoesFromNothingMatchesToEverythingMatches) {
  const std::vector<RatePoint> curve = rate_curve(kFew);
  ASSERT_EQ(curve.size(), 6U);
  EXPECT_EQ(curve.front().false_match, 0);
  EXPECT_EQ(curve.front().false_non_match, 1);
  EXPECT_EQ(curve[1].threshold, 0.9);
  EXPECT_EQ(curve[1].false_non_match, 0.5);
  EXPECT_EQ(curve.back().false_match, 1);
  EXPECT_EQ(curve.back().false_non_match, 0);
  EXPECT_THROW((void)rate_curve({{1}, {}}), std::invalid_argument);
}

TEST(AreaUnderRoc, IsTheShareOfRightlyOrderedPairs) {
  // 0.9 beats all three, 0.4 beats two of three: 5 of 6.
  EXPECT_NEAR(area_under_roc(kFew), 5.0 / 6, 1e-12);
  EXPECT_NEAR(area_under_roc({{0.5}, {0.5}}), 0.5, 1e-12);  // a tie is half
}

TEST(EqualErrorRate, IsWhereTheRatesCross) {
  // Curve: (0,1) (0,.5) (1/3,.5) (1/3,0): at false match 1/3 the other falls from .5 to 0, so they meet at
  // 1/3.
  EXPECT_NEAR(equal_error_rate(kFew), 1.0 / 3, 1e-12);
  EXPECT_NEAR(equal_error_rate({{2, 3}, {0, 1}}), 0, 1e-12);
}

TEST(CutAtRate, EqualScoresPassTogetherOrNotAtAll) {
  const auto cut = cut_at_rate({1, 5, 3, 3, 2}, 0.2);  // one of five: the 5
  ASSERT_TRUE(cut);
  EXPECT_EQ(cut->passing, 1U);
  EXPECT_EQ(cut->refused, 3);
  EXPECT_EQ(cut->passed, 5);
  EXPECT_EQ(cut_at_rate({1, 5, 3, 3, 2}, 0.4)->passing, 1U);  // a second 3 would be one too many
  EXPECT_EQ(cut_at_rate({1, 5, 3, 3, 2}, 0.6)->refused, 2);
  EXPECT_EQ(cut_at_rate({4, 4}, 0.5)->passing, 0U);
  EXPECT_EQ(cut_at_rate({4, 4}, 0.5)->refused, 4);
  EXPECT_FALSE(cut_at_rate({4, 4}, 1));
  EXPECT_FALSE(cut_at_rate({}, 0.5));
}

TEST(ThresholdAtRate, NeedsTenExpectedErrors) {
  EXPECT_EQ(comparisons_needed(1e-3), 10'000U);
  EXPECT_EQ(comparisons_needed(0.1), 100U);
  std::vector<double> scores(99);
  for (std::size_t i = 0; i < scores.size(); ++i) scores[i] = static_cast<double>(i);
  EXPECT_FALSE(threshold_at_rate(scores, 0.1).has_value());
  scores.push_back(99);
  EXPECT_NEAR(*threshold_at_rate(scores, 0.1), 89, 1e-9);  // 90 .. 99 are the ten
  EXPECT_EQ(false_match_rate(scores, *threshold_at_rate(scores, 0.1)), 0.1);
  EXPECT_EQ(validation_rate({{95, 50}, scores}, 0.1), 0.5);
  // Eleven equal scores at the top: all or none, and ten are allowed.
  for (std::size_t i = 89; i < 100; ++i) scores[i] = 99;
  EXPECT_GT(*threshold_at_rate(scores, 0.1), 99);
}

TEST(Bootstrap, OfAMeanHasItsKnownDeviation) {
  // 400 people, half of them 1: the mean's standard deviation is .5 / sqrt(400) = .025.
  std::vector<double> values(400);
  for (std::size_t i = 0; i < 200; ++i) values[i] = 1;
  const auto mean = [&](std::span<const int> times) {
    double sum = 0;
    for (std::size_t i = 0; i < times.size(); ++i) sum += times[i] * values[i];
    return sum / static_cast<double>(times.size());
  };
  const BootstrapResult result = bootstrap_identities(400, 2000, 1, mean).value();
  EXPECT_NEAR(result.deviation, 0.025, 0.002);
  EXPECT_NEAR(result.interval.low, 0.5 - 1.96 * 0.025, 0.006);
  EXPECT_NEAR(result.interval.high, 0.5 + 1.96 * 0.025, 0.006);
  EXPECT_EQ(bootstrap_identities(400, 50, 1, mean)->deviation,
            bootstrap_identities(400, 50, 1, mean)->deviation);
  EXPECT_FALSE(bootstrap_identities(1, 50, 1, mean).has_value());
  EXPECT_THROW((void)bootstrap_identities(0, 5, 1, mean), std::invalid_argument);
}

// testdata/sklearn.json: scikit-learn's and NumPy's answers on drawn scores; written by
// tools/make_stats_reference.py.
TEST(ErrorRates, AgreeWithScikitLearn) {
  std::ifstream in(LIKENESS_TESTDATA "/sklearn.json");
  const nlohmann::json reference = nlohmann::json::parse(in);
  for (const auto& one : reference["cases"]) {
    const Comparisons comparisons{one["mated"].get<std::vector<double>>(),
                                  one["non_mated"].get<std::vector<double>>()};
    EXPECT_NEAR(area_under_roc(comparisons), one["auc"].get<double>(), 1e-12);
    EXPECT_NEAR(equal_error_rate(comparisons), one["eer"].get<double>(), 1e-9);
    EXPECT_NEAR(accuracy_at(comparisons, best_threshold(comparisons)), one["best_accuracy"].get<double>(),
                1e-12);
    EXPECT_NEAR(validation_rate(comparisons, 0.05).value(), one["tpr_at_fpr_0.05"].get<double>(), 1e-12);
  }
  for (const auto& one : reference["wilson"]) {
    const Interval interval = wilson_interval(one["k"], one["n"]);
    EXPECT_NEAR(interval.low, one["low"].get<double>(), 1e-6);
    EXPECT_NEAR(interval.high, one["high"].get<double>(), 1e-6);
  }
}

}  // namespace
}  // namespace likeness
