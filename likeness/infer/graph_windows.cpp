#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "likeness/infer/graph_plan.h"

namespace likeness {
namespace {

/// Neighbouring outputs along one axis over which the same part of the window lies inside the picture.
struct Stretch {
  std::size_t first, end;  // outputs
  std::size_t from, to;    // of the window
};

std::vector<Stretch> stretches(const PlanStep& step, std::size_t dilation, std::size_t axis) {
  std::vector<Stretch> found;
  for (std::size_t at = 0; at < step.out_shape[axis] / step.block[axis]; ++at) {
    std::size_t from = step.window[axis], to = 0;
    for (std::size_t k = 0; k < step.window[axis]; ++k) {
      const std::size_t place = at * step.strides[axis] + k * dilation;
      if (place < step.pad[axis] || place - step.pad[axis] >= step.in_shape[axis]) continue;
      from = std::min(from, k);
      to = k + 1;
    }
    if (found.empty() || found.back().from != from || found.back().to != to)
      found.push_back({at, at, from, to});
    found.back().end = at + 1;
  }
  return found;
}

}  // namespace

void find_pixels(PlanStep& step, const GraphLayer& layer, std::size_t pixel) {
  const std::size_t row = step.in_shape[1] * pixel, channels = step.in_shape[2];
  // A row of the window is one run of numbers where pixels stand side by side.
  const bool side_by_side = pixel == channels && layer.dilation[1] == 1;
  step.inputs = step.window[0] * step.window[1] * channels;
  for (const Stretch& down : stretches(step, layer.dilation[0], 0)) {
    for (const Stretch& across : stretches(step, layer.dilation[1], 1)) {
      PixelGroup group{
          .run = channels, .top = down.first, .bottom = down.end, .left = across.first, .right = across.end};
      if (side_by_side && across.to > across.from) group.run *= across.to - across.from;
      for (std::size_t ky = down.from; ky < down.to; ++ky) {
        for (std::size_t kx = across.from; kx < (side_by_side ? across.from + 1 : across.to); ++kx) {
          group.taps.push_back(
              {static_cast<std::ptrdiff_t>(ky * layer.dilation[0] * row + kx * layer.dilation[1] * pixel),
               (ky * step.window[1] + kx) * channels});
        }
      }
      step.groups.push_back(std::move(group));
    }
  }
}

}  // namespace likeness
