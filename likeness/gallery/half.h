#pragma once

#include <cstdint>

namespace likeness {

/// IEEE 754's binary16, nearest, ties to even. Of numbers too large for it infinity.
[[nodiscard]] std::uint16_t half_of(float value);
[[nodiscard]] float float_of(std::uint16_t half);

}  // namespace likeness
