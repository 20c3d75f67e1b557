#include "likeness/gallery/postgres_copy.h"

#include <algorithm>
#include <array>
#include <bit>

namespace likeness::postgres {

CopyRows::CopyRows() {
  for (const char c : std::string_view("PGCOPY\n\377\r\n\0", 11)) bytes_.push_back(static_cast<std::byte>(c));
  put(std::int32_t{0});  // flags
  put(std::int32_t{0});  // of a longer header
}

template <typename Number>
void CopyRows::put(Number number) {
  auto bytes = std::bit_cast<std::array<std::byte, sizeof(Number)>>(number);
  std::ranges::reverse(bytes);
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
}

void CopyRows::row(std::int16_t columns) { put(columns); }

void CopyRows::add(std::int64_t value) {
  put(std::int32_t{8});
  put(value);
}

void CopyRows::add(float value) {
  put(std::int32_t{4});
  put(value);
}

void CopyRows::add(std::span<const std::byte> bytes) {
  put(static_cast<std::int32_t>(bytes.size()));
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
}

void CopyRows::add_null() { put(std::int32_t{-1}); }

std::span<const std::byte> CopyRows::finish() {
  put(std::int16_t{-1});
  return bytes_;
}

}  // namespace likeness::postgres
