#include "likeness/gallery/rows.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

namespace likeness {

void AlignedFree::operator()(void* memory) const { std::free(memory); }

std::unique_ptr<std::byte[], AlignedFree> aligned_bytes(std::size_t bytes, bool zeros) {
  // Linux's large pages, which it gives to whoever asks: a scan changes pages less often, and a row far away
  // costs one wait for memory instead of two.
  constexpr std::size_t kLargePage = std::size_t{1} << 21;
  const std::size_t alignment = bytes >= kLargePage ? kLargePage : kRowAlignment;
  const std::size_t rounded = std::max((bytes + alignment - 1) / alignment, std::size_t{1}) * alignment;
  void* memory = std::aligned_alloc(alignment, rounded);
  if (!memory) throw std::bad_alloc();
  if (alignment == kLargePage) static_cast<void>(::madvise(memory, rounded, MADV_HUGEPAGE));  // advice only
  if (zeros) std::memset(memory, 0, rounded);
  return std::unique_ptr<std::byte[], AlignedFree>(static_cast<std::byte*>(memory));
}

std::byte* Rows::append() {
  const auto row = append_unset(1);
  std::ranges::fill(row, std::byte{0});
  return row.data();
}

std::span<std::byte> Rows::append_unset(std::size_t count) {
  if (size_ == chunks_.size() * kChunkRows) chunks_.push_back(aligned_bytes(kChunkRows * row_bytes_, false));
  std::byte* first = (*this)[size_];
  size_ += count;
  return {first, count * row_bytes_};
}

}  // namespace likeness
