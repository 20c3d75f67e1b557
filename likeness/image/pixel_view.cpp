#include "likeness/image/pixel_view.h"

#include <array>
#include <cstdlib>
#include <limits>
#include <stdexcept>
#include <string>

namespace likeness {
namespace {

// Where red, green and blue stand in a pixel.
std::array<int, 3> places(PixelOrder order) {
  switch (order) {
    case PixelOrder::kBgr:
    case PixelOrder::kBgra:
      return {2, 1, 0};
    case PixelOrder::kGrey:
      return {0, 0, 0};
    case PixelOrder::kRgb:
    case PixelOrder::kRgba:
      break;
  }
  return {0, 1, 2};
}

// How far `count` steps of a stride lead; empty where that is no number of bytes.
std::optional<std::ptrdiff_t> reach(std::ptrdiff_t stride, int count) {
  std::ptrdiff_t bytes = 0;
  if (count == 0) return bytes;
  if (__builtin_mul_overflow(stride, count - 1, &bytes) ||
      bytes == std::numeric_limits<std::ptrdiff_t>::min())
    return std::nullopt;
  return std::abs(bytes);
}

}  // namespace

PixelView::PixelView(const std::uint8_t* pixels, int pixels_wide, int pixels_high, PixelOrder pixel_order)
    : PixelView(pixels, pixels_wide, pixels_high, std::ptrdiff_t{pixels_wide} * channels(pixel_order),
                channels(pixel_order), pixel_order) {}

PixelView::PixelView(const std::uint8_t* pixels, int pixels_wide, int pixels_high, std::ptrdiff_t row,
                     std::ptrdiff_t pixel, PixelOrder pixel_order)
    : data(pixels),
      width(pixels_wide),
      height(pixels_high),
      row_stride(row),
      pixel_stride(pixel),
      order(pixel_order) {}

PixelView::PixelView(ImageView image)
    : PixelView(image.data, image.width, image.height, static_cast<std::ptrdiff_t>(image.stride), 3,
                PixelOrder::kRgb) {}

int channels(PixelOrder order) {
  if (order == PixelOrder::kGrey) return 1;
  return order == PixelOrder::kRgba || order == PixelOrder::kBgra ? 4 : 3;
}

void check(const PixelView& p) {
  const auto refuse = [&](const std::string& what) {
    throw std::invalid_argument("pixels of " + std::to_string(p.width) + " x " + std::to_string(p.height) +
                                ": " + what);
  };
  if (p.width < 0 || p.height < 0) refuse("a side is negative");
  if (p.width == 0 || p.height == 0) return;
  if (p.data == nullptr) refuse("there are no data");
  const auto across = reach(p.pixel_stride, p.width);
  const auto down = reach(p.row_stride, p.height);
  std::ptrdiff_t all = 0;
  if (!across || !down || __builtin_add_overflow(*across, *down, &all) ||
      all > std::numeric_limits<std::ptrdiff_t>::max() - channels(p.order)) {
    refuse("the strides lead out of memory");
  }
  // Either a row lies within the step to the next, or, turned, a column within that to its neighbour.
  const std::ptrdiff_t size = channels(p.order);
  const std::ptrdiff_t pixel_step = p.width > 1 ? std::abs(p.pixel_stride) : size;
  const std::ptrdiff_t row_step = p.height > 1 ? std::abs(p.row_stride) : *across + size;
  const bool by_rows = pixel_step >= size && row_step >= *across + size;
  const bool by_columns = row_step >= size && pixel_step >= *down + size;
  if (!by_rows && !by_columns) {
    refuse("with strides of " + std::to_string(p.row_stride) + " and " + std::to_string(p.pixel_stride) +
           " bytes the pixels lie over each other");
  }
}

std::optional<ImageView> as_image_view(const PixelView& p) {
  check(p);
  const bool ours = p.order == PixelOrder::kRgb && (p.pixel_stride == 3 || p.width <= 1) &&
                    (p.row_stride > 0 || p.height <= 1);
  if (!ours) return std::nullopt;
  // One row needs no step to another, and may have come with any.
  const std::ptrdiff_t stride = p.height > 1 ? p.row_stride : std::ptrdiff_t{3} * p.width;
  return ImageView{p.data, p.width, p.height, static_cast<std::size_t>(stride)};
}

Image to_image(const PixelView& p) {
  check(p);
  Image image(p.width, p.height);
  if (image.empty()) return image;
  const auto [red, green, blue] = places(p.order);
  for (int y = 0; y < p.height; ++y) {
    const std::uint8_t* from = p.data + y * p.row_stride;
    std::uint8_t* to = image.row(y);
    for (int x = 0; x < p.width; ++x, to += 3) {
      const std::uint8_t* pixel = from + x * p.pixel_stride;
      to[0] = pixel[red];
      to[1] = pixel[green];
      to[2] = pixel[blue];
    }
  }
  return image;
}

}  // namespace likeness
