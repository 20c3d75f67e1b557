#pragma once

// Inside infer/ only.

#include <cstddef>
#include <filesystem>
#include <span>

namespace likeness {

/// Whole pages of memory from the system: zeros, or a file that is only read. Given back in the end.
class GraphMemory {
 public:
  GraphMemory() = default;
  /// `bytes` zeros, in large pages where the system has them. @throws std::bad_alloc.
  explicit GraphMemory(std::size_t bytes);
  /// A file as it is; empty where it cannot be read or is larger than `most` bytes.
  GraphMemory(const std::filesystem::path& file, std::size_t most);
  ~GraphMemory();
  GraphMemory(GraphMemory&& other) noexcept;
  GraphMemory& operator=(GraphMemory&& other) noexcept;

  /// Where these are a file's pages, moves their bytes into large pages of memory, which stays where it is:
  /// the processor then looks up fewer addresses. Other threads may read meanwhile. Where the system has no
  /// memory or no large pages for it everything stays as it was.
  void to_large_pages() const noexcept;

  [[nodiscard]] std::span<std::byte> bytes() { return {data_, size_}; }
  [[nodiscard]] std::span<const std::byte> bytes() const { return {data_, size_}; }

 private:
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  bool file_ = false;
};

}  // namespace likeness
