#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace likeness {

/// Rows of vectors are padded with zeros to a multiple of this many bytes and aligned to it.
constexpr std::size_t kRowAlignment = 64;

/// Dot products for the running CPU: SSE4, AVX2, AVX-512 or NEON, chosen once at run time (Google Highway).
/// `bytes` and `floats` are multiples of kRowAlignment bytes; pointers are aligned to it. Threads may call
/// them.

/// Exact: the sum cannot overflow for up to 2^17 values of at most 127.
[[nodiscard]] std::int32_t dot_int8(const std::int8_t* a, const std::int8_t* b, std::size_t bytes);

/// out[i] = dot of `query` and row i; row i starts at rows + i * bytes.
void dot_rows_int8(const std::int8_t* query, const std::int8_t* rows, std::size_t bytes, std::size_t count,
                   std::int32_t* out);
void dot_rows_f32(const float* query, const float* rows, std::size_t floats, std::size_t count, float* out);

/// out[i] = how many bits of `query` and row i differ; row i starts at rows + i * bytes.
void differing_bits(const std::byte* query, const std::byte* rows, std::size_t bytes, std::size_t count,
                    std::uint32_t* out);

/// Sum of all bytes, as fast as memory gives them: what a scan is measured against.
[[nodiscard]] std::uint64_t sum_bytes(const std::int8_t* data, std::size_t bytes);

/// The instruction set in use, e.g. "AVX3_DL".
[[nodiscard]] std::string kernel_target();

}  // namespace likeness
