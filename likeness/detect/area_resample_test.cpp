#include "likeness/detect/area_resample.h"

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <stdexcept>

namespace likeness {
namespace {

Image noise(int width, int height) {
  std::mt19937 random(11);
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(width) * height * 3);
  for (auto& value : pixels) value = static_cast<std::uint8_t>(random());
  return {width, height, std::move(pixels)};
}

// Coverage of every source pixel by every destination pixel, in double.
double plain_average(const Image& photo, const PixelRegion& region, int width, int height, int x, int y,
                     int c) {
  const double ratio_x = static_cast<double>(region.width) / width;
  const double ratio_y = static_cast<double>(region.height) / height;
  double sum = 0;
  for (int j = 0; j < region.height; ++j) {
    const double rows = std::min(j + 1.0, (y + 1) * ratio_y) - std::max<double>(j, y * ratio_y);
    for (int i = 0; i < region.width && rows > 0; ++i) {
      const double columns = std::min(i + 1.0, (x + 1) * ratio_x) - std::max<double>(i, x * ratio_x);
      const int px = region.left + i;
      const int py = region.top + j;
      if (columns <= 0 || px < 0 || py < 0 || px >= photo.width() || py >= photo.height()) continue;
      sum += rows * columns * photo.view().row(py)[px * 3 + c];
    }
  }
  return sum / (ratio_x * ratio_y);
}

TEST(ResampleStandardised, HalvesByTheMeanOfFourPixels) {
  // One row of two destination pixels: red means (0 + 10 + 20 + 30) / 4 = 15 and 100.
  Image photo(4, 2, 100);
  photo.row(0)[0] = 0;
  photo.row(0)[3] = 10;
  photo.row(1)[0] = 20;
  photo.row(1)[3] = 30;
  AreaScratch scratch;
  std::vector<float> out(2 * 3 + 1);
  resample_standardised(photo.view(), {.left = 0, .top = 0, .width = 4, .height = 2}, 2, 1, out.data(),
                        scratch);
  EXPECT_FLOAT_EQ(out[0], (15 - 127.5F) / 128);
  EXPECT_FLOAT_EQ(out[3], (100 - 127.5F) / 128);
}

TEST(ResampleStandardised, OutsideThePhotoIsBlack) {
  const Image photo(4, 4, 200);
  AreaScratch scratch;
  std::vector<float> out(4 * 4 * 3 + 1);
  resample_standardised(photo.view(), {.left = -2, .top = 2, .width = 4, .height = 4}, 4, 4, out.data(),
                        scratch);
  const float black = -127.5F / 128;
  const float grey = (200 - 127.5F) / 128;
  EXPECT_FLOAT_EQ(out[0], black);                // left of the photo
  EXPECT_FLOAT_EQ(out[2 * 3], grey);             // its first column, third row
  EXPECT_FLOAT_EQ(out[(2 * 4 + 2) * 3], black);  // below it
}

TEST(ResampleStandardised, EqualsPlainCoverageOnEveryTarget) {
  const Image photo = noise(67, 53);
  for (std::int64_t rest = hwy::SupportedTargets(); rest != 0; rest &= rest - 1) {
    if ((rest & -rest) == HWY_SCALAR) continue;  // EMU128 is built in its place.
    SCOPED_TRACE(hwy::TargetName(rest & -rest));
    hwy::SetSupportedTargetsForTest(rest & -rest);
    AreaScratch scratch;
    for (const PixelRegion region : {PixelRegion{.left = 3, .top = 5, .width = 41, .height = 40},
                                     PixelRegion{.left = -4, .top = -9, .width = 17, .height = 18},
                                     PixelRegion{.left = 40, .top = 30, .width = 90, .height = 90},
                                     PixelRegion{.left = -50, .top = -60, .width = 20, .height = 20}}) {
      std::vector<float> out(24 * 24 * 3 + 1);
      resample_standardised(photo.view(), region, 24, 24, out.data(), scratch);
      double worst = 0;
      for (int i = 0; i < 24 * 24 * 3; ++i) {
        const double expected = plain_average(photo, region, 24, 24, i / 3 % 24, i / 72, i % 3);
        worst = std::max(worst, std::abs(double{out[static_cast<std::size_t>(i)]} * 128 + 127.5 - expected));
      }
      EXPECT_LT(worst, 1e-3);
    }
    hwy::SetSupportedTargetsForTest(0);
  }
}

TEST(ResampleRounded, EqualsPlainCoverageAlsoInBands) {
  const Image photo = noise(71, 59);
  const int width = 43;
  const int height = 36;
  const std::size_t stride = width * 3 + 5;
  AreaScratch scratch;
  std::vector<std::uint8_t> out(stride * height);
  AreaAxes axes;
  make_axes(photo.view(), width, height, axes);
  resample_rounded(photo.view(), axes, 0, 20, out.data(), stride, scratch);
  resample_rounded(photo.view(), axes, 20, height, out.data() + 20 * stride, stride, scratch);
  double worst = 0;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width * 3; ++x) {
      const double expected = plain_average(photo, {.left = 0, .top = 0, .width = 71, .height = 59}, width,
                                            height, x / 3, y, x % 3);
      worst = std::max(
          worst,
          std::abs(out[static_cast<std::size_t>(y) * stride + static_cast<std::size_t>(x)] - expected));
    }
  }
  EXPECT_LT(worst, .501);
}

TEST(ResampleRounded, AddsUpManyRowsExactly) {
  // More white rows than 16 bits hold in one sum; the lower half is black.
  Image photo(5, 1400, 255);
  std::fill(photo.row(700), photo.row(700) + 700 * 15, std::uint8_t{0});
  AreaAxes axes;
  make_axes(photo.view(), 5, 4, axes);
  AreaScratch scratch;
  std::vector<std::uint8_t> out(4 * 16);
  resample_rounded(photo.view(), axes, 0, 4, out.data(), 16, scratch);
  EXPECT_EQ(out[0], 255);
  EXPECT_EQ(out[16 + 14], 255);
  EXPECT_EQ(out[32], 0);
  EXPECT_EQ(out[48 + 14], 0);
}

TEST(Resample, RefusesEmptyPictures) {
  AreaAxes axes;
  EXPECT_THROW(make_axes({}, 1, 1, axes), std::invalid_argument);
  EXPECT_THROW(make_axes(Image(2, 2).view(), 0, 1, axes), std::invalid_argument);
}

}  // namespace
}  // namespace likeness
