#include "likeness/align/align.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <locale>
#include <sstream>
#include <string>

#include "likeness/core/error_testing.h"
#include "likeness/core/sha256.h"
#include "likeness/image/resample.h"
#include "likeness/image/test_pictures.h"

namespace likeness {
namespace {

// ArcFace's places for 112 x 112, as published.
constexpr std::array<Point, 5> kPlaces{{{38.2946F, 51.6963F},
                                        {73.5318F, 51.5014F},
                                        {56.0252F, 71.7366F},
                                        {41.5493F, 92.3655F},
                                        {70.7299F, 92.2041F}}};

Face face_at(Box box, std::array<Point, 5> landmarks = kPlaces) { return {box, 1, landmarks}; }

Image turned_left(const Image& image) {  // its right edge becomes the top
  Image result(image.height(), image.width());
  for (int y = 0; y < result.height(); ++y) {
    for (int x = 0; x < result.width(); ++x) {
      std::copy_n(image.view().row(x) + 3 * (image.width() - 1 - y), 3, result.row(y) + 3 * x);
    }
  }
  return result;
}

TEST(MainFace, IsTheFirstForTheTutorialAndTheLargestNearTheCentreElse) {
  // In 100 x 100: area 400 at distance^2 0; area 900 at distance^2 30^2 + 0 = 900, 900 - 1800 < 400; area 961
  // nearer.
  const Face faces[] = {face_at({65, 35, 95, 65}), face_at({40, 40, 60, 60})};
  EXPECT_EQ(main_face(faces, 100, 100, {.profile = CropProfile::kMargin}), 1U);
  EXPECT_EQ(main_face(faces, 100, 100, {.profile = CropProfile::kAligned}), 1U);
  EXPECT_EQ(main_face(faces, 100, 100, {.profile = CropProfile::kTutorial}), 0U);
  const Face nearer[] = {face_at({40, 40, 60, 60}), face_at({45, 35, 75, 65})};  // 900 - 2 * 10^2 > 400
  EXPECT_EQ(main_face(nearer, 100, 100, {.profile = CropProfile::kMargin}), 1U);
  EXPECT_EQ(main_face({}, 100, 100, {}), std::nullopt);
}

TEST(MarginRegion, GrowsAboutTheCentreAndStaysInThePhoto) {
  EXPECT_EQ(margin_region({10, 20, 30, 60}, 100, 100, {.grow = 1.5F}), (Box{5, 10, 35, 70}));
  EXPECT_EQ(margin_region({10, 20, 30, 60}, 100, 100, {.grow = 1, .square = true}), (Box{0, 20, 40, 60}));
  EXPECT_EQ(margin_region({-10, 20, 30, 120}, 100, 100, {.grow = 1}), (Box{0, 20, 30, 100}));
}

TEST(MarginRegion, KeepsAPixelOfABoxOutsideThePhoto) {
  EXPECT_EQ(margin_region({-50, -50, -10, -10}, 100, 80, {}), (Box{0, 0, 1, 1}));
  EXPECT_EQ(margin_region({200, 200, 300, 300}, 100, 80, {}), (Box{99, 79, 100, 80}));
}

TEST(CutChip, MarginEqualsPillow) {
  std::ifstream file(LIKENESS_TESTDATA "/margin.txt");
  std::string line;
  int cases = 0;
  while (std::getline(file, line)) {
    if (line.starts_with('#')) continue;
    std::istringstream words(line);
    std::uint32_t seed = 0;
    int width = 0, height = 0;
    Box box;
    std::string expected;
    words >> seed >> width >> height >> box.left >> box.top >> box.right >> box.bottom >> expected;
    const Chip chip = cut_chip(noise(seed, width, height).view(), face_at(box), {});
    EXPECT_EQ(sha256(std::as_bytes(std::span(chip.pixels()))).substr(0, 16), expected) << line;
    ++cases;
  }
  EXPECT_EQ(cases, 60);
}

TEST(CutChip, TutorialTakesTheAbsoluteOfNegativeEdgesAndCutsTheFarOnes) {
  const Image photo = noise(3, 60, 50);
  const CropSpec spec{
      .profile = CropProfile::kTutorial, .filter = Filter::kNearest, .width = 20, .height = 20};
  // int(-3.7) = -3, so it begins at 3, 24 wide; from 40 it is 25 high, but the photo ends after 10 rows.
  const Chip chip = cut_chip(photo.view(), face_at({-3.7F, 40.2F, 20.9F, 66.1F}), spec);
  EXPECT_EQ(chip, resample(photo.view().part(3, 40, 24, 10), 20, 20, Filter::kNearest));
}

TEST(CutChip, TutorialMeasuresTheSideBeforeCuttingTheFraction) {
  const Image photo = noise(4, 60, 50);
  const CropSpec spec{
      .profile = CropProfile::kTutorial, .filter = Filter::kNearest, .width = 20, .height = 20};
  // int(30.2 - 10.8) = 19, while int(30.2) - int(10.8) = 20.
  const Chip chip = cut_chip(photo.view(), face_at({10.8F, 5, 30.2F, 25}), spec);
  EXPECT_EQ(chip, resample(photo.view().part(10, 5, 19, 20), 20, 20, Filter::kNearest));
}

TEST(CutChip, UprightChangesNothingForLevelEyes) {
  const Image photo = noise(5, 60, 50);
  auto landmarks = kPlaces;
  landmarks[1].y = landmarks[0].y;
  const CropSpec spec{.width = 30, .height = 30, .grow = 1, .upright = true};
  EXPECT_EQ(cut_chip(photo.view(), face_at({10, 10, 40, 40}, landmarks), spec),
            resample(photo.view().part(10, 10, 30, 30), 30, 30, Filter::kBilinear));
}

TEST(CutChip, UprightTurnsAFaceThatLiesOnItsSide) {
  const Image photo = noise(6, 40, 40);
  const Image lying = turned_left(photo);
  // Eyes that were level, left before right, now run from the bottom up.
  const std::array<Point, 5> landmarks{{{15, 28}, {15, 12}, {20, 20}, {25, 28}, {25, 12}}};
  const CropSpec spec{.width = 40, .height = 40, .grow = 1, .upright = true};
  EXPECT_EQ(cut_chip(lying.view(), face_at({0, 0, 40, 40}, landmarks), spec), photo);
}

TEST(CutChip, AlignedLeavesAFaceThatIsInPlace) {
  const Image photo = noise(7, 112, 112);
  const CropSpec spec{.profile = CropProfile::kAligned, .width = 112, .height = 112};
  EXPECT_EQ(cut_chip(photo.view(), face_at({0, 0, 112, 112}), spec), photo);
}

TEST(CutChip, AlignedIsBlackOutsideThePhoto) {
  auto landmarks = kPlaces;
  for (Point& place : landmarks) place.x -= 20;  // so the chip's first 20 columns lie left of the photo
  const Image photo(112, 112, 200);
  const CropSpec spec{.profile = CropProfile::kAligned, .width = 112, .height = 112};
  const Chip chip = cut_chip(photo.view(), face_at({0, 0, 112, 112}, landmarks), spec);
  EXPECT_EQ(chip.view().row(50)[3 * 19], 0);
  EXPECT_EQ(chip.view().row(50)[3 * 21], 200);
}

TEST(CutChip, AlignedScalesThePlacesToTheChip) {
  std::array<Point, 5> landmarks = kPlaces;
  for (Point& place : landmarks) place = {place.x * 2, place.y * 2};
  const Image photo = gradient(224, 224);
  const CropSpec spec{.profile = CropProfile::kAligned, .width = 224, .height = 224};
  EXPECT_EQ(cut_chip(photo.view(), face_at({0, 0, 224, 224}, landmarks), spec), photo);
}

TEST(CutChip, AlignedTakesTheModelsOwnPlaces) {
  const auto dlib = template_places(LandmarkTemplate::kDlib, 150, 150);
  const Image photo = noise(9, 150, 150);
  CropSpec spec{.profile = CropProfile::kAligned, .width = 150, .height = 150};
  EXPECT_NE(cut_chip(photo.view(), face_at({0, 0, 150, 150}, dlib), spec), photo);
  spec.places = dlib;
  EXPECT_EQ(cut_chip(photo.view(), face_at({0, 0, 150, 150}, dlib), spec), photo);
  // Named or not, ArcFace's are the same.
  CropSpec arcface{.profile = CropProfile::kAligned, .width = 96, .height = 112};
  const Chip unnamed = cut_chip(photo.view(), face_at({0, 0, 150, 150}, dlib), arcface);
  arcface.places = template_places(*landmark_template_from("arcface"), 96, 112);
  EXPECT_EQ(cut_chip(photo.view(), face_at({0, 0, 150, 150}, dlib), arcface), unnamed);
  EXPECT_FALSE(landmark_template_from("Dlib"));
}

TEST(ReadPlaces, TakesTenNumbersAndNamesWhatElseItFinds) {
  const std::string file = testing::TempDir() + "places_" + std::to_string(::getpid()) + ".txt";
  const auto read = [&](const std::string& text) {
    std::ofstream(file) << text;
    return read_places(file);
  };
  const auto problem = [&](const std::string& text) {
    return message(ErrorCode::kDataInvalid, [&] { (void)read(text); });
  };
  const auto places = read("# ours, 112 x 112\n38.5, 51.5\n73.5 51.5\n56 71.75 # nose\n41.5,92\n70.5\t92\n");
  EXPECT_EQ(places[0], (Point{38.5F, 51.5F}));
  EXPECT_EQ(places[4], (Point{70.5F, 92}));
  const std::string same = "+38.5 51.5 73.5 51.5 56 71.75\r41.5 92\r\n70.5 92";
  EXPECT_EQ(read("\xEF\xBB\xBF" + same), places);
  struct Comma : std::numpunct<char> {  // as in German
    [[nodiscard]] char do_decimal_point() const override { return ','; }
  };
  const std::locale before = std::locale::global(std::locale(std::locale(), new Comma));
  EXPECT_EQ(read(same), places);
  std::locale::global(before);
  EXPECT_NE(problem("1 2 3").find("it holds 3 numbers; it must hold ten"), std::string::npos);
  EXPECT_NE(problem("1 2 3 4 5 6 7 8 9 x").find("\"x\" is no place"), std::string::npos);
  EXPECT_NE(problem("1 2 3 4 5 6 7 8 9 1e9").find("\"1e9\" is no place"), std::string::npos);
  EXPECT_NE(problem("1 2 3 4 5 6 7 8 9 nan").find("\"nan\" is no place"), std::string::npos);
  EXPECT_NE(problem("1 1 1 1 1 1 1 1 1 1").find("all five places are one"), std::string::npos);
  EXPECT_EQ(problem(std::string("\x7f") + "ELF\x01").find(file), 0U);
  EXPECT_THROW((void)read_places(file + ".none"), Error);
  ::unlink(file.c_str());
}

TEST(CutChip, RefusesPlacesThatAreNotNumbers) {
  const Image photo(10, 10);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THROW((void)cut_chip(photo.view(), face_at({nan, 0, 5, 5}), {}), std::invalid_argument);
  EXPECT_THROW((void)cut_chip(photo.view(), face_at({0, 0, 5, 5}, {}), {.profile = CropProfile::kAligned}),
               std::invalid_argument);
  EXPECT_THROW((void)cut_chip(Image().view(), face_at({0, 0, 5, 5}), {}), std::invalid_argument);
}

TEST(CutChip, TakesAnyBox) {
  const Image photo = noise(8, 30, 20);
  const float far = 1e30F;
  for (const Box& box : {Box{-far, -far, far, far}, Box{5, 5, 5, 5}, Box{9, 9, 2, 2}, Box{far, far, far, far},
                         Box{-far, 3, -far, 4}, Box{-40, -30, -35, -25}}) {
    for (const auto profile : {CropProfile::kTutorial, CropProfile::kMargin, CropProfile::kAligned}) {
      for (const bool upright : {false, true}) {
        const CropSpec spec{.profile = profile, .width = 16, .height = 12, .upright = upright};
        EXPECT_EQ(cut_chip(photo.view(), face_at(box), spec).width(), 16);
      }
    }
  }
}

double squared_error(const Similarity& s, const std::array<Point, 5>& from, const std::array<Point, 5>& to) {
  double sum = 0;
  for (std::size_t i = 0; i < from.size(); ++i) {
    const double x = s.a * from[i].x - s.b * from[i].y + s.dx - to[i].x;
    const double y = s.b * from[i].x + s.a * from[i].y + s.dy - to[i].y;
    sum += x * x + y * y;
  }
  return sum;
}

TEST(FitSimilarity, NothingNearIsCloser) {
  std::array<Point, 5> to = kPlaces;
  to[0].x += 7;  // so that nothing fits perfectly
  to[3].y -= 4;
  const std::array<Point, 5> from{{{100, 80}, {130, 95}, {110, 108}, {92, 115}, {118, 126}}};
  const Similarity best = fit_similarity(from, to);
  const double least = squared_error(best, from, to);
  for (const double step : {-1e-3, 1e-3}) {
    EXPECT_GT(squared_error({best.a + step, best.b, best.dx, best.dy}, from, to), least);
    EXPECT_GT(squared_error({best.a, best.b + step, best.dx, best.dy}, from, to), least);
    EXPECT_GT(squared_error({best.a, best.b, best.dx + step, best.dy}, from, to), least);
    EXPECT_GT(squared_error({best.a, best.b, best.dx, best.dy + step}, from, to), least);
  }
}

}  // namespace
}  // namespace likeness
