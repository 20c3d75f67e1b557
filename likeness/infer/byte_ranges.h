#pragma once

// Inside infer/ only.

#include <cstddef>
#include <span>
#include <vector>

#include "likeness/infer/graph_prepare.h"

namespace likeness {

/// Fills `graph.ranges` and `graph.means` with what each of `layers` gives for the pictures, computed in f32:
/// the mean over pictures of each one's lowest and highest number, which a single odd picture moves little,
/// and 0; of each channel the mean. Of other layers nothing. @returns false where the engine cannot give them
/// out.
/// @throws std::runtime_error as output_shape().
[[nodiscard]] bool measure(PreparedGraph& graph, const std::vector<std::size_t>& layers,
                           std::span<const float> pictures, std::size_t count);

}  // namespace likeness
