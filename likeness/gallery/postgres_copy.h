#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "likeness/gallery/postgres.h"

namespace likeness::postgres {

/// Rows as COPY's binary format has them: a header, for each row its columns with their lengths, a trailer.
class CopyRows {
 public:
  CopyRows();
  /// A row of so many columns, which follow in the table's order.
  void row(std::int16_t columns);
  void add(std::int64_t value);
  void add(float value);
  void add(std::span<const std::byte> bytes);
  void add_null();

  /// Sends what there is so far into a COPY that has begun.
  void send(Database& database);
  /// The same, and the end of it.
  void finish(Database& database);

 private:
  template <typename Number>
  void put(Number number);

  std::vector<std::byte> bytes_;
};

/// Reads such a stream.
class CopiedRows {
 public:
  /// `name`: what errors call the database. @throws Error kDataInvalid for anything else.
  CopiedRows(std::string name, std::span<const std::byte> stream);
  /// Whether there is another row. @throws Error kDataInvalid where it has not as many columns.
  bool next(std::int16_t columns);
  /// The next column's bytes, none where it is null. @throws Error kDataInvalid where the stream is cut
  /// short.
  [[nodiscard]] std::span<const std::byte> bytes();
  [[nodiscard]] std::int64_t integer() { return number<std::int64_t>(bytes()); }
  [[nodiscard]] float real() { return number<float>(bytes()); }

 private:
  template <typename Number>
  Number number(std::span<const std::byte> bytes) const;
  std::span<const std::byte> take(std::size_t count);
  [[noreturn]] void fail() const;

  std::string name_;
  std::span<const std::byte> left_;
};

/// An array of bytea as a binary parameter.
[[nodiscard]] std::vector<std::byte> array_of(std::span<const std::vector<std::byte>> values);

}  // namespace likeness::postgres
