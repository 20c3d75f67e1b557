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

/// The Walsh-Hadamard transform in place, unscaled: each result is the sum of all values, half of them or so
/// negated. `count` is a power of two, 4 or more; `values` are aligned to kRowAlignment. The same sums in the
/// same order on every CPU.
void walsh_hadamard(float* values, std::size_t count);

/// Bit i of `words` becomes 1 where value i is below zero. `count` is a multiple of 64, `values` are aligned.
void negative_bits(const float* values, std::size_t count, std::uint64_t* words);

/// Sketches lie in blocks of this many rows: word 0 of each, word 1 of each, ...: sums of several rows come
/// out side by side, without adding across a register.
constexpr std::size_t kSketchBlockRows = 8;

struct SketchDistance {
  std::uint32_t row;   ///< Counted from the first of the blocks.
  std::uint32_t bits;  ///< That differ.
};

/// Of the rows in `count` blocks, those that differ from `query` in at most `limit` bits, in their order. A
/// row has `words` words; `found` has room for all rows. @returns how many.
[[nodiscard]] std::size_t sketches_within(const std::uint64_t* query, const std::uint64_t* blocks,
                                          std::size_t words, std::size_t count, std::uint32_t limit,
                                          SketchDistance* found);

/// Sum of all bytes, as fast as memory gives them: what a scan is measured against.
[[nodiscard]] std::uint64_t sum_bytes(const std::int8_t* data, std::size_t bytes);

/// The instruction set in use, e.g. "AVX3_DL".
[[nodiscard]] std::string kernel_target();

}  // namespace likeness
