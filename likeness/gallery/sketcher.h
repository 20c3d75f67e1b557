#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace likeness {

/// Turns vectors into sketches: on which side of many random planes a vector lies, a bit a plane. Two vectors
/// at an angle t lie on the same side of a share 1 - t / pi of planes (Charikar 2002), if the planes have
/// nothing to do with the vectors. The signs of the values themselves will do for FaceNet's 512, but not for
/// principal components, the first of which tell most (recall .92 where planes have 1.00; bench/RESULTS.md,
/// Gallery). The planes are rows of a rotation: signs are flipped by a fixed pattern and a Walsh-Hadamard
/// transform is taken, twice (Ailon and Chazelle 2009; Andoni et al., arXiv:1509.02897). Threads may share
/// it.
class Sketcher {
 public:
  /// @throws std::invalid_argument for dimension 0.
  explicit Sketcher(std::size_t dimension);

  /// Bits of a sketch: two a value, at most 512, a multiple of 64.
  [[nodiscard]] std::size_t bits() const { return bits_; }
  [[nodiscard]] std::size_t words() const { return bits_ / 64; }
  /// Of up to `dimension` values; writes words() words. The same on every CPU.
  void sketch(std::span<const std::int8_t> values, std::uint64_t* words) const;

 private:
  std::size_t bits_;
  std::size_t padded_;                     // a power of two, not below dimension and 64
  std::vector<std::vector<float>> flips_;  // of 1 and -1, padded_ each; two for each rotation
};

}  // namespace likeness
