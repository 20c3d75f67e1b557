#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "likeness/gallery/store.h"
#include "likeness/gallery/vault.h"

namespace likeness {

using Bytes = std::vector<std::byte>;

[[nodiscard]] std::span<const std::byte> as_bytes(std::string_view text);
[[nodiscard]] std::string as_text(std::span<const std::byte> bytes);
/// @throws std::invalid_argument naming `what` for anything but pairs of hexadecimal digits.
[[nodiscard]] Bytes from_hex(const std::string& hex, const std::string& what);
[[nodiscard]] std::string to_hex(std::span<const std::byte> bytes);

/// How values lie in the rows of a gallery's file (docs/gallery_format.md): as they are, or sealed. Threads
/// may share one. Every member throws Error kDataInvalid naming the file where stored bytes are damaged.
class RowValues {
 public:
  /// Without a vault nothing is encrypted.
  RowValues(std::string file, std::size_t dimension, EmbeddingFormat format, std::string identity,
            std::unique_ptr<Vault> vault);

  [[nodiscard]] bool encrypted() const { return vault_ != nullptr; }
  [[nodiscard]] EmbeddingFormat format() const { return format_; }
  [[nodiscard]] const std::string& identity() const { return identity_; }
  [[noreturn]] void damaged(const std::string& what) const;

  /// What finds a person by name.
  [[nodiscard]] Bytes name_key(const std::string& name) const;
  [[nodiscard]] Bytes seal_name(const std::string& name, std::span<const std::byte> key) const;
  [[nodiscard]] std::string open_name(std::span<const std::byte> stored,
                                      std::span<const std::byte> key) const;

  [[nodiscard]] Bytes seal_note(const std::string& text, const std::string& key) const;
  [[nodiscard]] std::string open_note(std::span<const std::byte> stored, const std::string& key) const;

  [[nodiscard]] Bytes seal_photo(const std::string& photo, std::span<const std::byte> hash) const;
  [[nodiscard]] std::string open_photo(std::span<const std::byte> stored,
                                       std::span<const std::byte> hash) const;

  [[nodiscard]] Bytes seal_embedding(std::span<const float> values, std::span<const std::byte> hash,
                                     const Box& box) const;
  [[nodiscard]] Bytes seal_crop(std::span<const std::byte> picture, std::span<const std::byte> hash,
                                const Box& box) const;
  [[nodiscard]] Bytes open_crop(std::span<const std::byte> stored, std::span<const std::byte> hash,
                                const Box& box) const;

  /// A photo's size as two columns have it, NULL read as 0; `what` is named in errors.
  [[nodiscard]] ImageSize photo_size(std::int64_t width, std::int64_t height, const std::string& what) const;

  /// `face` is named in errors; `out` has the dimension.
  void open_embedding(std::span<const std::byte> stored, std::span<const std::byte> hash, const Box& box,
                      std::int64_t face, std::span<float> out) const;

 private:
  [[nodiscard]] Bytes seal(std::span<const std::byte> plain, const std::string& context) const;
  [[nodiscard]] Bytes open(std::span<const std::byte> stored, const std::string& context,
                           const char* what) const;
  void decode(std::span<const std::byte> bytes, std::int64_t face, std::span<float> out) const;

  std::string file_;
  std::size_t dimension_;
  EmbeddingFormat format_;
  std::string identity_;
  std::unique_ptr<Vault> vault_;
};

}  // namespace likeness
