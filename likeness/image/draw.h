#pragma once

#include <cstdint>
#include <string>

#include "likeness/image/geometry.h"
#include "likeness/image/image.h"

namespace likeness {

struct Color {
  std::uint8_t r = 0;
  std::uint8_t g = 0;
  std::uint8_t b = 0;
  bool operator==(const Color&) const = default;
};

/// Draws the outline of `box`, `thickness` pixels wide and inside it. What lies outside the image is not
/// drawn.
void draw_box(Image& image, const Box& box, Color color, int thickness);

/// Fills a circle of `radius` pixels around `centre`.
void draw_dot(Image& image, Point centre, Color color, int radius);

/// Writes one line of UTF-8 text in `color` on a plate of black or white, whichever contrasts more, so that
/// it can be read on any photo. The plate is `height_px` high, with its corner at `top_left`; what lies
/// outside the image is not drawn. Bytes that are not UTF-8 appear as replacement characters.
/// @throws Error kUnsupported where this machine's libvips cannot draw text.
void draw_text(Image& image, Point top_left, const std::string& text, Color color, int height_px);

}  // namespace likeness
