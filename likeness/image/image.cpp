#include "likeness/image/image.h"

#include <stdexcept>
#include <string>
#include <utility>

namespace likeness {
namespace {

std::size_t byte_count(int width, int height) {
  if (width < 0 || height < 0) throw std::invalid_argument("an image cannot have a negative side");
  return static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3;
}

}  // namespace

Image::Image(int width, int height, std::uint8_t value)
    : width_(width), height_(height), pixels_(byte_count(width, height), value) {}

Image::Image(int width, int height, std::vector<std::uint8_t> pixels)
    : width_(width), height_(height), pixels_(std::move(pixels)) {
  if (pixels_.size() != byte_count(width, height)) {
    throw std::invalid_argument("an image of " + std::to_string(width) + " x " + std::to_string(height) +
                                " needs " + std::to_string(byte_count(width, height)) + " bytes, not " +
                                std::to_string(pixels_.size()));
  }
}

}  // namespace likeness
