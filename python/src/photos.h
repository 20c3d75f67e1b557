#pragma once

#include <string>

#include "common.h"
#include "likeness/image/pixel_view.h"
#include "likeness/recognize/photo_source.h"
#include "work.h"

namespace likeness::python {

/// A photo as Python gave it. likeness/_photos.py makes them: what may be a photo is decided there.
struct InputPhoto {
  Photo photo;

  /// Where its pixels or bytes begin; 0 of a file.
  [[nodiscard]] std::uintptr_t address() const;
};

/// Photos of a Python iterator over InputPhoto; `size` where it is known. Pulled with the GIL, one at a time.
[[nodiscard]] PhotoSource to_source(nb::iterator photos, std::optional<std::size_t> size, Stop stop);

/// uint8 pixels, height x width (x channels), any strides.
using PixelArray = nb::ndarray<const std::uint8_t, nb::ro, nb::device::cpu>;
/// @throws std::invalid_argument naming what is wrong with the shape.
[[nodiscard]] PixelView to_view(const PixelArray& array, const std::string& order);

}  // namespace likeness::python
