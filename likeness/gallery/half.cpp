#include "likeness/gallery/half.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace likeness {

std::uint16_t half_of(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = bits >> 16 & 0x8000U;
  const std::uint32_t size = bits & 0x7FFFFFFFU;
  std::uint32_t half = 0;
  if (size > 0x7F800000U) {
    half = 0x7E00U;  // not a number
  } else if (size >= 0x477FF000U) {
    half = 0x7C00U;  // 65520 and above
  } else if (size >= 0x38800000U) {
    half = (size - 0x38000000U + 0xFFFU + (size >> 13 & 1U)) >> 13;
  } else {  // below 2^-14: multiples of 2^-24
    half = static_cast<std::uint32_t>(std::nearbyint(std::bit_cast<float>(size) * 0x1p24F));
  }
  return static_cast<std::uint16_t>(sign | half);
}

float float_of(std::uint16_t half) {
  const std::uint32_t sign = (half & 0x8000U) << 16;
  const std::uint32_t exponent = half >> 10 & 31U;
  const std::uint32_t rest = half & 0x3FFU;
  if (exponent == 0) {
    const float size = static_cast<float>(rest) * 0x1p-24F;
    return sign != 0 ? -size : size;
  }
  const std::uint32_t wide = exponent == 31 ? 255U : exponent + 112;
  return std::bit_cast<float>(sign | wide << 23 | rest << 13);
}

void floats_of(std::span<const std::byte> halves, std::span<float> values) {
  constexpr std::size_t kBlock = 64;
  for (std::size_t first = 0; first < values.size(); first += kBlock) {
    const std::size_t count = std::min(kBlock, values.size() - first);
    std::uint16_t read[kBlock] = {};
    float block[kBlock];
    std::memcpy(read, halves.data() + 2 * first, 2 * count);
    // A loop of a known length, for compilers to make vectors of.
    for (std::size_t k = 0; k < kBlock; ++k) {
      const auto half = static_cast<std::uint32_t>((read[k] & 0xFF) << 8 | read[k] >> 8);
      // The exponent of a half counts 112 less, also where it is the least and the number has no leading 1.
      const float size = std::bit_cast<float>((half & 0x7FFFU) << 13) * 0x1p112F;
      block[k] = std::bit_cast<float>(std::bit_cast<std::uint32_t>(size) | (half & 0x8000U) << 16);
    }
    std::memcpy(values.data() + first, block, count * sizeof(float));
  }
}

}  // namespace likeness
