#include "likeness/infer/graph_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <new>
#include <utility>

namespace likeness {
namespace {

constexpr std::size_t kLargePage = std::size_t{2} << 20;  // of x86-64; elsewhere only a place to begin at

/// `bytes` rounded up to whole large pages.
std::size_t whole_pages(std::size_t bytes) { return (bytes + kLargePage - 1) / kLargePage * kLargePage; }

/// Address space of whole_pages(bytes), beginning at a large page, with nothing in it; null where there is
/// none.
std::byte* reserve(std::size_t bytes) {
  const std::size_t room = whole_pages(bytes);
  void* all =
      ::mmap(nullptr, room + kLargePage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (all == MAP_FAILED) return nullptr;
  auto* const begin = static_cast<std::byte*>(all);
  const std::size_t before = (kLargePage - reinterpret_cast<std::uintptr_t>(begin) % kLargePage) % kLargePage;
  if (before > 0) ::munmap(begin, before);
  if (before < kLargePage) ::munmap(begin + before + room, kLargePage - before);
  return begin + before;
}

}  // namespace

GraphMemory::GraphMemory(std::size_t bytes) {
  if (bytes == 0) return;
  void* data = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) throw std::bad_alloc();
  (void)::madvise(data, bytes, MADV_HUGEPAGE);  // a wish
  data_ = static_cast<std::byte*>(data);
  size_ = bytes;
}

GraphMemory::GraphMemory(const std::filesystem::path& file, std::size_t most) {
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return;
  struct stat facts {};
  if (::fstat(descriptor, &facts) == 0 && S_ISREG(facts.st_mode) && facts.st_size > 0 &&
      static_cast<std::size_t>(facts.st_size) <= most) {
    const auto size = static_cast<std::size_t>(facts.st_size);
    // At the begin of a large page, so that to_large_pages() can put whole ones here.
    std::byte* const place = reserve(size);
    if (place != nullptr &&
        ::mmap(place, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE | MAP_FIXED, descriptor, 0) == place) {
      data_ = place;
      size_ = size;
      file_ = true;
    } else if (place != nullptr) {
      ::munmap(place, whole_pages(size));
    }
  }
  ::close(descriptor);
}

GraphMemory::~GraphMemory() {
  if (data_ == nullptr) return;
  ::munmap(data_, file_ ? whole_pages(size_) : size_);
}

GraphMemory::GraphMemory(GraphMemory&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)), file_(other.file_) {}

GraphMemory& GraphMemory::operator=(GraphMemory&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(file_, other.file_);
  return *this;
}

void GraphMemory::to_large_pages() const noexcept {
  if (!file_) return;
  std::byte* const copy = reserve(size_);
  if (copy == nullptr) return;
  const std::size_t room = whole_pages(size_);
  if (::madvise(copy, room, MADV_HUGEPAGE) == 0 && ::mprotect(copy, room, PROT_READ | PROT_WRITE) == 0) {
    std::memcpy(copy, data_, size_);
    (void)::mprotect(copy, room, PROT_READ);
    // One step for whoever reads meanwhile: the same bytes before and after.
    if (::mremap(copy, room, room, MREMAP_MAYMOVE | MREMAP_FIXED, data_) == data_) return;
  }
  ::munmap(copy, room);
}

}  // namespace likeness
