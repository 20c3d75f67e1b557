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

void DifferingBits(const std::byte* HWY_RESTRICT query, const std::byte* HWY_RESTRICT rows, std::size_t bytes,
                   std::size_t count, std::uint32_t* HWY_RESTRICT out) {
  const hn::CappedTag<std::uint64_t, 8> d;  // a row's alignment: 64 bytes
  const auto* asked = reinterpret_cast<const std::uint64_t*>(query);
  const auto* words = reinterpret_cast<const std::uint64_t*>(rows);
  const std::size_t row_words = bytes / 8;
  for (std::size_t i = 0; i < count; ++i) {
    auto sum = hn::Zero(d);
    for (std::size_t j = 0; j < row_words; j += hn::Lanes(d)) {
      const auto differs = hn::Xor(hn::Load(d, asked + j), hn::Load(d, words + i * row_words + j));
      sum = hn::Add(sum, hn::PopulationCount(differs));
    }
    out[i] = static_cast<std::uint32_t>(hn::GetLane(hn::SumOfLanes(d, sum)));
  }
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
HWY_EXPORT(DifferingBits);
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

void differing_bits(const std::byte* query, const std::byte* rows, std::size_t bytes, std::size_t count,
                    std::uint32_t* out) {
  HWY_DYNAMIC_DISPATCH(DifferingBits)(query, rows, bytes, count, out);
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
