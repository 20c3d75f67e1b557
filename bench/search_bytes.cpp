// What smaller embeddings save when a million faces are searched: the last column of the table "A face in 128
// bytes" in docs/accuracy.md.
//   search_bytes [faces = 1000000] [threads = 2]
// For 512 and 128 values, floats and bytes: memory, and the median time of an exact search for the best five.
// Every face is compared whatever it looks like, so made-up ones do.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <span>
#include <vector>

#include "likeness/gallery/kernels.h"
#include "likeness/gallery/search_index.h"

namespace likeness {
namespace {

constexpr int kSearches = 21;

/// Unit vectors, cheaply: xorshift numbers, centred.
class Faces {
 public:
  explicit Faces(std::size_t dimension) : values_(dimension) {}
  std::span<const float> next() {
    double squares = 0;
    for (float& value : values_) {
      state_ ^= state_ << 13;
      state_ ^= state_ >> 7;
      state_ ^= state_ << 17;
      value = static_cast<float>(static_cast<double>(state_ >> 11) / 9007199254740992.0 - 0.5);
      squares += static_cast<double>(value) * value;
    }
    for (float& value : values_) value = static_cast<float>(value / std::sqrt(squares));
    return values_;
  }

 private:
  std::vector<float> values_;
  std::uint64_t state_ = 88172645463325252;
};

void measure(std::size_t faces, std::size_t dimension, IndexKind kind, int threads) {
  const auto index = make_index({.kind = kind, .dimension = dimension, .threads = threads});
  Faces made(dimension);
  for (std::size_t i = 0; i < faces; ++i) index->add(static_cast<std::int64_t>(i), made.next());
  std::vector<double> wall, cpu;
  for (int search = 0; search < kSearches; ++search) {
    const std::span<const float> query = made.next();
    const auto start = std::chrono::steady_clock::now();
    const std::clock_t busy = std::clock();
    if (index->nearest(query, 5).size() != 5) std::abort();
    cpu.push_back(1e3 * static_cast<double>(std::clock() - busy) / CLOCKS_PER_SEC);
    wall.push_back(
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
  }
  const auto median = [](std::vector<double>& values) {
    std::nth_element(values.begin(), values.begin() + kSearches / 2, values.end());
    return values[kSearches / 2];
  };
  std::printf(
      "{\"values\":%zu,\"bytes\":%zu,\"faces\":%zu,\"threads\":%d,\"kernels\":\"%s\",\"memory_mb\":%.0f,"
      "\"wall_ms\":%.2f,\"cpu_ms\":%.2f}\n",
      dimension, dimension * (kind == IndexKind::kExactInt8 ? 1 : sizeof(float)), faces, threads,
      kernel_target().c_str(), static_cast<double>(index->bytes()) / 1e6, median(wall), median(cpu));
  std::fflush(stdout);
}

}  // namespace
}  // namespace likeness

int main(int argc, char** argv) {
  using namespace likeness;
  const std::size_t faces = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
  const int threads = argc > 2 ? std::atoi(argv[2]) : 2;
  if (faces < 5 || threads < 1) {
    std::fprintf(stderr, "usage: search_bytes [faces, at least 5] [threads]\n");
    return 2;
  }
  for (const std::size_t dimension : {std::size_t{512}, std::size_t{128}}) {
    for (const IndexKind kind : {IndexKind::kExactF32, IndexKind::kExactInt8})
      measure(faces, dimension, kind, threads);
  }
  return 0;
}
