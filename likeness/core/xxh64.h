#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace likeness {

/// XXH64 with seed 0 (Yann Collet; the specification is xxhash_spec.md of github.com/Cyan4973/xxHash): tells
/// damage, not malice, at the speed of memory. For little-endian machines, as the files it is for.
class Xxh64 {
 public:
  [[nodiscard]] static std::uint64_t of(std::span<const std::byte> bytes) {
    Xxh64 sum;
    sum.update(bytes);
    return sum.digest();
  }

  void update(std::span<const std::byte> bytes) {
    total_ += bytes.size();
    if (waiting_ > 0) {
      const std::size_t taken = std::min(bytes.size(), kStripe - waiting_);
      std::memcpy(stripe_.data() + waiting_, bytes.data(), taken);
      waiting_ += taken;
      bytes = bytes.subspan(taken);
      if (waiting_ < kStripe) return;
      take_stripes(stripe_);
      waiting_ = 0;
    }
    const std::size_t whole = bytes.size() / kStripe * kStripe;
    take_stripes(bytes.first(whole));
    waiting_ = bytes.size() - whole;
    if (waiting_ > 0) std::memcpy(stripe_.data(), bytes.data() + whole, waiting_);
  }

  [[nodiscard]] std::uint64_t digest() const {
    std::uint64_t hash = kPrime5;  // of seed 0
    if (total_ >= kStripe) {
      hash =
          std::rotl(sums_[0], 1) + std::rotl(sums_[1], 7) + std::rotl(sums_[2], 12) + std::rotl(sums_[3], 18);
      for (const std::uint64_t sum : sums_) hash = (hash ^ round(0, sum)) * kPrime1 + kPrime4;
    }
    hash += total_;
    std::size_t at = 0;
    for (; at + 8 <= waiting_; at += 8) {
      hash = std::rotl(hash ^ round(0, word<std::uint64_t>(&stripe_[at])), 27) * kPrime1 + kPrime4;
    }
    for (; at + 4 <= waiting_; at += 4) {
      hash = std::rotl(hash ^ word<std::uint32_t>(&stripe_[at]) * kPrime1, 23) * kPrime2 + kPrime3;
    }
    for (; at < waiting_; ++at) {
      hash = std::rotl(hash ^ std::to_integer<std::uint64_t>(stripe_[at]) * kPrime5, 11) * kPrime1;
    }
    hash = (hash ^ hash >> 33) * kPrime2;
    hash = (hash ^ hash >> 29) * kPrime3;
    return hash ^ hash >> 32;
  }

 private:
  static constexpr std::size_t kStripe = 32;
  static constexpr std::uint64_t kPrime1 = 0x9E3779B185EBCA87;
  static constexpr std::uint64_t kPrime2 = 0xC2B2AE3D27D4EB4F;
  static constexpr std::uint64_t kPrime3 = 0x165667B19E3779F9;
  static constexpr std::uint64_t kPrime4 = 0x85EBCA77C2B2AE63;
  static constexpr std::uint64_t kPrime5 = 0x27D4EB2F165667C5;

  template <typename Word>
  static std::uint64_t word(const std::byte* at) {
    Word value;
    std::memcpy(&value, at, sizeof(value));
    return value;
  }
  static std::uint64_t round(std::uint64_t sum, std::uint64_t value) {
    return std::rotl(sum + value * kPrime2, 31) * kPrime1;
  }
  void take_stripes(std::span<const std::byte> bytes) {
    auto [a, b, c, d] = sums_;  // in registers
    for (std::size_t at = 0; at < bytes.size(); at += kStripe) {
      a = round(a, word<std::uint64_t>(&bytes[at]));
      b = round(b, word<std::uint64_t>(&bytes[at + 8]));
      c = round(c, word<std::uint64_t>(&bytes[at + 16]));
      d = round(d, word<std::uint64_t>(&bytes[at + 24]));
    }
    sums_ = {a, b, c, d};
  }

  std::array<std::uint64_t, 4> sums_{kPrime1 + kPrime2, kPrime2, 0, 0 - kPrime1};
  std::array<std::byte, kStripe> stripe_{};
  std::size_t waiting_ = 0;  // bytes of a stripe that is not full yet
  std::uint64_t total_ = 0;
};

}  // namespace likeness
