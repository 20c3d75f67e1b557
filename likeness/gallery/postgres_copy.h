#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

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
  /// The stream; nothing can be added after it.
  [[nodiscard]] std::span<const std::byte> finish();

 private:
  template <typename Number>
  void put(Number number);

  std::vector<std::byte> bytes_;
};

}  // namespace likeness::postgres
