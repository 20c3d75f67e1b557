#pragma once

// Inside detect/ only: the layers of R-Net and O-Net.

#include <cstddef>

#include "likeness/detect/refine_net.h"

namespace likeness::refine_kernel {

constexpr int kMaxLanes = 16;
// Winograd tiles that go through a layer together: enough for full blocks of pixels, few enough for their
// inputs and products to stay in the second-level cache.
constexpr int kTiles = 30;
// The first layer makes tiles of 4 x 4; eight of its rows exist at a time, for the pooling.
constexpr int kFirstTile = 4;
constexpr int kRing = 8;

/// One layer over `count` patches by the best instruction set this CPU has. Patches of `in` and `out` lie
/// `in_step` and `out_step` floats apart; the scratch has room for the layer.
void run(const RefineLayer& layer, const float* in, std::size_t in_step, std::size_t count,
         RefineScratch& scratch, float* out, std::size_t out_step);

}  // namespace likeness::refine_kernel
