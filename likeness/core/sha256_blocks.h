#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace likeness {

/// Whether this CPU has instructions for SHA-256 that sha256_blocks() uses: x86-64 with SHA extensions.
[[nodiscard]] bool has_sha256_blocks();

/// SHA-256's state after further whole blocks. `bytes` has a multiple of 64 bytes. Only where
/// has_sha256_blocks().
void sha256_blocks(std::array<std::uint32_t, 8>& state, std::span<const std::byte> bytes);

}  // namespace likeness
