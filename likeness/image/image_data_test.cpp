#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <set>
#include <string>

#include "likeness/core/error.h"
#include "likeness/image/read_image.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;
const fs::path kTricky = LIKENESS_SHARED "/data/tricky";
const fs::path kHopper = kTricky / "pillow/Tests/images";

class TrickyPhotos : public testing::Test {
  void SetUp() override {
    if (!fs::exists(kTricky)) GTEST_SKIP() << "no folder " << kTricky;
  }
};

// Mean difference in levels of 255.
double difference(const Image& a, const Image& b) {
  if (a.width() != b.width() || a.height() != b.height()) return 255;
  double sum = 0;
  for (std::size_t i = 0; i < a.pixels().size(); ++i) sum += std::abs(a.pixels()[i] - b.pixels()[i]);
  return sum / static_cast<double>(a.pixels().size());
}

bool is_picture(const fs::path& path) {
  const std::set<std::string> other{"", ".md", ".txt", ".markdown", ".icc", ".scan"};
  return !other.contains(path.extension());
}

TEST_F(TrickyPhotos, ExactlyTheDamagedAndUnsupportedOnesAreRefused) {
  const std::set<std::string> expected{
      "broken.png",          "broken_data_stream.png", "corrupted.png",      "decompression_bomb.gif",
      "einstein.bmp",        "einstein.ico",           "empty.png",          "hopper.bmp",
      "hopper_rle8.bmp",     "monkey12.jpg",           "monkey16.pgm",       "no_cursors.cur",
      "shira_bird8.bmp",     "testorig.ppm",           "truncated.jpg",      "truncated_end_chunk.png",
      "truncated_image.png", "truncated_jpeg.jpg",     "vgl_6434_0018a.bmp", "vgl_6548_0026a.bmp",
      "zero_height.j2k"};
  std::set<std::string> refused;
  int read = 0;
  testing::internal::CaptureStderr();
  for (const auto& entry : fs::recursive_directory_iterator(kTricky)) {
    if (!entry.is_regular_file() || !is_picture(entry.path())) continue;
    try {
      EXPECT_FALSE(read_image(entry.path()).empty());
      ++read;
    } catch (const Error& error) {
      const std::string message = error.what();
      EXPECT_EQ(error.code(), ErrorCode::kImageUnreadable);
      EXPECT_TRUE(message.starts_with("cannot read " + entry.path().string() + ": ")) << message;
      EXPECT_EQ(message.find('\n'), std::string::npos) << message;
      refused.insert(entry.path().filename());
    }
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  EXPECT_EQ(refused, expected);
  EXPECT_EQ(read, 74);
}

TEST_F(TrickyPhotos, ThePortraitIsTheSameInEverySpelling) {
  const Image portrait = read_image(kHopper / "hopper.png");
  for (const char* same : {"hopper.tif", "hopper_webp.png", "hopper_idat_after_image_end.png"}) {
    EXPECT_LT(difference(read_image(kHopper / same), portrait), 6) << same;
  }
  for (const char* near : {"hopper.jpg", "hopper.webp", "hopper.gif", "avif/hopper.avif",
                           "hopper_orientation_6.webp", "hopper_orientation_8.webp"}) {
    EXPECT_LT(difference(read_image(kHopper / near), portrait), 12) << near;
  }
  for (int orientation = 2; orientation <= 8; ++orientation) {
    const std::string file = "hopper_orientation_" + std::to_string(orientation) + ".jpg";
    EXPECT_LT(difference(read_image(kHopper / file), portrait), 12) << file;
  }
}

TEST_F(TrickyPhotos, EinsteinIsTheSameInEverySpelling) {
  const Image einstein = read_image(kTricky / "compreface/einstein.png");
  for (const char* other : {"einstein.gif", "einstein.jpeg", "einstein.tiff", "einstein.webp"}) {
    EXPECT_LT(difference(read_image(kTricky / "compreface" / other), einstein), 5) << other;
  }
}

TEST_F(TrickyPhotos, OrientationsAreUpright) {
  for (const std::string shape : {"Landscape_", "Portrait_"}) {
    const fs::path folder = kTricky / "exif-orientation";
    const Image upright = read_image(folder / (shape + "1.jpg"));
    for (int orientation = 0; orientation <= 8; ++orientation) {
      const std::string file = shape + std::to_string(orientation) + ".jpg";
      EXPECT_LT(difference(read_image(folder / file), upright), 12)
          << file;  // the number in the picture differs
    }
  }
}

}  // namespace
}  // namespace likeness
