#include "likeness/gallery/half.h"

#include <bit>
#include <cmath>

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

}  // namespace likeness
