#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace likeness {

/// Somebody else's RGB pixels: 8 bits a channel, three interleaved channels, rows from the top. Does not own
/// them; cheap to copy. `stride` is bytes from one row to the next, at least 3 * width.
struct ImageView {
  const std::uint8_t* data = nullptr;
  int width = 0;   ///< Pixels.
  int height = 0;  ///< Pixels.
  std::size_t stride = 0;

  [[nodiscard]] const std::uint8_t* row(int y) const { return data + static_cast<std::size_t>(y) * stride; }
  [[nodiscard]] bool empty() const { return width == 0 || height == 0; }
  /// The part from pixel (left, top) on, of the given size; it must lie inside.
  [[nodiscard]] ImageView part(int left, int top, int part_width, int part_height) const {
    return {row(top) + static_cast<std::size_t>(left) * 3, part_width, part_height, stride};
  }
};

/// An RGB picture that owns its pixels, tightly packed (stride 3 * width). An ordinary value: threads may
/// share one that nobody changes.
class Image {
 public:
  Image() = default;
  /// A picture of one grey `value`. @throws std::invalid_argument for a negative side.
  Image(int width, int height, std::uint8_t value = 0);
  /// Takes `pixels`, width * height * 3 bytes. @throws std::invalid_argument where the count differs.
  Image(int width, int height, std::vector<std::uint8_t> pixels);

  [[nodiscard]] int width() const { return width_; }
  [[nodiscard]] int height() const { return height_; }
  [[nodiscard]] bool empty() const { return pixels_.empty(); }
  [[nodiscard]] const std::vector<std::uint8_t>& pixels() const { return pixels_; }
  [[nodiscard]] std::uint8_t* row(int y) { return pixels_.data() + static_cast<std::size_t>(y) * width_ * 3; }
  [[nodiscard]] ImageView view() const {
    return {pixels_.data(), width_, height_, static_cast<std::size_t>(width_) * 3};
  }
  bool operator==(const Image&) const = default;

 private:
  int width_ = 0;
  int height_ = 0;
  std::vector<std::uint8_t> pixels_;
};

}  // namespace likeness
