#include "likeness/dataset/augment.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <stdexcept>

#include "likeness/embed/quality.h"
#include "likeness/image/read_image.h"
#include "likeness/image/resample.h"
#include "likeness/image/write_image.h"

namespace likeness {
namespace {

void check(const ChipChange& change) {
  for (const double share : {change.left, change.top, change.right, change.bottom}) {
    if (!(share >= 0 && share < 0.5)) throw std::invalid_argument("a side loses a share in [0, .5)");
  }
  if (!(change.brightness >= 0 && std::isfinite(change.brightness))) {
    throw std::invalid_argument("brightness is a factor from 0");
  }
  if (change.jpeg_quality < 0 || change.jpeg_quality > 100) {
    throw std::invalid_argument("JPEG has qualities from 1 to 100");
  }
}

void brighten(Chip& chip, double factor) {
  for (int y = 0; y < chip.height(); ++y) {
    std::uint8_t* row = chip.row(y);
    for (int i = 0; i < chip.width() * 3; ++i) {
      row[i] = static_cast<std::uint8_t>(std::min(std::round(row[i] * factor), 255.0));
    }
  }
}

}  // namespace

Chip changed(const Chip& chip, const ChipChange& change) {
  check(change);
  Chip result = chip;
  if (change.left + change.top + change.right + change.bottom > 0) {
    const auto width = static_cast<float>(chip.width());
    const auto height = static_cast<float>(chip.height());
    const Box region{static_cast<float>(change.left) * width, static_cast<float>(change.top) * height,
                     static_cast<float>(1 - change.right) * width,
                     static_cast<float>(1 - change.bottom) * height};
    result = resample(chip.view(), chip.width(), chip.height(), Filter::kBilinear, region);
  }
  if (change.flip) result = mirrored(result);
  if (change.brightness != 1) brighten(result, change.brightness);
  if (change.jpeg_quality > 0)
    result = decode_image(encode_jpeg(result.view(), change.jpeg_quality), "a chip");
  return result;
}

}  // namespace likeness
