#include "likeness/image/pixel_view.h"

#include <gtest/gtest.h>

#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "likeness/image/test_pictures.h"

namespace likeness {
namespace {

using Bytes = std::vector<std::uint8_t>;

TEST(PixelView, EveryOrderBecomesRgb) {
  const Bytes four{1, 2, 3, 4, 5, 6, 7, 8};  // two pixels of four bytes
  const Bytes rgb{1, 2, 3, 4, 5, 6};
  EXPECT_EQ(to_image({four.data(), 2, 1, PixelOrder::kRgba}).pixels(), (Bytes{1, 2, 3, 5, 6, 7}));
  EXPECT_EQ(to_image({four.data(), 2, 1, PixelOrder::kBgra}).pixels(), (Bytes{3, 2, 1, 7, 6, 5}));
  EXPECT_EQ(to_image({rgb.data(), 1, 2, PixelOrder::kRgb}).pixels(), rgb);
  EXPECT_EQ(to_image({rgb.data(), 1, 2, PixelOrder::kBgr}).pixels(), (Bytes{3, 2, 1, 6, 5, 4}));
  EXPECT_EQ(to_image({rgb.data(), 1, 2, PixelOrder::kGrey}).pixels(), (Bytes{1, 1, 1, 2, 2, 2}));
}

TEST(PixelView, StridesMayLeaveGapsRunBackwardsAndTurn) {
  const Image image = noise(3, 5, 4);
  const std::uint8_t* data = image.view().data;
  const auto pixel = [&](int x, int y) {
    const std::uint8_t* at = image.view().row(y) + 3 * x;
    return Bytes{at[0], at[1], at[2]};
  };
  const auto of = [](const Image& picture, int x, int y) {
    const std::uint8_t* at = picture.view().row(y) + 3 * x;
    return Bytes{at[0], at[1], at[2]};
  };
  const Image upside_down = to_image({data + 3 * 15, 5, 4, -15, 3, PixelOrder::kRgb});
  const Image mirrored = to_image({data + 12, 5, 4, 15, -3, PixelOrder::kRgb});
  const Image turned = to_image({data, 4, 5, 3, 15, PixelOrder::kRgb});
  const Image part = to_image({data + 15 + 3, 3, 2, 15, 3, PixelOrder::kRgb});
  const Image every_second = to_image({data, 3, 4, 15, 6, PixelOrder::kRgb});
  for (int y = 0; y < 4; ++y) {
    for (int x = 0; x < 5; ++x) {
      EXPECT_EQ(of(upside_down, x, y), pixel(x, 3 - y));
      EXPECT_EQ(of(mirrored, x, y), pixel(4 - x, y));
      EXPECT_EQ(of(turned, y, x), pixel(x, y));
      if (x >= 3) continue;
      EXPECT_EQ(of(every_second, x, y), pixel(2 * x, y));
      if (y >= 2) continue;
      EXPECT_EQ(of(part, x, y), pixel(x + 1, y + 1));
    }
  }
}

TEST(PixelView, OurOwnKindIsNotCopied) {
  const Image image = noise(1, 6, 5);
  const auto same = as_image_view(image.view().part(1, 2, 3, 2));
  ASSERT_TRUE(same);
  EXPECT_EQ(same->data, image.view().row(2) + 3);
  EXPECT_EQ(same->stride, 18U);
  EXPECT_FALSE(as_image_view({image.view().data, 6, 5, PixelOrder::kBgr}));
  EXPECT_FALSE(as_image_view({image.view().row(4), 6, 5, -18, 3, PixelOrder::kRgb}));
  EXPECT_FALSE(as_image_view({image.view().data, 3, 5, 18, 6, PixelOrder::kRgb}));
  EXPECT_EQ(as_image_view({image.view().data, 6, 1, -7, 3, PixelOrder::kRgb})->stride, 18U);
}

TEST(PixelView, NothingIsAPictureOfNoPixels) {
  EXPECT_TRUE(to_image({}).empty());
  EXPECT_TRUE(to_image({nullptr, 0, 7, PixelOrder::kGrey}).empty());
  EXPECT_TRUE(as_image_view(PixelView{})->empty());
}

TEST(PixelView, WhatCannotBeAPictureIsRefused) {
  const Bytes bytes(64);
  const std::ptrdiff_t far = std::numeric_limits<std::ptrdiff_t>::max();
  const auto refused = [](const PixelView& pixels, const std::string& why) {
    try {
      check(pixels);
      ADD_FAILURE() << "not refused: " << why;
    } catch (const std::invalid_argument& error) {
      EXPECT_NE(std::string(error.what()).find(why), std::string::npos) << error.what();
    }
  };
  refused({bytes.data(), -1, 4, PixelOrder::kGrey}, "-1 x 4: a side is negative");
  refused({nullptr, 4, 4, PixelOrder::kGrey}, "no data");
  refused({bytes.data(), 4, 4, 4, 3, PixelOrder::kRgb}, "lie over each other");
  refused({bytes.data(), 4, 4, 12, 1, PixelOrder::kRgb}, "lie over each other");
  refused({bytes.data(), 2, 2, 0, 0, PixelOrder::kGrey}, "lie over each other");
  refused({bytes.data(), 2, 4, far / 2, 3, PixelOrder::kRgb}, "out of memory");
  refused({bytes.data(), 2, 2, -far, far, PixelOrder::kRgb}, "out of memory");
  refused({bytes.data(), 2, 2, std::numeric_limits<std::ptrdiff_t>::min(), 3, PixelOrder::kRgb},
          "out of memory");
}

}  // namespace
}  // namespace likeness
