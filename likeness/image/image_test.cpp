#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "likeness/core/error.h"
#include "likeness/core/file.h"
#include "likeness/core/sha256.h"
#include "likeness/image/draw.h"
#include "likeness/image/orientation.h"
#include "likeness/image/read_image.h"
#include "likeness/image/resample.h"
#include "likeness/image/test_pictures.h"
#include "likeness/image/write_image.h"

namespace likeness {
namespace {

std::string digest(const Image& image) {
  return sha256(std::as_bytes(std::span(image.pixels()))).substr(0, 16);
}

TEST(Resample, EqualsPillowOnRandomSizesFiltersAndRegions) {
  std::ifstream file(LIKENESS_TESTDATA "/resample.txt");
  std::string line;
  int cases = 0;
  while (std::getline(file, line)) {
    if (line.starts_with('#')) continue;
    std::istringstream words(line);
    std::uint32_t seed = 0;
    int width = 0, height = 0, target_width = 0, target_height = 0;
    std::string filter, expected;
    Box region;
    words >> seed >> width >> height >> target_width >> target_height >> filter >> region.left >>
        region.top >> region.right >> region.bottom >> expected;
    ASSERT_TRUE(words && filter_from(filter)) << line;
    const Image image = noise(seed, width, height);
    EXPECT_EQ(digest(resample(image.view(), target_width, target_height, *filter_from(filter), region)),
              expected)
        << line;
    ++cases;
  }
  EXPECT_EQ(cases, 600);
}

TEST(Resample, RefusesRegionsOutsideTheImageAndEmptyTargets) {
  const Image image(4, 4);
  EXPECT_THROW((void)resample(image.view(), 0, 1, Filter::kBox), std::invalid_argument);
  EXPECT_THROW((void)resample(Image().view(), 1, 1, Filter::kBox), std::invalid_argument);
  EXPECT_THROW((void)resample(image.view(), 1, 1, Filter::kBox, Box{0, 0, 4.5F, 4}), std::invalid_argument);
  EXPECT_THROW((void)resample(image.view(), 1, 1, Filter::kBox, Box{2, 0, 2, 4}), std::invalid_argument);
  EXPECT_THROW((void)resample(image.view(), 1, 1, Filter::kBox, Box{NAN, 0, 2, 4}), std::invalid_argument);
}

TEST(WriteImage, PngComesBackAsItWas) {
  const Image image = noise(1, 37, 23);
  EXPECT_EQ(decode_image(encode_png(image.view()), "x.png"), image);
}

TEST(WriteImage, WritesPartsOfAPicture) {
  const Image image = noise(1, 40, 30);
  const ImageView part{image.view().row(5) + 3 * 7, 20, 10, image.view().stride};
  EXPECT_EQ(decode_image(encode_png(part), "x.png"),
            resample(image.view(), 20, 10, Filter::kNearest, Box{7, 5, 27, 15}));
}

const std::filesystem::path kPictures = LIKENESS_TESTDATA;

struct Listed {
  std::string file;
  ImageSize size;
  std::string digest;
};

// What Pillow read from the pictures of testdata/, see tools/make_picture_fixtures.py.
std::vector<Listed> listed_pictures() {
  std::ifstream file(kPictures / "pictures.txt");
  std::vector<Listed> pictures;
  std::string line;
  while (std::getline(file, line)) {
    if (line.starts_with('#')) continue;
    Listed listed;
    std::istringstream(line) >> listed.file >> listed.size.width >> listed.size.height >> listed.digest;
    pictures.push_back(listed);
  }
  return pictures;
}

std::vector<std::byte> bytes_of(const std::string& file) {
  return read_file_bytes(kPictures / file, 1 << 20);
}

std::vector<std::byte> bytes_from(const std::string& text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

// The message with which `bytes` are refused; empty where they are read.
std::string refusal(std::span<const std::byte> bytes, const ReadOptions& options = {}) {
  try {
    (void)decode_image(bytes, "photo.x", options);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kImageUnreadable);
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
    return error.what();
  }
  return "";
}

TEST(ReadImage, EqualsPillowInEveryFormat) {
  const auto pictures = listed_pictures();
  EXPECT_EQ(pictures.size(), 33U);
  for (const Listed& listed : pictures) {
    const Image image = read_image(kPictures / listed.file);
    EXPECT_EQ((ImageSize{image.width(), image.height()}), listed.size) << listed.file;
    EXPECT_EQ(probe_image(bytes_of(listed.file), listed.file), listed.size) << listed.file;
    // libvips makes transparent pixels of a GIF's further frames black; the first one has none here.
    EXPECT_EQ(digest(image), listed.digest) << listed.file;
  }
}

TEST(ReadImage, ReadsAvifNearly) {
  const Image original = read_image(kPictures / "plain.png");
  const Image image = read_image(kPictures / "lossy.avif");
  ASSERT_EQ(image.pixels().size(), original.pixels().size());
  double difference = 0;
  for (std::size_t i = 0; i < image.pixels().size(); ++i)
    difference += std::abs(image.pixels()[i] - original.pixels()[i]);
  EXPECT_LT(difference / static_cast<double>(image.pixels().size()), 6.0);  // levels of 255
}

TEST(ReadImage, RefusesOtherFormatsByName) {
  EXPECT_EQ(refusal(bytes_from("BM______")),
            "cannot read photo.x: it is a BMP file; convert it to PNG or JPEG");
  EXPECT_EQ(refusal(bytes_from(std::string("\0\0\1\0\1\0", 6))),
            "cannot read photo.x: it is an ICO file; convert it to PNG or JPEG");
  EXPECT_EQ(refusal({}), "cannot read photo.x: it is empty");
  EXPECT_NE(refusal(bytes_from("some text")).find("it is not a picture"), std::string::npos);
}

TEST(ReadImage, RefusesWhatIsMissingOrAFolder) {
  for (const auto& path : {kPictures / "nobody.jpg", kPictures}) {
    try {
      (void)read_image(path);
      ADD_FAILURE() << path;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kImageUnreadable);
      EXPECT_NE(std::string(error.what()).find(path.string()), std::string::npos) << error.what();
    }
  }
}

TEST(ReadImage, KeepsItsLimits) {
  const auto bytes = bytes_of("plain.png");  // 31 x 22 = 682 pixels
  EXPECT_EQ(refusal(bytes, {.max_pixels = 682}), "");
  EXPECT_EQ(refusal(bytes, {.max_pixels = 681}),
            "cannot read photo.x: 31 x 22 pixels are over the limit of 681");
  EXPECT_NE(refusal(bytes, {.max_bytes = bytes.size() - 1}).find("larger than the limit"), std::string::npos);
  EXPECT_THROW((void)read_image(kPictures / "plain.png", {.max_bytes = 10}), Error);
  EXPECT_THROW((void)probe_image(bytes, "photo.x", {.max_pixels = 681}), Error);
}

TEST(ReadImage, RefusesFilesCutShortWithoutAWordOnStderr) {
  testing::internal::CaptureStderr();
  for (const Listed& listed : listed_pictures()) {
    const auto bytes = bytes_of(listed.file);
    // The last tenth is index and padding in some formats; a third is never enough for a whole picture.
    EXPECT_NE(refusal(std::span(bytes).first(bytes.size() / 3)), "") << listed.file;
    for (std::size_t length = 1; length < bytes.size(); length += 1 + bytes.size() / 40) {
      (void)refusal(std::span(bytes).first(length));
    }
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(ReadImage, RefusesAPngWithoutItsEnd) {
  auto bytes = bytes_of("plain.png");
  bytes.resize(bytes.size() - 4);
  EXPECT_EQ(refusal(bytes), "cannot read photo.x: its PNG data are cut short");
}

TEST(ReadImage, SurvivesFlippedBytes) {
  for (const Listed& listed : listed_pictures()) {
    auto bytes = bytes_of(listed.file);
    for (std::size_t at = 0; at < bytes.size(); at += 1 + bytes.size() / 60) {
      const std::byte before = bytes[at];
      bytes[at] ^= std::byte{0xFF};
      (void)refusal(bytes, {.max_pixels = 1'000'000});
      bytes[at] = before;
    }
  }
}

TEST(ReadImage, ShrinksOnlyJpegs) {
  const Image photo = gradient(101, 66);
  const auto jpeg = encode_jpeg(photo.view(), 90);
  for (const int shrink : {1, 2, 4, 8}) {
    const Image image = decode_image(jpeg, "x.jpg", {.shrink = shrink});
    EXPECT_EQ(image.width(), 101 / shrink);
    EXPECT_EQ(image.height(), 66 / shrink);
    EXPECT_NEAR(image.view().row(image.height() / 2)[3 * (image.width() / 2)], 127, 6);  // red at the middle
    EXPECT_EQ(probe_image(jpeg, "x.jpg", {.shrink = shrink}), (ImageSize{101, 66}));
  }
  EXPECT_EQ(decode_image(encode_png(photo.view()), "x.png", {.shrink = 4}), photo);
  const Image tiny = decode_image(encode_jpeg(gradient(3, 20).view(), 90), "x.jpg", {.shrink = 8});
  EXPECT_EQ(tiny.width(), 1);  // shrunk less, so that something is left
  EXPECT_EQ(tiny.height(), 10);
  EXPECT_THROW((void)decode_image(jpeg, "x.jpg", {.shrink = 3}), std::invalid_argument);
}

TEST(ReadImage, ThreadsReadAtOnce) {
  const auto good = bytes_of("turned_6.jpg");
  const auto bad = bytes_of("progressive.jpg");
  const Image expected = decode_image(good, "good.jpg");
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 20; ++round) {
        EXPECT_EQ(decode_image(good, "good.jpg"), expected);
        EXPECT_NE(refusal(std::span(bad).first(bad.size() / 2)), "");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(Orientation, IsFoundInXmpAndRawProfiles) {
  EXPECT_EQ(orientation_in_xmp("<x tiff:Orientation=\"6\"/>"), 6);
  EXPECT_EQ(orientation_in_xmp("<tiff:Orientation>8</tiff:Orientation>"), 8);
  EXPECT_EQ(orientation_in_xmp("<tiff:Orientation>9"), 0);
  EXPECT_EQ(orientation_in_xmp("tiff:Orientation"), 0);
  // "Exif", then a little-endian TIFF block whose only entry is orientation 5.
  const std::string profile =
      "\nexif\n 32\n45786966000049492a00080000000100\n1201030001000000050000000000000000\n";
  EXPECT_EQ(orientation_in_raw_profile(profile), 5);
  for (std::size_t length = 0; length < profile.size() - 20; ++length) {
    EXPECT_EQ(orientation_in_raw_profile(profile.substr(0, length)), 0) << length;
  }
}

TEST(WriteImage, RefusesWhatCannotBeWritten) {
  EXPECT_THROW((void)encode_png(Image().view()), std::invalid_argument);
  EXPECT_THROW((void)encode_jpeg(Image(2, 2).view(), 0), std::invalid_argument);
  EXPECT_THROW(write_png("/nowhere/at/all.png", Image(2, 2).view()), Error);
}

std::size_t pixels_of(const Image& image, Color color) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < image.pixels().size(); i += 3) {
    count +=
        image.pixels()[i] == color.r && image.pixels()[i + 1] == color.g && image.pixels()[i + 2] == color.b;
  }
  return count;
}

TEST(Draw, BoxIsAnOutlineInsideItsEdges) {
  Image image(30, 20);
  draw_box(image, {5, 4, 15, 12}, {255, 0, 0}, 2);
  EXPECT_EQ(pixels_of(image, {255, 0, 0}), 10U * 8U - 6U * 4U);
  EXPECT_EQ(image.view().row(4)[3 * 5], 255);
  EXPECT_EQ(image.view().row(6)[3 * 7], 0);
}

TEST(Draw, DotIsRoundAboutItsCentre) {
  Image image(9, 9);
  draw_dot(image, {4.5F, 4.5F}, {0, 255, 0}, 2);  // rows of 3, 5, 5, 5, 3
  EXPECT_EQ(pixels_of(image, {0, 255, 0}), 21U);
}

TEST(Draw, TextStandsOutOnAnyPhoto) {
  for (const Color color : {Color{255, 220, 0}, Color{90, 0, 0}}) {
    for (const std::uint8_t grey : {0, 128, 255}) {
      Image image(200, 40, grey);
      draw_text(image, {4, 6}, "Ben & <Jerry>", color, 24);
      const Color plate = color.r == 255 ? Color{0, 0, 0} : Color{255, 255, 255};
      EXPECT_GT(pixels_of(image, color), 100U);
      EXPECT_GT(pixels_of(image, plate), 24U * 100U / 3U);
    }
  }
}

TEST(Draw, LeavesEverythingOutsideAlone) {
  Image image(10, 10);
  draw_box(image, {-1e20F, -5, 1e20F, 5}, {1, 1, 1}, 3);
  draw_dot(image, {-50, 200}, {1, 1, 1}, 5);
  draw_text(image, {-8, -3}, "\xFF not UTF-8 \xC3\xA9", {255, 255, 255}, 12);
  draw_text(image, {500, 500}, "far", {255, 255, 255}, 12);
  draw_text(image, {0, 0}, "", {255, 255, 255}, 12);
  EXPECT_EQ(image.width(), 10);
}

}  // namespace
}  // namespace likeness
