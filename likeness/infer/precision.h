#pragma once

#include <optional>
#include <string_view>

namespace likeness {

/// The arithmetic a network runs in. kF32 is the default everywhere; nothing is chosen silently.
enum class Precision { kF32, kBf16, kInt8 };

/// "f32", "bf16", "int8"; and back, empty where there is no such precision.
[[nodiscard]] std::string_view to_string(Precision precision);
[[nodiscard]] std::optional<Precision> precision_from(std::string_view name);

}  // namespace likeness
