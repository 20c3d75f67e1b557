#pragma once

// Reads protobuf messages field by field, as from a stranger.

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace likeness {

/// One field of a message: its number, and either a whole number or bytes.
struct ProtoField {
  std::uint32_t number = 0;
  bool is_bytes = false;
  std::uint64_t value = 0;   ///< Where it is no bytes.
  std::string_view bytes{};  ///< A text, an array or a message inside; points into the message.
  std::string_view whole{};  ///< The field as it stands there, key and all, for whoever copies it.
};

/// Walks through one message. Nothing is copied, nothing is believed.
class ProtoReader {
 public:
  explicit ProtoReader(std::string_view message) : rest_(message) {}

  /// The next field; false at the end. @throws std::runtime_error where the message is malformed.
  bool next(ProtoField& field) {
    if (rest_.empty()) return false;
    const std::string_view start = rest_;
    const std::uint64_t key = varint();
    if (key >> 3 == 0 || key >> 3 > 0x1FFFFFFF) throw std::runtime_error("has an impossible field");
    field = {static_cast<std::uint32_t>(key >> 3), false, 0, {}, {}};
    read_value(key & 7, field);
    field.whole = start.substr(0, start.size() - rest_.size());
    return true;
  }
  /// The next whole number; for packed arrays of them. @throws std::runtime_error.
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(take(1)[0]);
      value |= static_cast<std::uint64_t>(byte & 127U) << shift;
      if (byte < 128) return value;
    }
    throw std::runtime_error("has a number that does not end");
  }
  [[nodiscard]] bool done() const { return rest_.empty(); }

 private:
  void read_value(std::uint64_t kind, ProtoField& field) {
    switch (kind) {
      case 0:
        field.value = varint();
        return;
      case 1:
        field.bytes = take(8);
        return;
      case 2:
        field.bytes = take(varint());
        field.is_bytes = true;
        return;
      case 5:
        field.bytes = take(4);
        return;
      default:
        throw std::runtime_error("has a field of an impossible kind");
    }
  }
  std::string_view take(std::uint64_t count) {
    if (count > rest_.size()) throw std::runtime_error("is cut short");
    const std::string_view piece = rest_.substr(0, static_cast<std::size_t>(count));
    rest_.remove_prefix(static_cast<std::size_t>(count));
    return piece;
  }
  std::string_view rest_;
};

inline void append_varint(std::string& message, std::uint64_t value) {
  for (; value > 127; value >>= 7) message += static_cast<char>(value | 128U);
  message += static_cast<char>(value);
}

/// Appends one field of bytes to a message being written.
inline void append_proto(std::string& message, std::uint32_t number, std::string_view bytes) {
  append_varint(message, static_cast<std::uint64_t>(number) << 3 | 2);
  append_varint(message, bytes.size());
  message += bytes;
}

/// The same of a whole number.
inline void append_proto(std::string& message, std::uint32_t number, std::uint64_t value) {
  append_varint(message, static_cast<std::uint64_t>(number) << 3);
  append_varint(message, value);
}

}  // namespace likeness
