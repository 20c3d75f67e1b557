#pragma once

// Inside infer/ only.

#include <cstddef>
#include <span>
#include <vector>

#include "likeness/infer/graph_prepare.h"

namespace likeness {

/// What each of `layers` gives for the pictures, computed in f32: the mean over pictures of each one's lowest
/// and highest number, which a single odd picture moves little, and 0. Of other layers nothing. Empty where
/// the engine cannot give them out. @throws std::runtime_error as output_shape().
[[nodiscard]] std::vector<ValueRange> measure_ranges(const PreparedGraph& graph,
                                                     const std::vector<std::size_t>& layers,
                                                     std::span<const float> pictures, std::size_t count);

}  // namespace likeness
