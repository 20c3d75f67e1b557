#include "likeness/report/numbers.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

namespace likeness {
namespace {

TEST(Fixed, MakesNothingOrAllOnlyOfWhatIs) {
  EXPECT_EQ(fixed(0.5), "0.5000");
  EXPECT_EQ(fixed(0), "0.0000");
  EXPECT_EQ(fixed(1), "1.0000");
  EXPECT_EQ(fixed(0.00004), "0.00004");
  EXPECT_EQ(fixed(0.99996), "0.99996");
  EXPECT_EQ(fixed(1 - 1e-12), "1.0000");  // ten tenths
  EXPECT_EQ(percent(0.99996), "99.996 %");
  EXPECT_EQ(percent(0.5, 1), "50.0 %");
  EXPECT_EQ(percent(0), "0.00 %");
}

TEST(Fixed, SaysWhatWasNotMeasured) {
  EXPECT_EQ(fixed(std::optional<double>(), "no pairs"), "no pairs");
  EXPECT_EQ(fixed(std::optional<Interval>(), "one person"), "one person");
  EXPECT_EQ(fixed(Interval{0.25, 0.5}, ""), "0.2500 to 0.5000");
  EXPECT_EQ(fixed(MeanDeviation{0.5, std::nullopt}), "0.5000");
  EXPECT_EQ(fixed(MeanDeviation{0.5, 0.25}), "0.5000 +- 0.2500");
  EXPECT_TRUE(or_null(std::optional<double>()).is_null());
  EXPECT_TRUE(or_null(std::optional<Interval>()).is_null());
  EXPECT_EQ(or_null(Interval{0.25, 0.5}).dump(), "[0.25,0.5]");
}

TEST(RoundedUp, NeverLetsThroughWhatTheThresholdDoesNot) {
  EXPECT_EQ(rounded_up(std::nextafter(0.0, 1.0)), "0.0001");
  EXPECT_EQ(rounded_up(0.45761), "0.4577");
  EXPECT_EQ(rounded_up(0.45769), "0.4577");
  EXPECT_EQ(rounded_up(0.4576), "0.4576");
  EXPECT_EQ(rounded_up(-0.00001), "-0.0000");
  for (const double threshold : {0.1, 0.123456, 0.99999, -0.33333})
    EXPECT_GE(std::stod(rounded_up(threshold)), threshold);
}

TEST(ToldApart, ShowsWhichIsLarger) {
  using Pair = std::pair<std::string, std::string>;
  EXPECT_EQ(told_apart(0.5, 0.6), (Pair{"0.5000", "0.6000"}));
  EXPECT_EQ(told_apart(0.65124, 0.65121), (Pair{"0.65124", "0.65121"}));
  EXPECT_EQ(told_apart(0.5, 0.5), (Pair{"0.5000", "0.5000"}));
}

TEST(Counted, KnowsOneAndMany) {
  EXPECT_EQ(counted(1, "face"), "1 face");
  EXPECT_EQ(counted(0, "face"), "0 faces");
  EXPECT_EQ(counted(1, "person"), "1 person");
  EXPECT_EQ(counted(2, "person"), "2 people");
}

}  // namespace
}  // namespace likeness
