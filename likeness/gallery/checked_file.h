#pragma once

#include <sodium.h>

#include <array>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include "likeness/core/atomic_file.h"
#include "likeness/core/error.h"

namespace likeness {

using Digest = std::array<std::byte, 32>;

/// Writes bytes and their BLAKE2b digest, which finish() appends.
class CheckedWriter {
 public:
  explicit CheckedWriter(const std::filesystem::path& path) : file_(path) {
    crypto_generichash_init(&state_, nullptr, 0, sizeof(Digest));
  }
  void write(std::span<const std::byte> bytes) {
    crypto_generichash_update(&state_, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
    file_.write(bytes);
  }
  template <typename T>
  void write_values(std::span<const T> values) {
    write(std::as_bytes(values));
  }
  void finish() {
    Digest digest;
    crypto_generichash_final(&state_, reinterpret_cast<unsigned char*>(digest.data()), digest.size());
    file_.write(digest);
    file_.commit();
  }

 private:
  AtomicFile file_;
  crypto_generichash_state state_;
};

/// Reads what CheckedWriter wrote. Nothing is sure before finish() has compared the digests.
/// Every member throws Error kDataInvalid naming the file.
class CheckedReader {
 public:
  explicit CheckedReader(const std::filesystem::path& path)
      : name_(path.string()), file_(path, std::ios::binary) {
    std::error_code trouble;
    const auto size = std::filesystem::file_size(path, trouble);
    if (!file_ || trouble) throw Error(ErrorCode::kInputUnreadable, name_ + ": cannot be read");
    if (size < sizeof(Digest)) fail("too short");
    left_ = size - sizeof(Digest);
    crypto_generichash_init(&state_, nullptr, 0, sizeof(Digest));
  }
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::kDataInvalid, name_ + ": " + what);
  }
  [[nodiscard]] std::size_t left() const { return left_; }
  void read(std::span<std::byte> bytes) {
    if (bytes.size() > left_) fail("cut short");
    file_.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    if (static_cast<std::size_t>(file_.gcount()) != bytes.size()) fail("cannot be read");
    crypto_generichash_update(&state_, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
    left_ -= bytes.size();
  }
  template <typename T>
  [[nodiscard]] std::vector<T> read_values(std::size_t count) {
    if (count > left_ / sizeof(T)) fail("cut short");
    std::vector<T> values(count);
    read(std::as_writable_bytes(std::span(values)));
    return values;
  }
  void finish() {
    Digest expected;
    Digest digest;
    if (left_ != 0) fail("longer than it says");
    file_.read(reinterpret_cast<char*>(expected.data()), sizeof(expected));
    crypto_generichash_final(&state_, reinterpret_cast<unsigned char*>(digest.data()), digest.size());
    if (!file_ || digest != expected) fail("damaged (wrong checksum)");
  }

 private:
  std::string name_;
  std::ifstream file_;
  std::size_t left_ = 0;
  crypto_generichash_state state_;
};

}  // namespace likeness
