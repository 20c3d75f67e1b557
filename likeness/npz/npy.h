#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace likeness {

/// The header of one .npy array, understood. Errors are std::runtime_error with the problem alone; npz.cpp
/// adds file and member.
struct NpyHeader {
  std::string dtype;  ///< As written, e.g. "<f4".
  bool big_endian = false;
  char kind = 0;              ///< 'f', 'i', 'u', 'b', 'U' or 'S' (text in bytes).
  std::size_t item_size = 0;  ///< Bytes of one item.
  bool fortran_order = false;
  std::vector<std::size_t> shape;
  std::size_t count = 0;    ///< Product of shape.
  std::size_t data_at = 0;  ///< Where the numbers begin, bytes from the start of the member.
};

/// Longest header that is read; NumPy itself stops at 10,000.
inline constexpr std::size_t kMaxNpyHeader = 65536;

/// Reads the header at the start of `bytes`, which belongs to a member of `total` bytes, and checks that what
/// it announces fills the member exactly.
[[nodiscard]] NpyHeader parse_npy_header(std::span<const std::byte> bytes, std::uint64_t total);

/// Magic, version, header and padding to 64 bytes for an array in C order. Version 1.0.
[[nodiscard]] std::string make_npy_header(std::string_view dtype, std::span<const std::size_t> shape);

/// Product of `shape`. @throws std::runtime_error where it does not fit.
[[nodiscard]] std::size_t count_items(std::span<const std::size_t> shape);

/// Brings the items of a Fortran-ordered array into C order.
[[nodiscard]] std::vector<std::byte> to_c_order(std::span<const std::byte> items, std::size_t item_size,
                                                std::span<const std::size_t> shape);

/// The value of an IEEE 754 binary16, exactly.
[[nodiscard]] float half_to_float(std::uint16_t bits);

/// Turns every `width` bytes around.
void swap_bytes(std::span<std::byte> bytes, std::size_t width);

/// UTF-8 as code points, and back. @throws std::runtime_error saying what is wrong with the text.
[[nodiscard]] std::u32string utf8_to_utf32(std::string_view text);
[[nodiscard]] std::string utf32_to_utf8(std::u32string_view text);

}  // namespace likeness
