#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

namespace likeness {

/// The arithmetic a network runs in. kF32 is the default everywhere; nothing is chosen silently.
enum class Precision { kF32, kBf16, kInt8 };

/// "f32", "bf16", "int8"; and back, empty where there is no such precision.
[[nodiscard]] std::string_view to_string(Precision precision);
[[nodiscard]] std::optional<Precision> precision_from(std::string_view name);

/// Where the shared library liblikeness_openvino lies, through which networks are computed that our own
/// kernels do not know, and network files read and written. It is opened when it is first needed. Not said:
/// the dynamic linker finds it by the RUNPATH of the program, or of the shared library, that this library is
/// part of; nothing else is searched. Without it, and without OpenVINO's own libraries, everything else
/// works.
/// @throws std::logic_error where it is open already.
void set_openvino_module(const std::filesystem::path& file);

}  // namespace likeness
