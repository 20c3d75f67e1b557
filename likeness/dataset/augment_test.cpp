#include "likeness/dataset/augment.h"

#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>

#include "likeness/embed/quality.h"
#include "likeness/model/self_test.h"

namespace likeness {
namespace {

const Chip kChip = self_test_chip(64, 48);

double mean_of(const Chip& chip) {
  double sum = 0;
  for (const auto value : chip.pixels()) sum += value;
  return sum / static_cast<double>(chip.pixels().size());
}

double mean_change(const Chip& a, const Chip& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.pixels().size(); ++i)
    sum += std::abs(int{a.pixels()[i]} - int{b.pixels()[i]});
  return sum / static_cast<double>(a.pixels().size());
}

TEST(ChangedChip, DefaultsChangeNothing) { EXPECT_EQ(changed(kChip, {}), kChip); }

TEST(ChangedChip, FlippedTwiceIsTheSame) {
  const Chip flipped = changed(kChip, {.flip = true});
  EXPECT_NE(flipped, kChip);
  EXPECT_EQ(flipped, mirrored(kChip));
  EXPECT_EQ(changed(flipped, {.flip = true}), kChip);
}

TEST(ChangedChip, CutsTheSideThatIsNamed) {
  // Black but for the left quarter: with that cut off nothing is left to see.
  Chip chip(64, 48);
  for (int y = 0; y < 48; ++y) std::fill(chip.row(y), chip.row(y) + 16 * 3, std::uint8_t{200});
  EXPECT_EQ(changed(chip, {.left = 0.3}), Chip(64, 48));
  const Chip right = changed(chip, {.right = 0.25});
  EXPECT_EQ(right.width(), 64);
  EXPECT_NEAR(mean_of(right), 200.0 / 3, 1);  // 16 of 48 columns are left
  EXPECT_NEAR(mean_of(changed(chip, {.top = 0.2, .bottom = 0.2})), 50, 0.01);
}

TEST(ChangedChip, BrightnessScalesAndStaysInRange) {
  EXPECT_EQ(changed(Chip(4, 4, 100), {.brightness = 1.2}), Chip(4, 4, 120));
  EXPECT_EQ(changed(Chip(4, 4, 100), {.brightness = 9}), Chip(4, 4, 255));
}

TEST(ChangedChip, JpegLosesLittleAtHighQualityAndMoreAtLow) {
  const double high = mean_change(changed(kChip, {.jpeg_quality = 95}), kChip);
  const double low = mean_change(changed(kChip, {.jpeg_quality = 10}), kChip);
  EXPECT_GT(low, high);
  EXPECT_LT(high, 3);
  EXPECT_LT(low, 20);
}

TEST(ChangedChip, RefusesWhatIsOutOfRange) {
  EXPECT_THROW((void)changed(kChip, {.left = 0.5}), std::invalid_argument);
  EXPECT_THROW((void)changed(kChip, {.brightness = -1}), std::invalid_argument);
  EXPECT_THROW((void)changed(kChip, {.jpeg_quality = 101}), std::invalid_argument);
}

}  // namespace
}  // namespace likeness
