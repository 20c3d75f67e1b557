#include "likeness/gallery/kernels.h"

// Highway compiles this file once for every instruction set; see its quick reference on foreach_target.h.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "likeness/gallery/kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace likeness {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// int8 values are widened to int16, multiplied and added in pairs to int32 (pmaddwd on x86). Two independent
// pairs of sums hide the latency.
std::int32_t DotInt8(const std::int8_t* HWY_RESTRICT a, const std::int8_t* HWY_RESTRICT b,
                     std::size_t bytes) {
  const hn::CappedTag<std::int16_t, 32> d16;
  const hn::Rebind<std::int8_t, decltype(d16)> d8;
  const hn::Repartition<std::int32_t, decltype(d16)> d32;
  const std::size_t lanes = hn::Lanes(d16);
  auto sum0 = hn::Zero(d32);
  auto sum1 = hn::Zero(d32);
  auto sum2 = hn::Zero(d32);
  auto sum3 = hn::Zero(d32);
  for (std::size_t j = 0; j < bytes; j += 2 * lanes) {
    const auto a0 = hn::PromoteTo(d16, hn::Load(d8, a + j));
    const auto b0 = hn::PromoteTo(d16, hn::Load(d8, b + j));
    const auto a1 = hn::PromoteTo(d16, hn::Load(d8, a + j + lanes));
    const auto b1 = hn::PromoteTo(d16, hn::Load(d8, b + j + lanes));
    sum0 = hn::ReorderWidenMulAccumulate(d32, a0, b0, sum0, sum1);
    sum2 = hn::ReorderWidenMulAccumulate(d32, a1, b1, sum2, sum3);
  }
  const auto sum = hn::Add(hn::Add(sum0, sum1), hn::Add(sum2, sum3));
  return hn::GetLane(hn::SumOfLanes(d32, sum));
}

void DotRowsInt8(const std::int8_t* HWY_RESTRICT query, const std::int8_t* HWY_RESTRICT rows,
                 std::size_t bytes, std::size_t count, std::int32_t* HWY_RESTRICT out) {
  for (std::size_t i = 0; i < count; ++i) out[i] = DotInt8(query, rows + i * bytes, bytes);
}

void DotRowsF32(const float* HWY_RESTRICT query, const float* HWY_RESTRICT rows, std::size_t floats,
                std::size_t count, float* HWY_RESTRICT out) {
  const hn::CappedTag<float, 8> d;  // two of them fill the 16 floats of a row's alignment on every CPU
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t i = 0; i < count; ++i) {
    const float* row = rows + i * floats;
    auto sum0 = hn::Zero(d);
    auto sum1 = hn::Zero(d);
    for (std::size_t j = 0; j < floats; j += 2 * lanes) {
      sum0 = hn::MulAdd(hn::Load(d, query + j), hn::Load(d, row + j), sum0);
      sum1 = hn::MulAdd(hn::Load(d, query + j + lanes), hn::Load(d, row + j + lanes), sum1);
    }
    out[i] = hn::GetLane(hn::SumOfLanes(d, hn::Add(sum0, sum1)));
  }
}

// One level of the transform: values `step` apart become their sum and their difference.
template <class D>
void Butterflies(D d, float* HWY_RESTRICT values, std::size_t count, std::size_t step) {
  for (std::size_t first = 0; first < count; first += 2 * step) {
    for (std::size_t i = first; i < first + step; i += hn::Lanes(d)) {
      const auto a = hn::Load(d, values + i);
      const auto b = hn::Load(d, values + i + step);
      hn::Store(hn::Add(a, b), d, values + i);
      hn::Store(hn::Sub(a, b), d, values + i + step);
    }
  }
}

void WalshHadamard(float* HWY_RESTRICT values, std::size_t count) {
  const hn::CappedTag<float, 4> d4;
  const hn::CappedTag<float, 16> d;
  // Steps of 1 and 2 within a register of four: the second of a pair is negated, its partner added.
  HWY_ALIGN static constexpr float kOdd[4] = {1, -1, 1, -1};
  HWY_ALIGN static constexpr float kUpper[4] = {1, 1, -1, -1};
  const auto odd = hn::Load(d4, kOdd);
  const auto upper = hn::Load(d4, kUpper);
  for (std::size_t i = 0; i < count; i += 4) {
    auto four = hn::Load(d4, values + i);
    four = hn::Add(hn::Mul(four, odd), hn::Shuffle2301(four));
    four = hn::Add(hn::Mul(four, upper), hn::Shuffle1032(four));
    hn::Store(four, d4, values + i);
  }
  std::size_t step = 4;
  for (; step < HWY_MIN(count, hn::Lanes(d)); step *= 2) Butterflies(d4, values, count, step);
  for (; step < count; step *= 2) Butterflies(d, values, count, step);
}

void NegativeBits(const float* HWY_RESTRICT values, std::size_t count, std::uint64_t* HWY_RESTRICT words) {
  const hn::CappedTag<float, 16> d;
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t i = 0; i < count; i += 64) {
    std::uint64_t word = 0;
    for (std::size_t j = 0; j < 64; j += lanes) {
      std::uint8_t bits[8] = {};
      hn::StoreMaskBits(d, hn::Lt(hn::Load(d, values + i + j), hn::Zero(d)), bits);
      word |= (std::uint64_t{bits[0]} | std::uint64_t{bits[1]} << 8) << j;
    }
    words[i / 64] = word;
  }
}

