#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>

namespace likeness::cli {

/// Where standard input lies as a file.
inline constexpr const char* kStandardInput = "/dev/stdin";

/// Lets every option of the program and its commands that names a file to read take "-" as standard input,
/// which may then be read as often as a command likes.
void take_standard_input(CLI::App& app);

/// What the user calls it.
[[nodiscard]] std::string called(const std::filesystem::path& file);

}  // namespace likeness::cli
