#include "tests/tiny/tiny_world.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "likeness/image/write_image.h"

namespace likeness::tiny {
namespace {

namespace fs = std::filesystem;
using Colour = std::array<float, 3>;

/// Numbers in [low, high), the same with every standard library (its distributions are not).
class Draw {
 public:
  explicit Draw(std::uint32_t seed) : engine_(seed * 2654435761U + 17) {}
  float operator()(float low, float high) {
    return low + (high - low) * static_cast<float>(static_cast<double>(engine_()) / 4294967296.0);
  }
  Colour colour() { return {(*this)(0, 255), (*this)(0, 255), (*this)(0, 255)}; }

 private:
  std::mt19937 engine_;
};

struct Person {
  Colour skin, hair, eyes, mouth;
  float aspect;  // Width of the face's box in heights.
};

// Of the ranges of tools/make_tiny_packs.py. Each of three digits to base 3 moves several properties, so that
// any two of 27 people differ in three or more; those after them lie between.
Person person_of(int number) {
  const int a = number % 3, b = number / 3 % 3, c = number / 9 % 3;
  const float between = 0.5F * static_cast<float>(number / 27) / (1 + static_cast<float>(number / 27));
  const auto value = [&](int digit, float low, float high) {
    return low + (high - low) * (static_cast<float>(digit % 3) + between) / 2.5F;
  };
  const float red = value(b + c, 190, 250);
  const float grey = value(a, 20, 245);
  const float blue = value(a + c, 150, 240);
  return {.skin = {red, value(a + b + c, 60, 235), red - 140},
          .hair = {grey, value(b, 10, 255), grey},
          .eyes = {blue - 150, value(a + 2 * b + c, 0, 220), blue},
          .mouth = {value(c, 20, 220), value(2 * c + b, 20, 220), value(2 * a + c, 20, 220)},
          .aspect = value(2 * a + b, 0.75F, 0.95F)};
}

struct Canvas {
  int width = 0;
  int height = 0;
  std::vector<float> values{};  // RGB.
};

// A filled ellipse; its edge is one pixel soft.
void ellipse(Canvas& canvas, float x, float y, float rx, float ry, const Colour& colour) {
  const auto begin = [](float from) { return std::max(0, static_cast<int>(from - 1)); };
  const auto end = [](float to, int limit) { return std::min(limit, static_cast<int>(to + 2)); };
  for (int row = begin(y - ry); row < end(y + ry, canvas.height); ++row) {
    for (int column = begin(x - rx); column < end(x + rx, canvas.width); ++column) {
      const float dx = (static_cast<float>(column) + 0.5F - x) / rx;
      const float dy = (static_cast<float>(row) + 0.5F - y) / ry;
      const float inside =
          std::clamp(0.5F - (std::sqrt(dx * dx + dy * dy) - 1) * std::min(rx, ry), 0.0F, 1.0F);
      float* pixel = &canvas.values[static_cast<std::size_t>(row * canvas.width + column) * 3];
      for (std::size_t c = 0; c < 3; ++c) pixel[c] += (colour[c] - pixel[c]) * inside;
    }
  }
}

void draw_face(Canvas& canvas, const DrawnFace& face, float light) {
  const Person who = person_of(face.person);
  const auto lit = [](Colour colour, float by) {
    for (float& value : colour) value = std::clamp(value * by, 0.0F, 255.0F);
    return colour;
  };
  const float h = face.height;
  const float w = h * who.aspect;
  ellipse(canvas, face.x, face.y - 0.03F * h, 0.8F * w, 0.75F * h, lit(who.hair, light));
  ellipse(canvas, face.x, face.y, 0.5F * w, 0.5F * h, lit(who.skin, light));
  for (const float side : {-1.0F, 1.0F})
    ellipse(canvas, face.x + side * 0.21F * w, face.y - 0.1F * h, 0.1F * h, 0.08F * h, lit(who.eyes, light));
  ellipse(canvas, face.x, face.y + 0.08F * h, 0.05F * h, 0.08F * h, lit(who.skin, 0.85F * light));
  ellipse(canvas, face.x, face.y + 0.27F * h, 0.2F * w, 0.06F * h, lit(who.mouth, light));
}

}  // namespace

fs::path packs() { return LIKENESS_TINY_PACKS; }
ModelPack detector() { return load_pack(packs() / "mtcnn"); }
ModelPack embedder() { return load_pack(packs() / kEmbedder); }

Box box_of(const DrawnFace& face) {
  const float w = face.height * person_of(face.person).aspect;
  return {.left = face.x - w / 2,
          .top = face.y - face.height / 2,
          .right = face.x + w / 2,
          .bottom = face.y + face.height / 2};
}

std::array<Point, 5> landmarks_of(const DrawnFace& face) {
  const float h = face.height;
  const float w = h * person_of(face.person).aspect;
  return {{{face.x - 0.21F * w, face.y - 0.1F * h},
           {face.x + 0.21F * w, face.y - 0.1F * h},
           {face.x, face.y + 0.1F * h},
           {face.x - 0.2F * w, face.y + 0.27F * h},
           {face.x + 0.2F * w, face.y + 0.27F * h}}};
}

Image draw(std::span<const DrawnFace> faces, int width, int height, std::uint32_t seed) {
  Draw random(seed);
  Canvas canvas{.width = width, .height = height};
  const Colour top = random.colour();
  const Colour bottom = random.colour();
  for (int row = 0; row < height; ++row) {
    const float share = static_cast<float>(row) / static_cast<float>(height);
    for (int column = 0; column < width; ++column) {
      for (std::size_t c = 0; c < 3; ++c) canvas.values.push_back(top[c] + (bottom[c] - top[c]) * share);
    }
  }
  for (int shape = 0; shape < 4; ++shape) {
    const float x = random(0, static_cast<float>(width));
    const float y = random(0, static_cast<float>(height));
    const float rx = random(3, 30);
    ellipse(canvas, x, y, rx, random(3, 30), random.colour());
  }
  for (const DrawnFace& face : faces) draw_face(canvas, face, random(0.96F, 1.04F));
  std::vector<std::uint8_t> pixels;
  for (const float value : canvas.values)
    pixels.push_back(static_cast<std::uint8_t>(std::clamp(value + random(-3, 3) + 0.5F, 0.0F, 255.0F)));
  return {width, height, std::move(pixels)};
}

DrawnFace posed(int person, std::uint32_t seed) {
  Draw random(seed + 0x5EEDU);
  const float height = random(50, 80);
  const float x = random(60, 100);
  return {.person = person, .x = x, .y = random(54, 66), .height = height};
}

Image portrait(int person, std::uint32_t seed) {
  const DrawnFace face = posed(person, seed);
  return draw({&face, 1}, 160, 120, seed);
}

std::string name_of(int person) {
  const std::string number = std::to_string(person);
  return "person_" + std::string(number.size() < 2 ? 1 : 0, '0') + number;
}

std::vector<fs::path> write_people(const fs::path& folder, int first, int last, int photos,
                                   std::uint32_t seed) {
  std::vector<fs::path> files;
  for (int person = first; person < last; ++person) {
    fs::create_directories(folder / name_of(person));
    for (int photo = 0; photo < photos; ++photo) {
      files.push_back(folder / name_of(person) / (std::to_string(photo) + ".png"));
      write_png(files.back(), portrait(person, seed++).view());
    }
  }
  return files;
}

Folder::Folder() {
  const auto* test = testing::UnitTest::GetInstance()->current_test_info();
  path_ = fs::path(testing::TempDir()) / ("likeness_" + std::string(test->test_suite_name()) + "_" +
                                          test->name() + "_" + std::to_string(::getpid()));
  fs::remove_all(path_);
  fs::create_directories(path_);
}

Folder::~Folder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

}  // namespace likeness::tiny
