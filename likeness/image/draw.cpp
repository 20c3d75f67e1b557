#include "likeness/image/draw.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <vips/vips8>

#include "likeness/core/error.h"
#include "likeness/image/vips_setup.h"

namespace likeness {
namespace {

using vips::VImage;

// A float far outside any image would not fit into an int.
int to_pixel(float value) { return static_cast<int>(std::lround(std::clamp(value, -1e6F, 1e6F))); }

// Fills [left, right) x [top, bottom), as far as it lies in the image.
void fill(Image& image, int left, int top, int right, int bottom, Color color) {
  left = std::max(left, 0);
  right = std::min(right, image.width());
  for (int y = std::max(top, 0); y < std::min(bottom, image.height()); ++y) {
    std::uint8_t* row = image.row(y);
    for (int x = left; x < right; ++x) {
      row[3 * x] = color.r;
      row[3 * x + 1] = color.g;
      row[3 * x + 2] = color.b;
    }
  }
}

std::uint8_t mixed(std::uint8_t below, std::uint8_t above, int cover) {
  return static_cast<std::uint8_t>((below * (255 - cover) + above * cover + 127) / 255);
}

// One byte a pixel: how much of it the letters cover.
VImage letters(const std::string& text, int font_px) {
  const std::unique_ptr<char, void (*)(gpointer)> valid(
      g_utf8_make_valid(text.data(), static_cast<gssize>(text.size())), g_free);
  const std::unique_ptr<char, void (*)(gpointer)> escaped(g_markup_escape_text(valid.get(), -1), g_free);
  const std::string font = "sans bold " + std::to_string(font_px);
  try {  // at 72 dots an inch a point is a pixel
    return VImage::text(escaped.get(), VImage::option()->set("font", font.c_str())->set("dpi", 72))
        .copy_memory();
  } catch (const vips::VError&) {
    throw Error(ErrorCode::kUnsupported, "cannot draw text: " + take_vips_message());
  }
}

}  // namespace

void draw_box(Image& image, const Box& box, Color color, int thickness) {
  const int left = to_pixel(box.left), top = to_pixel(box.top);
  const int right = to_pixel(box.right), bottom = to_pixel(box.bottom);
  fill(image, left, top, right, std::min(top + thickness, bottom), color);
  fill(image, left, std::max(bottom - thickness, top), right, bottom, color);
  fill(image, left, top, std::min(left + thickness, right), bottom, color);
  fill(image, std::max(right - thickness, left), top, right, bottom, color);
}

void draw_dot(Image& image, Point centre, Color color, int radius) {
  const int x = to_pixel(centre.x - 0.5F), y = to_pixel(centre.y - 0.5F);
  for (int dy = std::max(-radius, -y); dy <= std::min(radius, image.height() - 1 - y); ++dy) {
    const double reach =
        radius + 0.5;  // to the outer edge of the last pixel, else the poles are single spikes
    const int half = static_cast<int>(std::sqrt(reach * reach - static_cast<double>(dy) * dy));
    fill(image, x - half, y + dy, x + half + 1, y + dy + 1, color);
  }
}

void draw_text(Image& image, Point top_left, const std::string& text, Color color, int height_px) {
  if (text.empty() || height_px < 1) return;
  start_vips();
  const VImage mask = letters(text, std::max(1, height_px * 3 / 4));
  const int padding = height_px / 4;
  const int left = to_pixel(top_left.x), top = to_pixel(top_left.y);
  const bool light = 299 * color.r + 587 * color.g + 114 * color.b > 128 * 1000;  // ITU-R BT.601's luma
  const Color plate = light ? Color{0, 0, 0} : Color{255, 255, 255};
  fill(image, left, top, left + mask.width() + 2 * padding, top + height_px, plate);

  const auto* cover = static_cast<const std::uint8_t*>(mask.data());
  const int down = (height_px - mask.height()) / 2;  // below 0 where letters are higher than the plate
  for (int v = std::max(0, -down); v < std::min(mask.height(), height_px - down); ++v) {
    const int y = top + down + v;
    if (y < 0 || y >= image.height()) continue;
    for (int u = 0; u < mask.width(); ++u) {
      const int x = left + padding + u;
      if (x < 0 || x >= image.width()) continue;
      std::uint8_t* pixel = image.row(y) + 3 * x;
      const int share = cover[static_cast<std::size_t>(v) * mask.width() + u];
      pixel[0] = mixed(pixel[0], color.r, share);
      pixel[1] = mixed(pixel[1], color.g, share);
      pixel[2] = mixed(pixel[2], color.b, share);
    }
  }
}

}  // namespace likeness
