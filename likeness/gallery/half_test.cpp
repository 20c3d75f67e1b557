#include "likeness/gallery/half.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace likeness {
namespace {

TEST(Half, EveryOneOfThemComesBack) {
  for (int bits = 0; bits < 65536; ++bits) {
    const float value = float_of(static_cast<std::uint16_t>(bits));
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(float_of(half_of(value))));
    } else {
      ASSERT_EQ(half_of(value), bits);
    }
  }
}

TEST(Half, ManyAreReadAsEachByItself) {
  std::vector<std::byte> halves;
  std::vector<float> expected;
  for (int bits = 0; bits < 65536; ++bits) {
    if ((bits & 0x7C00) == 0x7C00) continue;
    halves.push_back(static_cast<std::byte>(bits >> 8));
    halves.push_back(static_cast<std::byte>(bits & 255));
    expected.push_back(float_of(static_cast<std::uint16_t>(bits)));
  }
  std::vector<float> values(expected.size());
  floats_of(halves, values);
  EXPECT_EQ(values, expected);
}

TEST(Half, RoundsToTheNearestAndTiesToEven) {
  EXPECT_EQ(half_of(1), 0x3C00);
  EXPECT_EQ(half_of(-2), 0xC000);
  EXPECT_EQ(half_of(1 + 0x1p-11F), 0x3C00);      // a tie
  EXPECT_EQ(half_of(1 + 3 * 0x1p-11F), 0x3C02);  // a tie
  EXPECT_EQ(half_of(1 + 0x1.1p-11F), 0x3C01);
  EXPECT_EQ(half_of(0x1p-25F), 0);    // a tie
  EXPECT_EQ(half_of(0x1.8p-24F), 2);  // a tie
  EXPECT_EQ(half_of(65519), 0x7BFF);
  EXPECT_EQ(half_of(65520), 0x7C00);
  std::mt19937 random(1);
  std::uniform_real_distribution<float> value(-1, 1);
  for (int i = 0; i < 1000; ++i) {
    const float one = value(random);
    EXPECT_LE(std::abs(float_of(half_of(one)) - one), std::max(std::abs(one) * 0x1p-11F, 0x1p-25F));
  }
}

}  // namespace
}  // namespace likeness
