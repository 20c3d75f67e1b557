#pragma once

#include "likeness/image/chip.h"

namespace likeness {

/// How a chip is changed before it is learned from, so that no two sights of it are alike. The steps are
/// taken in the order of the fields; the defaults change nothing.
struct ChipChange {
  double left = 0;  ///< Share of the width cut off at the left, in [0, .5); what is left is stretched back.
  double top = 0;   ///< The same of the height.
  double right = 0;
  double bottom = 0;
  bool flip = false;      ///< Left and right exchanged.
  double brightness = 1;  ///< Factor of every value, >= 0; values stay below 256.
  int jpeg_quality = 0;   ///< 1 to 100: compressed and decoded again; 0: not.
};

/// The chip changed so, in its old size. @throws std::invalid_argument for fields out of range.
[[nodiscard]] Chip changed(const Chip& chip, const ChipChange& change);

}  // namespace likeness
