#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "likeness/image/geometry.h"

namespace likeness {

/// A box on its way through the three networks. Coordinates are Matlab's, as in mtcnn 0.1.1: 1-based, both
/// ends inclusive, so that the width is x2 - x1 + 1 wherever a formula says "+ 1".
struct Candidate {
  double x1 = 0;
  double y1 = 0;
  double x2 = 0;
  double y2 = 0;
  float score = 0;
  std::array<float, 4> shift{};  ///< The network's regression of x1, y1, x2, y2, in widths and heights.
  std::array<Point, 5> landmarks{};
};

/// What the overlap of two boxes is divided by: the area of both together, or the smaller area.
enum class Overlap { kUnion, kMin };

/// Room that suppress() keeps between calls, so that it does not allocate.
struct SuppressScratch {
  std::vector<std::size_t> order;
  std::vector<float> x1, y1, x2, y2, area;
  std::vector<Candidate> kept;
};

/// Keeps, best score first, each box that overlaps no kept box by more than `threshold`; of equal scores the
/// later box goes first. Areas and intersections count both ends (+ 1). A dropped box suppresses nothing.
void suppress(std::vector<Candidate>& boxes, double threshold, Overlap overlap, SuppressScratch& scratch);

/// Moves each side by its regression times the width or height, both plus `extra` (0 after P-Net, else 1).
void refine(Candidate& box, double extra);

/// Grows the shorter side about the centre to the longer one, without + 1.
void make_square(Candidate& box);

/// Cuts the fractions off, toward zero: Matlab's fix().
void fix(Candidate& box);

}  // namespace likeness
