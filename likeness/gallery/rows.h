#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "likeness/gallery/kernels.h"

namespace likeness {

struct AlignedFree {
  void operator()(void* memory) const;
};

/// `bytes` bytes, zeros if so wished, aligned to kRowAlignment. @throws std::bad_alloc.
[[nodiscard]] std::unique_ptr<std::byte[], AlignedFree> aligned_bytes(std::size_t bytes, bool zeros = true);

/// The vectors an index searches: rows of equal size, padded and aligned for the kernels, in chunks, so that
/// growing neither copies nor reserves more than one chunk. Readers may share it while nobody adds.
class Rows {
 public:
  static constexpr std::size_t kChunkRows = 16384;

  explicit Rows(std::size_t row_bytes)
      : row_bytes_((row_bytes + kRowAlignment - 1) / kRowAlignment * kRowAlignment) {}

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t row_bytes() const { return row_bytes_; }
  [[nodiscard]] std::byte* operator[](std::size_t row) const {
    return chunks_[row / kChunkRows].get() + row % kChunkRows * row_bytes_;
  }
  /// Rows of the chunk that begins with row `chunk * kChunkRows`.
  [[nodiscard]] std::size_t rows_in_chunk(std::size_t chunk) const {
    return std::min(kChunkRows, size_ - chunk * kChunkRows);
  }
  [[nodiscard]] std::size_t chunks() const { return (size_ + kChunkRows - 1) / kChunkRows; }
  [[nodiscard]] std::size_t bytes() const { return chunks_.size() * kChunkRows * row_bytes_; }

  /// A new row of zeros at the end. @returns its memory.
  std::byte* append();
  /// `count` new rows with any content, all within one chunk. @returns their memory, to be written.
  std::span<std::byte> append_unset(std::size_t count);

 private:
  std::size_t row_bytes_;
  std::size_t size_ = 0;
  std::vector<std::unique_ptr<std::byte[], AlignedFree>> chunks_;
};

}  // namespace likeness
