#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace likeness {

/// IEEE 754's binary16, nearest, ties to even. Of numbers too large for it infinity.
[[nodiscard]] std::uint16_t half_of(float value);
[[nodiscard]] float float_of(std::uint16_t half);
/// Of many finite ones, big-endian, two bytes a value: infinite and no numbers become others beyond 65504.
void floats_of(std::span<const std::byte> halves, std::span<float> values);

}  // namespace likeness
