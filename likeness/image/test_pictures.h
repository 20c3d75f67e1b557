#pragma once

#include <cstdint>

#include "likeness/image/image.h"

namespace likeness {

/// A picture for tests: even noise over all values, another one for each seed. tools/make_resample_fixture.py
/// makes the same.
inline Image noise(std::uint32_t seed, int width, int height) {
  Image image(width, height);
  std::uint8_t* pixels = image.row(0);
  const auto count = static_cast<std::uint32_t>(image.pixels().size());
  for (std::uint32_t i = 0; i < count; ++i) {
    std::uint32_t value = i + seed * 1000003U;
    value = (value ^ (value >> 15U)) * 2654435761U;
    value = (value ^ (value >> 13U)) * 2246822519U;
    pixels[i] = static_cast<std::uint8_t>(value >> 24U);
  }
  return image;
}

/// A picture for tests: colours that change slowly, as in photos, so that lossy formats keep them nearly.
inline Image gradient(int width, int height) {
  Image image(width, height);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      std::uint8_t* pixel = image.row(y) + 3 * x;
      pixel[0] = static_cast<std::uint8_t>(255 * x / width);
      pixel[1] = static_cast<std::uint8_t>(255 * y / height);
      pixel[2] = static_cast<std::uint8_t>(40 + 100 * (x + y) / (width + height));
    }
  }
  return image;
}

}  // namespace likeness
