#pragma once

#include <optional>

#include "likeness/image/chip.h"
#include "likeness/image/geometry.h"
#include "likeness/image/image.h"

namespace likeness {

/// `image`, or the part of it inside `region`, stretched to width x height pixels; equal bit for bit to
/// Image.resize((width, height), filter, box=region) of Pillow 3.3 to 12 for 8-bit RGB: two passes, the
/// horizontal one first, coefficients of 22 bits, the filter widened when shrinking, BICUBIC with a = -0.5,
/// LANCZOS with 3 lobes. `region` may begin and end between pixels. NEAREST takes the pixel under each target
/// pixel's centre, found by a running sum as there. (Pillow 13 takes the vertical pass first where the height
/// shrinks much more than the width, which moves some values by one; what models were trained and measured
/// with is older.)
/// @throws std::invalid_argument for an empty image, a target side below 1, or a region that is empty or
/// reaches outside the image.
[[nodiscard]] Image resample(ImageView image, int width, int height, Filter filter,
                             std::optional<Box> region = {});

}  // namespace likeness
