#pragma once

namespace likeness {

/// A place in an image, in pixels: x to the right, y down.
/// (0, 0) is the outer corner of the first pixel; its centre is (0.5, 0.5).
struct Point {
  float x = 0;
  float y = 0;
  bool operator==(const Point&) const = default;
};

/// A rectangle in an image, in pixels; right and bottom are where it ends, so that width is right - left.
struct Box {
  float left = 0;
  float top = 0;
  float right = 0;
  float bottom = 0;
  [[nodiscard]] float width() const { return right - left; }
  [[nodiscard]] float height() const { return bottom - top; }
  bool operator==(const Box&) const = default;
};

}  // namespace likeness
