#include "likeness/gallery/sketcher.h"

#include <algorithm>
#include <bit>
#include <stdexcept>

#include "likeness/gallery/kernels.h"
#include "likeness/gallery/rows.h"

namespace likeness {
namespace {

constexpr std::size_t kMostBits = 512;
constexpr int kTransforms = 2;  // a rotation

/// SplitMix64 (Steele, Lea and Flood 2014): the next of a fixed sequence of random words.
std::uint64_t next_word(std::uint64_t& state) {
  state += 0x9E3779B97F4A7C15;
  std::uint64_t z = state;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
  z = (z ^ z >> 27) * 0x94D049BB133111EB;
  return z ^ z >> 31;
}

// In loops of a known length, for compilers to make vectors of.
constexpr std::size_t kBlock = 64;

void widen(std::span<const std::int8_t> values, float* __restrict out) {
  std::size_t j = 0;
  for (const std::int8_t* __restrict from = values.data(); j + kBlock <= values.size(); j += kBlock) {
    for (std::size_t k = 0; k < kBlock; ++k) out[j + k] = from[j + k];
  }
  for (; j < values.size(); ++j) out[j] = values[j];
}

/// `count`: a multiple of kBlock.
void multiply(float* __restrict values, const float* __restrict factors, std::size_t count) {
  for (std::size_t j = 0; j < count; j += kBlock) {
    for (std::size_t k = 0; k < kBlock; ++k) values[j + k] *= factors[j + k];
  }
}

}  // namespace

Sketcher::Sketcher(std::size_t dimension)
    : bits_(std::min(kMostBits, (2 * dimension + 63) / 64 * 64)),
      padded_(std::bit_ceil(std::max<std::size_t>(dimension, 64))) {
  if (dimension == 0) throw std::invalid_argument("a sketch needs values");
  const std::size_t rotations = (bits_ + padded_ - 1) / padded_;
  std::uint64_t state = 0;
  for (std::size_t i = 0; i < rotations * kTransforms; ++i) {
    std::vector<float>& flips = flips_.emplace_back(padded_);
    for (std::size_t first = 0; first < padded_; first += 64) {
      const std::uint64_t word = next_word(state);
      for (std::size_t j = 0; j < 64; ++j) flips[first + j] = word >> j & 1 ? -1.0F : 1.0F;
    }
  }
}

void Sketcher::sketch(std::span<const std::int8_t> values, std::uint64_t* words) const {
  const auto memory = aligned_bytes(padded_ * sizeof(float));
  auto* turned = reinterpret_cast<float*>(memory.get());
  for (std::size_t rotation = 0; rotation * padded_ < bits_; ++rotation) {
    widen(values, turned);
    std::fill(turned + values.size(), turned + padded_, 0.0F);
    for (int i = 0; i < kTransforms; ++i) {
      const std::vector<float>& flips = flips_[rotation * kTransforms + static_cast<std::size_t>(i)];
      multiply(turned, flips.data(), padded_);
      walsh_hadamard(turned, padded_);
    }
    const std::size_t taken = std::min(padded_, bits_ - rotation * padded_);
    negative_bits(turned, taken, words + rotation * padded_ / 64);
  }
}

}  // namespace likeness
