#pragma once

#include <cstddef>

namespace likeness {

/// Winograd's minimal filtering F(m, 3) (Lavin and Gray 2016, arXiv:1509.09308): m outputs of a filter of
/// three from m + 2 products. These are G, the transforms of the filter, at the points 0, 1, -1 (m = 2), 2
/// (3), -2 (4), 1/2 and -1/2 (6) and infinity; those of inputs and outputs are in winograd-inl.h. The second
/// point is 1: what is added to its product is added to every output.
constexpr double kWinogradTwo[4][3] = {{1, 0, 0}, {.5, .5, .5}, {.5, -.5, .5}, {0, 0, 1}};
constexpr double kWinogradThree[5][3] = {{1.0 / 2, 0, 0},
                                         {-1.0 / 2, -1.0 / 2, -1.0 / 2},
                                         {-1.0 / 6, 1.0 / 6, -1.0 / 6},
                                         {1.0 / 6, 1.0 / 3, 2.0 / 3},
                                         {0, 0, 1}};
constexpr double kWinogradFour[6][3] = {{1.0 / 4, 0, 0},
                                        {-1.0 / 6, -1.0 / 6, -1.0 / 6},
                                        {-1.0 / 6, 1.0 / 6, -1.0 / 6},
                                        {1.0 / 24, 1.0 / 12, 1.0 / 6},
                                        {1.0 / 24, -1.0 / 12, 1.0 / 6},
                                        {0, 0, 1}};
constexpr double kWinogradSix[8][3] = {{1, 0, 0},
                                       {-2.0 / 9, -2.0 / 9, -2.0 / 9},
                                       {-2.0 / 9, 2.0 / 9, -2.0 / 9},
                                       {1.0 / 90, 1.0 / 45, 2.0 / 45},
                                       {1.0 / 90, -1.0 / 45, 2.0 / 45},
                                       {32.0 / 45, 16.0 / 45, 8.0 / 45},
                                       {32.0 / 45, -16.0 / 45, 8.0 / 45},
                                       {0, 0, 1}};

/// One weight of a 3x3 kernel transformed in both directions, in double: `outer` and `inner` are the rows of
/// G of kernel's first and second index, kernel[3 * outer + inner].
inline double winograd_weight(const double (&outer)[3], const double (&inner)[3], const float* kernel) {
  double sum = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 3; ++j) sum += outer[i] * inner[j] * kernel[3 * i + j];
  }
  return sum;
}

}  // namespace likeness
