#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "likeness/core/atomic_file.h"
#include "likeness/core/error.h"
#include "likeness/core/xxh64.h"

namespace likeness {

/// Writes bytes and their checksum, which finish() appends: 8 bytes of XXH64.
class CheckedWriter {
 public:
  /// `for_owner`: others than this user may not read it.
  explicit CheckedWriter(const std::filesystem::path& path, bool for_owner = false)
      : file_(path, for_owner ? 0600 : 0666) {}
  void write(std::span<const std::byte> bytes) {
    sum_.update(bytes);
    file_.write(bytes);
  }
  template <typename T>
  void write_values(std::span<const T> values) {
    write(std::as_bytes(values));
  }
  void finish() {
    const std::uint64_t digest = sum_.digest();
    file_.write(std::as_bytes(std::span(&digest, 1)));
    file_.commit();
  }

 private:
  AtomicFile file_;
  Xxh64 sum_;
};

/// Reads what CheckedWriter wrote. Nothing is sure before finish() has compared the checksums.
/// Every member throws Error kDataInvalid naming the file.
class CheckedReader {
 public:
  explicit CheckedReader(const std::filesystem::path& path)
      : name_(path.string()), descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    struct stat status {};
    if (descriptor_.number < 0 || ::fstat(descriptor_.number, &status) != 0 || !S_ISREG(status.st_mode))
      throw Error(ErrorCode::kInputUnreadable, name_ + ": cannot be read");
    const auto size = static_cast<std::size_t>(status.st_size);
    if (size < kDigestBytes) fail("too short");
    unread_ = size - kDigestBytes;
    buffer_.resize(std::min(kPiece, unread_));
    static_cast<void>(::posix_fadvise(descriptor_.number, 0, 0, POSIX_FADV_SEQUENTIAL));
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::kDataInvalid, name_ + ": " + what);
  }
  [[nodiscard]] std::size_t left() const { return waiting_.size() + unread_; }
  void read(std::span<std::byte> bytes) {
    if (bytes.size() > left()) fail("cut short");
    while (!bytes.empty()) {
      if (waiting_.empty() && bytes.size() >= kPiece) {
        fetch(bytes.first(kPiece));
        bytes = bytes.subspan(kPiece);
        continue;
      }
      if (waiting_.empty()) {
        const auto piece = std::span(buffer_).first(std::min(buffer_.size(), unread_));
        fetch(piece);
        waiting_ = piece;
      }
      const std::size_t taken = std::min(bytes.size(), waiting_.size());
      std::memcpy(bytes.data(), waiting_.data(), taken);
      waiting_ = waiting_.subspan(taken);
      bytes = bytes.subspan(taken);
    }
  }
  template <typename T>
  [[nodiscard]] std::vector<T> read_values(std::size_t count) {
    if (count > left() / sizeof(T)) fail("cut short");
    std::vector<T> values(count);
    read(std::as_writable_bytes(std::span(values)));
    return values;
  }
  void finish() {
    if (left() != 0) fail("longer than it says");
    std::uint64_t expected = 0;
    read_exactly(std::as_writable_bytes(std::span(&expected, 1)));
    if (expected != sum_.digest()) fail("damaged (wrong checksum)");
  }

 private:
  static constexpr std::size_t kDigestBytes = sizeof(std::uint64_t);
  static constexpr std::size_t kPiece = std::size_t{1} << 18;  // stays in the second cache until it is summed

  void read_exactly(std::span<std::byte> bytes) {
    while (!bytes.empty()) {
      const ::ssize_t got = ::read(descriptor_.number, bytes.data(), bytes.size());
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) fail("cannot be read");
      bytes = bytes.subspan(static_cast<std::size_t>(got));
    }
  }
  void fetch(std::span<std::byte> bytes) {
    read_exactly(bytes);
    sum_.update(bytes);
    unread_ -= bytes.size();
  }
  struct Descriptor {
    explicit Descriptor(int opened) : number(opened) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
      if (number >= 0) ::close(number);
    }
    int number;
  };

  std::string name_;
  Descriptor descriptor_;
  std::size_t unread_ = 0;              // of the file, before the checksum
  std::vector<std::byte> buffer_;       // for small reads
  std::span<const std::byte> waiting_;  // of the buffer, not asked for yet
  Xxh64 sum_;
};

}  // namespace likeness
