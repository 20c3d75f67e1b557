#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "likeness/core/aligned_vector.h"
#include "likeness/image/image.h"

namespace likeness {

/// Whole pixels of a photo, `left`, `top` inclusive; may reach outside.
struct PixelRegion {
  int left = 0;
  int top = 0;
  int width = 0;
  int height = 0;
};

/// Weights of one axis. Destination pixel i covers source pixels from first[i] on with weights[i * taps] ...
/// weights[i * taps + taps - 1], which add up to 1 where all of them exist; those beyond count[i] are 0.
struct AreaAxis {
  int taps = 0;
  std::vector<int> first;
  std::vector<int> count;
  std::vector<float> weights;
};

/// Both axes of one resampling.
struct AreaAxes {
  AreaAxis columns;
  AreaAxis rows;
};

/// Room that the resampler keeps between calls, so that it does not allocate. One per thread.
struct AreaScratch {
  AreaAxes axes;
  AlignedVector<float> sums;
};

/// Area averaging as OpenCV's INTER_AREA, also when enlarging: each source pixel counts by the share of the
/// destination pixel that it covers. Pixels of `region` outside the photo are 0. Writes width x height x 3
/// values (v - 127.5) / 128, tightly packed, as the networks want them, and one more.
/// @throws std::invalid_argument for an empty region or destination.
void resample_standardised(ImageView photo, const PixelRegion& region, int width, int height, float* out,
                           AreaScratch& scratch);

/// The weights that take the whole photo to width x height. @throws std::invalid_argument for an empty photo
/// or destination.
void make_axes(ImageView photo, int width, int height, AreaAxes& axes);

/// The same averaging of the whole photo, rounded to 8 bits: destination rows [first_row, last_row) to `out`,
/// whose rows are `stride` bytes apart. Writes one byte more than each row has.
void resample_rounded(ImageView photo, const AreaAxes& axes, int first_row, int last_row, std::uint8_t* out,
                      std::size_t stride, AreaScratch& scratch);

}  // namespace likeness
