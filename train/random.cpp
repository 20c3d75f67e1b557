#include "train/random.h"

#include <bit>
#include <cmath>
#include <numbers>

namespace likeness::train {
namespace {

std::uint64_t split_mix(std::uint64_t& state) {
  std::uint64_t z = (state += 0x9E3779B97F4A7C15U);
  z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31U);
}

}  // namespace

Random::Random(std::initializer_list<std::uint64_t> stream) {
  std::uint64_t state = 0;
  for (const std::uint64_t part : stream) {
    state ^= part;
    state = split_mix(state);
  }
  for (std::uint64_t& word : state_) word = split_mix(state);
}

std::uint64_t Random::next() {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t shifted = state_[1] << 17U;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

std::size_t Random::below(std::size_t n) {
  // The first 2^64 mod n values would make small results likelier.
  const std::uint64_t skip = (0 - static_cast<std::uint64_t>(n)) % n;
  std::uint64_t value = next();
  while (value < skip) value = next();
  return value % n;
}

double Random::uniform() { return static_cast<double>(next() >> 11U) * 0x1.0p-53; }

double Random::normal() {
  const double radius = std::sqrt(-2 * std::log(1 - uniform()));
  return radius * std::cos(2 * std::numbers::pi * uniform());
}

}  // namespace likeness::train
