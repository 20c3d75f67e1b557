#include "likeness/gallery/face_review.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace likeness {
namespace {

/// A face beyond these is refused. Standard: what spoils a gallery; strict: what a passport photo would not
/// show.
struct Limits {
  float size_px;
  float sharpness;
  float dark;
  float bright;
  float yaw;
  std::size_t faces;
};
constexpr Limits kStandardLimits{30, 8, 25, 240, 1.2F, 1000};
constexpr Limits kStrictLimits{80, 40, 50, 220, 0.5F, 1};

std::vector<float> grey_of(const Chip& chip) {
  std::vector<float> grey(static_cast<std::size_t>(chip.width()) * static_cast<std::size_t>(chip.height()));
  const auto& pixels = chip.pixels();
  for (std::size_t i = 0; i < grey.size(); ++i) {  // ITU-R BT.601
    grey[i] = 0.299F * pixels[3 * i] + 0.587F * pixels[3 * i + 1] + 0.114F * pixels[3 * i + 2];
  }
  return grey;
}

float laplacian_variance(const std::vector<float>& grey, int width, int height) {
  double sum = 0;
  double squares = 0;
  double count = 0;
  for (int y = 1; y + 1 < height; ++y) {
    for (int x = 1; x + 1 < width; ++x) {
      const auto i =
          static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x);
      const auto row = static_cast<std::size_t>(width);
      const double value = 4.0 * grey[i] - grey[i - 1] - grey[i + 1] - grey[i - row] - grey[i + row];
      sum += value;
      squares += value * value;
      ++count;
    }
  }
  if (count == 0) return 0;
  const double mean = sum / count;
  return static_cast<float>(squares / count - mean * mean);
}

float middle_brightness(const std::vector<float>& grey, int width, int height) {
  double sum = 0;
  double count = 0;
  for (int y = height / 4; y < height - height / 4; ++y) {
    for (int x = width / 4; x < width - width / 4; ++x) {
      sum +=
          grey[static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x)];
      ++count;
    }
  }
  return count > 0 ? static_cast<float>(sum / count) : 0;
}

float yaw_of(const std::array<Point, 5>& landmarks) {
  const auto& [left, right, nose, mouth_left, mouth_right] = landmarks;
  const float dx = right.x - left.x;
  const float dy = right.y - left.y;
  const float squared = dx * dx + dy * dy;
  if (!(squared > 0)) return 0;
  const float along = ((nose.x - left.x) * dx + (nose.y - left.y) * dy) / squared;  // 0 left eye, 1 right eye
  return 2 * along - 1;
}

std::string number(const char* format, double value, double limit) {
  std::array<char, 120> text;
  std::snprintf(text.data(), text.size(), format, value, limit);
  return text.data();
}

std::vector<std::string> beyond(const FaceQuality& quality, std::size_t faces, const Limits& limits) {
  std::vector<std::string> found;
  if (quality.size_px < limits.size_px) {
    found.push_back(number("small: %.0f pixels, at least %.0f wanted", quality.size_px, limits.size_px));
  }
  if (quality.sharpness < limits.sharpness) {
    found.push_back(
        number("blurred: sharpness %.1f, at least %.0f wanted", quality.sharpness, limits.sharpness));
  }
  if (quality.brightness < limits.dark) {
    found.push_back(number("dark: brightness %.0f, at least %.0f wanted", quality.brightness, limits.dark));
  }
  if (quality.brightness > limits.bright) {
    found.push_back(
        number("too bright: brightness %.0f, at most %.0f wanted", quality.brightness, limits.bright));
  }
  if (std::abs(quality.yaw) > limits.yaw) {
    found.push_back(number("turned away: yaw %.2f, at most %.2f wanted", std::abs(quality.yaw), limits.yaw));
  }
  if (faces > limits.faces) {
    found.push_back(number("several faces: %.0f, %.0f expected; the main one was taken",
                           static_cast<double>(faces), static_cast<double>(limits.faces)));
  }
  return found;
}

}  // namespace

FaceQuality measure_quality(const Face& face, const Chip& chip) {
  const std::vector<float> grey = grey_of(chip);
  return {.size_px = std::min(face.box.width(), face.box.height()),
          .sharpness = laplacian_variance(grey, chip.width(), chip.height()),
          .brightness = middle_brightness(grey, chip.width(), chip.height()),
          .yaw = yaw_of(face.landmarks),
          .score = face.score};
}

namespace {

ReviewFinding finding(std::string what, bool refuse) {
  std::string kind = what.substr(0, what.find(':'));
  return {std::move(kind), std::move(what), refuse};
}

}  // namespace

std::vector<ReviewFinding> review_face(const FaceQuality& quality, std::size_t faces, Review review) {
  std::vector<ReviewFinding> findings;
  if (review == Review::kOff) return findings;
  const bool strict = review == Review::kStrict;
  for (std::string& what : beyond(quality, faces, strict ? kStrictLimits : kStandardLimits)) {
    findings.push_back(finding(std::move(what), true));
  }
  if (!strict && findings.empty()) {
    for (std::string& what : beyond(quality, faces, kStrictLimits))
      findings.push_back(finding(std::move(what), false));
  }
  return findings;
}

std::optional<Review> review_from(std::string_view name) {
  if (name == "off") return Review::kOff;
  if (name == "standard") return Review::kStandard;
  if (name == "strict") return Review::kStrict;
  return std::nullopt;
}

}  // namespace likeness
