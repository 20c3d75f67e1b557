#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "likeness/core/error.h"
#include "likeness/core/file.h"
#include "likeness/image/color_tags.h"
#include "likeness/image/read_image.h"
#include "likeness/image/tiff_tag.h"
#include "likeness/image/to_srgb.h"

namespace likeness {
namespace {

// Pictures of every kind of colour, see tools/make_colour_fixtures.py.
// tests/meeting/run.sh runs this test on pictures made anew.
const char* const kMadeAnew = std::getenv("LIKENESS_COLOURS");
const std::filesystem::path kColours = kMadeAnew != nullptr ? kMadeAnew : LIKENESS_TESTDATA "/colour";

std::vector<std::byte> bytes_of(const std::string& file) {
  return read_file_bytes(kColours / file, 1 << 20, ErrorCode::kImageUnreadable);
}

// Mean difference in levels of 255.
double difference(const Image& a, const Image& b) {
  if (a.width() != b.width() || a.height() != b.height()) return 255;
  double sum = 0;
  for (std::size_t i = 0; i < a.pixels().size(); ++i) sum += std::abs(a.pixels()[i] - b.pixels()[i]);
  return sum / static_cast<double>(a.pixels().size());
}

TEST(Colours, EqualImageCmsAndPillow) {
  std::ifstream file(kColours / "colours.txt");
  std::string line;
  int pictures = 0;
  while (std::getline(file, line)) {
    if (line.starts_with('#')) continue;
    std::string name, expected;
    double tolerance = -1;
    std::istringstream(line) >> name >> expected >> tolerance;
    ASSERT_GE(tolerance, 0) << line;
    const Image right = read_image(kColours / expected);
    EXPECT_LE(difference(read_image(kColours / name), right), tolerance) << name;
    EXPECT_EQ(probe_image(bytes_of(name), name), (ImageSize{right.width(), right.height()})) << name;
    ++pictures;
  }
  EXPECT_EQ(pictures, 57);
}

TEST(Colours, ThatCannotBeRightAreRefusedByName) {
  const std::string samples = "floating-point, signed or 32-bit numbers";
  const std::map<std::string, std::string> words{{"pq.heic", "coded for HDR screens (PQ)"},
                                                 {"hlg.heic", "coded for HDR screens (HLG)"},
                                                 {"pq.png", "coded for HDR screens (PQ)"},
                                                 {"icc_lab.tif", "ICC's or ITU's form of Lab"},
                                                 {"ycbcr.tif", "YCbCr without JPEG"},
                                                 {"float_grey.tif", samples},
                                                 {"signed16.tif", samples},
                                                 {"integers32.tif", samples}};
  for (const auto& [name, word] : words) {
    try {
      (void)read_image(kColours / name);
      ADD_FAILURE() << name << " was read";
    } catch (const Error& error) {
      const std::string message = error.what();
      EXPECT_EQ(error.code(), ErrorCode::kImageUnreadable);
      EXPECT_NE(message.find(name), std::string::npos) << message;
      EXPECT_NE(message.find(word), std::string::npos) << message;
    }
  }
}

TEST(Colours, SurviveDamageWithoutAWordOnStderr) {
  testing::internal::CaptureStderr();
  int tried = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kColours)) {
    const std::string name = entry.path().filename();
    // dav1d, with which libheif reads AVIF, writes a line of its own about damage.
    if (name.ends_with(".txt") || name.ends_with(".expected.png") || name.ends_with(".avif")) continue;
    auto bytes = bytes_of(name);
    for (std::size_t at = 0; at < bytes.size(); at += 1 + bytes.size() / 12, ++tried) {
      bytes[at] ^= std::byte{0xFF};
      try {
        EXPECT_FALSE(decode_image(bytes, name, {.max_pixels = 1'000'000}).empty());
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::kImageUnreadable) << error.what();
      }
      bytes[at] ^= std::byte{0xFF};
    }
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  EXPECT_GT(tried, 50 * 12);
}

TEST(ColourTags, AreReadFromBoxesAndChunks) {
  const auto p3 = heif_code_points(bytes_of("p3_nclx.heic"));
  ASSERT_TRUE(p3);
  EXPECT_EQ(p3->primaries, 12);
  EXPECT_EQ(p3->transfer, 13);
  const auto heic = bytes_of("pq.heic");
  EXPECT_EQ(heif_code_points(heic)->transfer, 16);
  for (std::size_t length = 0; length < 300; ++length) {
    (void)heif_code_points(
        std::span(heic).first(length));  // no read past the end: the address sanitizer sees
  }
  EXPECT_FALSE(heif_code_points(std::span(heic).first(100)));

  const PngColor chunks = png_color(bytes_of("gama_chrm.png"));
  ASSERT_TRUE(chunks.colorimetry);
  EXPECT_NEAR(chunks.colorimetry->gamma, 2.2, 1e-4);
  EXPECT_DOUBLE_EQ(chunks.colorimetry->primaries[2], 0.21);  // Adobe RGB's green
  EXPECT_FALSE(chunks.is_srgb);
  EXPECT_TRUE(png_color(bytes_of("srgb_over_gama.png")).is_srgb);
  EXPECT_FALSE(png_color(bytes_of("gama_of_zero.png")).colorimetry);
}

TEST(ColourTags, OfTiffAreReadInBothByteOrders) {
  EXPECT_EQ(tiff_tag(bytes_of("ycbcr.tif"), 262), 6);
  const std::string big("MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x05\0\0\0\0\0\0", 26);
  EXPECT_EQ(tiff_tag(std::as_bytes(std::span(big)), 0x112), 5);
  const std::string as_long("MM\0*\0\0\0\x08\0\x01\x01\x12\0\x04\0\0\0\x01\0\0\0\x06\0\0\0\0", 26);
  EXPECT_EQ(tiff_tag(std::as_bytes(std::span(as_long)), 0x112), 6);
  for (std::size_t length = 0; length < 20; ++length) {
    EXPECT_EQ(tiff_tag(std::as_bytes(std::span(big).first(length)), 0x112), 0) << length;
  }
}

// Adobe RGB (1998) 4.3.4: its green is outside sRGB, its greys are sRGB's own but for the curve.
TEST(ToSrgb, ConvertsByNumbers) {
  const auto adobe = ToSrgb::by_colorimetry(kAdobeRgb, {});
  ASSERT_TRUE(adobe);
  const std::uint8_t source[] = {128, 128, 128, 255, 255, 255, 200, 150, 120};
  std::uint8_t target[9]{};
  adobe->row(source, target, 3);
  EXPECT_NEAR(target[0], 128, 1);  // .5^2.2 = .2195, and sRGB's curve gives 128 for .2159
  EXPECT_EQ(target[0], target[1]);
  EXPECT_EQ(target[3], 255);
  // Linear .5861 .3114 .1904; red 1.3983 R - .3983 G = .6955 is 217 in sRGB.
  EXPECT_NEAR(target[6], 217, 1);

  EXPECT_FALSE(ToSrgb::by_colorimetry({}, {}));                 // sRGB itself
  EXPECT_FALSE(ToSrgb::by_colorimetry({.gamma = 2.2}, {}));     // nearly
  EXPECT_TRUE(ToSrgb::by_colorimetry({.gamma = 1}, {}));        // linear light
  EXPECT_FALSE(ToSrgb::by_colorimetry({.primaries = {}}, {}));  // a gamut without area
  EXPECT_FALSE(ToSrgb::by_profile({}, {}));
}

}  // namespace
}  // namespace likeness
