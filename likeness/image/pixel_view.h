#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "likeness/image/image.h"

namespace likeness {

/// What the bytes of a pixel are, 8 bits each, in their order.
enum class PixelOrder { kRgb, kBgr, kRgba, kBgra, kGrey };

/// Somebody else's pixels as other libraries hold them: a NumPy array, a video frame, an OpenCV matrix, a
/// turned or mirrored view of one. Does not own them; cheap to copy.
struct PixelView {
  const std::uint8_t* data = nullptr;  ///< First byte of the pixel at the top left.
  int width = 0;                       ///< Pixels.
  int height = 0;                      ///< Pixels.
  std::ptrdiff_t row_stride = 0;       ///< Bytes from a pixel to the one below; negative: rows lie bottom up.
  std::ptrdiff_t pixel_stride = 0;     ///< Bytes from a pixel to the one on its right; may be negative, too.
  PixelOrder order = PixelOrder::kRgb;

  PixelView() = default;
  /// Rows from the top without gaps.
  PixelView(const std::uint8_t* pixels, int pixels_wide, int pixels_high, PixelOrder pixel_order);
  PixelView(const std::uint8_t* pixels, int pixels_wide, int pixels_high, std::ptrdiff_t row,
            std::ptrdiff_t pixel, PixelOrder pixel_order);
  /// Pixels of our own kind.
  PixelView(ImageView image);  // NOLINT(google-explicit-constructor): the same pixels, told in another way
};

/// Bytes of a pixel: 1, 3 or 4.
[[nodiscard]] int channels(PixelOrder order);

/// Refuses what cannot be a picture: a negative side, no data, strides that let pixels lie over each other or
/// lead beyond the address space. That the bytes are there is the caller's word.
/// @throws std::invalid_argument, naming what is wrong.
void check(const PixelView& pixels);

/// The same pixels without a copy, where they are RGB, row by row from the top, side by side.
[[nodiscard]] std::optional<ImageView> as_image_view(const PixelView& pixels);

/// A copy as RGB: alpha is dropped without blending, grey repeated. @throws as check().
[[nodiscard]] Image to_image(const PixelView& pixels);

}  // namespace likeness
