#include "likeness/infer/graph_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <new>
#include <utility>

namespace likeness {

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
    void* data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, descriptor, 0);
    if (data != MAP_FAILED) {
      data_ = static_cast<std::byte*>(data);
      size_ = size;
    }
  }
  ::close(descriptor);
}

GraphMemory::~GraphMemory() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

GraphMemory::GraphMemory(GraphMemory&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

GraphMemory& GraphMemory::operator=(GraphMemory&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

}  // namespace likeness