std::size_t SketchesWithin(const std::uint64_t* HWY_RESTRICT query, const std::uint64_t* HWY_RESTRICT blocks,
                           std::size_t words, std::size_t count, std::uint32_t limit,
                           SketchDistance* HWY_RESTRICT found) {
  const hn::CappedTag<std::uint64_t, kSketchBlockRows> d;
  const hn::Repartition<std::uint8_t, decltype(d)> d8;
  const hn::RebindToSigned<decltype(d)> signed_d;  // distances are small: either comparison will do
  const std::size_t lanes = hn::Lanes(d);
  constexpr std::size_t kByteSums = 31;  // sums of 8 bits each that a byte can hold
  const auto above = hn::Set(signed_d, static_cast<std::int64_t>(limit) + 1);
  std::size_t hits = 0;
  for (std::size_t block = 0; block < count; ++block) {
    for (std::size_t row = 0; row < kSketchBlockRows; row += lanes) {
      const std::uint64_t* column = blocks + block * words * kSketchBlockRows + row;
      auto sum = hn::Zero(d);
      for (std::size_t first = 0; first < words; first += kByteSums) {
        auto bytes = hn::Zero(d8);
        const std::size_t end = HWY_MIN(words, first + kByteSums);
        for (std::size_t w = first; w < end; ++w) {
          const auto differs = hn::Xor(hn::Set(d, query[w]), hn::Load(d, column + w * kSketchBlockRows));
          bytes = hn::Add(bytes, hn::PopulationCount(hn::BitCast(d8, differs)));
        }
        sum = hn::Add(sum, hn::SumsOf8(bytes));
      }
      if (HWY_LIKELY(hn::AllFalse(signed_d, hn::Lt(hn::BitCast(signed_d, sum), above)))) continue;
      HWY_ALIGN std::uint64_t bits[kSketchBlockRows];
      hn::Store(sum, d, bits);
      for (std::size_t i = 0; i < lanes; ++i) {
        if (bits[i] > limit) continue;
        found[hits++] = {static_cast<std::uint32_t>(block * kSketchBlockRows + row + i),
                         static_cast<std::uint32_t>(bits[i])};
      }
    }
  }
  return hits;
}

std::uint64_t SumBytes(const std::int8_t* HWY_RESTRICT data, std::size_t bytes) {
  const hn::CappedTag<std::uint64_t, 8> d;
  const std::size_t lanes = hn::Lanes(d);
  const auto* words = reinterpret_cast<const std::uint64_t*>(data);
  auto sum0 = hn::Zero(d);
  auto sum1 = hn::Zero(d);
  std::size_t j = 0;
  for (; j + 2 * lanes <= bytes / 8; j += 2 * lanes) {
    sum0 = hn::Add(sum0, hn::Load(d, words + j));
    sum1 = hn::Add(sum1, hn::Load(d, words + j + lanes));
  }
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(sum0, sum1)));
}

}  // namespace HWY_NAMESPACE
}  // namespace likeness
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace likeness {

HWY_EXPORT(DotInt8);
HWY_EXPORT(DotRowsInt8);
HWY_EXPORT(DotRowsF32);
HWY_EXPORT(WalshHadamard);
HWY_EXPORT(NegativeBits);
HWY_EXPORT(SketchesWithin);
HWY_EXPORT(SumBytes);

std::int32_t dot_int8(const std::int8_t* a, const std::int8_t* b, std::size_t bytes) {
  return HWY_DYNAMIC_DISPATCH(DotInt8)(a, b, bytes);
}

void dot_rows_int8(const std::int8_t* query, const std::int8_t* rows, std::size_t bytes, std::size_t count,
                   std::int32_t* out) {
  HWY_DYNAMIC_DISPATCH(DotRowsInt8)(query, rows, bytes, count, out);
}

void dot_rows_f32(const float* query, const float* rows, std::size_t floats, std::size_t count, float* out) {
  HWY_DYNAMIC_DISPATCH(DotRowsF32)(query, rows, floats, count, out);
}

void walsh_hadamard(float* values, std::size_t count) { HWY_DYNAMIC_DISPATCH(WalshHadamard)(values, count); }

void negative_bits(const float* values, std::size_t count, std::uint64_t* words) {
  HWY_DYNAMIC_DISPATCH(NegativeBits)(values, count, words);
}

std::size_t sketches_within(const std::uint64_t* query, const std::uint64_t* blocks, std::size_t words,
                            std::size_t count, std::uint32_t limit, SketchDistance* found) {
  return HWY_DYNAMIC_DISPATCH(SketchesWithin)(query, blocks, words, count, limit, found);
}

std::uint64_t sum_bytes(const std::int8_t* data, std::size_t bytes) {
  return HWY_DYNAMIC_DISPATCH(SumBytes)(data, bytes);
}

std::string kernel_target() {
  const std::int64_t supported = hwy::SupportedTargets() & HWY_TARGETS;
  return hwy::TargetName(supported & -supported);  // the lowest bit is the best
}

}  // namespace likeness
#endif
