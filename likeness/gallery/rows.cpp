#include "likeness/gallery/rows.h"

#include <cstdlib>
#include <cstring>
#include <new>

namespace likeness {

void AlignedFree::operator()(void* memory) const { std::free(memory); }

std::unique_ptr<std::byte[], AlignedFree> aligned_bytes(std::size_t bytes) {
  const std::size_t rounded = (bytes + kRowAlignment - 1) / kRowAlignment * kRowAlignment;
  void* memory = std::aligned_alloc(kRowAlignment, rounded > 0 ? rounded : kRowAlignment);
  if (!memory) throw std::bad_alloc();
  std::memset(memory, 0, rounded);
  return std::unique_ptr<std::byte[], AlignedFree>(static_cast<std::byte*>(memory));
}

std::byte* Rows::append() {
  if (size_ == chunks_.size() * kChunkRows) chunks_.push_back(aligned_bytes(kChunkRows * row_bytes_));
  return (*this)[size_++];
}

}  // namespace likeness
