#include "likeness/gallery/postgres_copy.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "likeness/core/error.h"

namespace likeness::postgres {
namespace {

constexpr std::string_view kSignature("PGCOPY\n\377\r\n\0", 11);

template <typename Number>
void append(std::vector<std::byte>& bytes, Number number) {
  auto turned = std::bit_cast<std::array<std::byte, sizeof(Number)>>(number);
  std::ranges::reverse(turned);
  bytes.insert(bytes.end(), turned.begin(), turned.end());
}

}  // namespace

CopyRows::CopyRows() {
  for (const char c : kSignature) bytes_.push_back(static_cast<std::byte>(c));
  put(std::int32_t{0});  // flags
  put(std::int32_t{0});  // of a longer header
}

template <typename Number>
void CopyRows::put(Number number) {
  append(bytes_, number);
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

void CopyRows::send(Database& database) {
  database.put_copy(bytes_);
  bytes_.clear();
}

void CopyRows::finish(Database& database) {
  put(std::int16_t{-1});
  send(database);
  database.finish_copy();
}

CopiedRows::CopiedRows(std::string name, std::span<const std::byte> stream)
    : name_(std::move(name)), left_(stream) {
  const auto signature = take(kSignature.size());
  if (std::memcmp(signature.data(), kSignature.data(), kSignature.size()) != 0) fail();
  static_cast<void>(take(4));  // flags
  take(static_cast<std::size_t>(number<std::int32_t>(take(4))));
}

bool CopiedRows::next(std::int16_t columns) {
  const auto count = number<std::int16_t>(take(2));
  if (count != -1 && count != columns) fail();
  return count != -1;
}

std::span<const std::byte> CopiedRows::bytes() {
  const auto size = number<std::int32_t>(take(4));
  return size == -1 ? std::span<const std::byte>() : take(static_cast<std::size_t>(size));
}

template <typename Number>
Number CopiedRows::number(std::span<const std::byte> bytes) const {
  if (bytes.size() != sizeof(Number)) fail();
  std::array<std::byte, sizeof(Number)> turned{};
  std::ranges::reverse_copy(bytes, turned.begin());
  return std::bit_cast<Number>(turned);
}

std::span<const std::byte> CopiedRows::take(std::size_t count) {
  if (count > left_.size()) fail();  // also what was negative
  const auto taken = left_.first(count);
  left_ = left_.subspan(count);
  return taken;
}

void CopiedRows::fail() const {
  throw Error(ErrorCode::kDataInvalid, name_ + ": damaged: rows of another form than was asked for");
}

template std::int64_t CopiedRows::number(std::span<const std::byte>) const;
template float CopiedRows::number(std::span<const std::byte>) const;

std::vector<std::byte> array_of(std::span<const std::vector<std::byte>> values) {
  constexpr std::int32_t kBytea = 17;
  std::vector<std::byte> bytes;
  for (const std::int32_t field : {1, 0, kBytea, static_cast<std::int32_t>(values.size()), 1})
    append(bytes, field);  // dimensions, whether there are nulls, the type, the length, the first index
  for (const auto& value : values) {
    append(bytes, static_cast<std::int32_t>(value.size()));
    bytes.insert(bytes.end(), value.begin(), value.end());
  }
  return bytes;
}

}  // namespace likeness::postgres
