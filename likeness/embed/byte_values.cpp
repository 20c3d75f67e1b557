#include "likeness/embed/byte_values.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <vector>

namespace likeness {
namespace {

/// What has no value beyond it is zero: 127 divided by it would be infinite.
constexpr float kLeast = 1e-36F;

float largest_of(std::span<const float> values) {
  constexpr std::size_t kAtOnce = 8;
  float largest[kAtOnce] = {};
  std::size_t j = 0;
  for (; j + kAtOnce <= values.size(); j += kAtOnce) {
    for (std::size_t k = 0; k < kAtOnce; ++k) largest[k] = std::max(largest[k], std::abs(values[j + k]));
  }
  for (; j < values.size(); ++j) largest[0] = std::max(largest[0], std::abs(values[j]));
  return *std::ranges::max_element(largest);
}

/// To the nearest, ties to even, from -127 to 127: added to 1.5 * 2^23 a float has no place for less than 1.
std::int8_t rounded(float value) {
  constexpr float kNoFraction = 0x1.8p23F;
  return static_cast<std::int8_t>(std::bit_cast<std::int32_t>(value + kNoFraction) -
                                  std::bit_cast<std::int32_t>(kNoFraction));
}

/// work(j) for each j below `count`, most of them in loops of a known length, of which compilers make
/// vectors.
template <typename Work>
void in_blocks(std::size_t count, const Work& work) {
  constexpr std::size_t kBlock = 64;
  std::size_t j = 0;
  for (; j + kBlock <= count; j += kBlock) {
    for (std::size_t k = 0; k < kBlock; ++k) work(j + k);
  }
  for (; j < count; ++j) work(j);
}

}  // namespace

float quantize(std::span<const float> values, std::span<std::int8_t> out) {
  assert(values.size() == out.size());
  const float largest = largest_of(values);
  if (!(largest > kLeast)) {
    std::ranges::fill(out, std::int8_t{0});
    return 0;
  }
  const float factor = 127 / largest;
  const float* __restrict from = values.data();
  std::int8_t* __restrict to = out.data();
  in_blocks(values.size(), [=](std::size_t j) { to[j] = rounded(from[j] * factor); });
  std::uint32_t rounded_length = 0;  // of 65,536 values at most 2^30
  in_blocks(out.size(), [&](std::size_t j) { rounded_length += static_cast<std::uint32_t>(to[j] * to[j]); });
  return static_cast<float>(std::sqrt(squared_length(values) / static_cast<double>(rounded_length)));
}

void round_to_bytes(Embeddings& embeddings) {
  std::vector<std::int8_t> bytes(embeddings.dimension);
  for (std::size_t i = 0; i < embeddings.size(); ++i) {
    const float scale = quantize(embeddings[i], bytes);
    float* row = embeddings.values.data() + i * embeddings.dimension;
    for (std::size_t j = 0; j < bytes.size(); ++j) row[j] = scale * static_cast<float>(bytes[j]);
  }
}

}  // namespace likeness
