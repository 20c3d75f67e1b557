#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

namespace likeness {

/// SHA-256 of `bytes`, 64 lower-case hexadecimal digits.
[[nodiscard]] std::string sha256(std::span<const std::byte> bytes);

/// SHA-256 of a file's content, read in pieces. @throws Error kInputUnreadable.
[[nodiscard]] std::string sha256_file(const std::filesystem::path& path);

}  // namespace likeness
