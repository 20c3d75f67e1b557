#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <utility>
#include <vector>

namespace likeness::train {

/// Repeatable random numbers, alike on every machine (the standard library's distributions are not):
/// xoshiro256** seeded by SplitMix64 over `stream`. Every choice of the training draws from a stream of its
/// own, e.g. {seed, kBatches, epoch}, so that a resumed run needs no generator state.
class Random {
 public:
  explicit Random(std::initializer_list<std::uint64_t> stream);

  [[nodiscard]] std::uint64_t next();
  /// Uniform in [0, n), n > 0.
  [[nodiscard]] std::size_t below(std::size_t n);
  /// Uniform in [0, 1).
  [[nodiscard]] double uniform();
  /// Normal with mean 0 and deviation 1 (Box and Muller).
  [[nodiscard]] double normal();

  template <typename T>
  void shuffle(std::vector<T>& values) {
    for (std::size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[below(i)]);
  }

 private:
  std::uint64_t state_[4];
};

/// What a stream is for, so that no two uses share one.
enum RandomStream : std::uint64_t { kSplit = 1, kBatches, kWeights, kGenerated, kAugment };

}  // namespace likeness::train
