#pragma once

// Inside detect/ only: what P-Net's kernel is given, and where it keeps what.

#include <cmath>
#include <cstddef>
#include <vector>

#include "likeness/detect/pnet.h"

namespace likeness::pnet_kernel {

constexpr int kInputs = 3;
constexpr int kMaps1 = 10;
constexpr int kMaps2 = 16;
constexpr int kMaps3 = 32;
// Layers two and three make tiles of 4 x 4 values at once from 6 x 6: Winograd's F(4x4, 3x3) (Lavin and Gray
// 2016, arXiv:1509.09308), a quarter of the products of the plain sum and the same result but for rounding. A
// vector holds the same place of neighbouring tiles, so columns are kept by phase: column 4 t + p of a map is
// value t of its plane p. Layer one pools two pixels to one column; of pixels there are 8 phases.
constexpr int kTile = 4;
constexpr int kTaps = 6;
constexpr int kPixelPhases = 2 * kTile;
constexpr int kMaxLanes = 16;
// Tiles of a strip; the last four columns are lost to the two unpadded 3x3 layers.
constexpr int kTiles = 3 * kMaxLanes;
constexpr int kOutputColumns = kTile * (kTiles - 1);
// Floats from one plane to the next: room for reading one vector beyond the last tile.
constexpr int kPlane = kTiles + kMaxLanes;
constexpr int kMap = kTile * kPlane;
// Rings: four rows of pixels, eight rows each of the first two layers.
constexpr int kRing = 8;
constexpr std::size_t kPixelRow = std::size_t{kInputs} * kPixelPhases * kPlane;
constexpr std::size_t kRow1 = std::size_t{kMaps1} * kMap;
constexpr std::size_t kRow2 = std::size_t{kMaps2} * kMap;
// Behind the rings: one map transformed along its columns, all maps transformed in both directions, and the
// products of a vector of tiles transformed back along the columns.
constexpr std::size_t kHalfFloats = std::size_t{kTaps} * kMap;
constexpr std::size_t kInputsOfTile = std::size_t{kTaps} * kMaps2 * kTaps;
constexpr std::size_t kInputFloats = kInputsOfTile * kTiles;
constexpr std::size_t kProductFloats = std::size_t{kTile} * kMaps3 * kTaps * kMaxLanes;
constexpr std::size_t kFloats =
    4 * kPixelRow + kRing * (kRow1 + kRow2) + kHalfFloats + kInputFloats + kProductFloats;

// What the kernel of one instruction set is given.
struct Job {
  const PNet::Weights* weights;
  Level level;
  int first_row;
  int last_row;
  float min_score;
  // A hundredth below the logit of min_score, so that rounding loses no cell: over the reference photos
  // Winograd's logits differ from plain sums by at most 5.4e-5.
  float min_logit;
  float* strips;  // kFloats
  std::vector<Cell>* cells;
};

// Softmax over two channels, from their difference; both branches as softmax computes them.
inline float face_probability(float logit) {
  if (logit > 0) return 1.0F / (1.0F + std::exp(-logit));
  const float e = std::exp(logit);
  return e / (1.0F + e);
}

/// Appends the cells of the job's rows by the best instruction set this CPU has.
void run(const Job& job);

}  // namespace likeness::pnet_kernel
