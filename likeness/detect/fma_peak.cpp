#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "likeness/detect/fma_peak.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
// The file is compiled once per instruction set from here on.
#include <hwy/highway.h>

#include <algorithm>
#include <chrono>

#include "likeness/detect/fma_peak.h"

HWY_BEFORE_NAMESPACE();
namespace likeness::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Twelve sums that do not wait for each other: more than any core has multiply-adds under way. Gives a value
// that depends on all of them, so that none is left out.
float multiply_and_add(int rounds, std::size_t& lanes) {
  const hn::CappedTag<float, 16> d;
  using V = hn::Vec<decltype(d)>;
  lanes = hn::Lanes(d);
  const V factor = hn::Set(d, 0.999F);
  const V summand = hn::Set(d, 0.001F);
  V s0 = hn::Zero(d), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0;
  V s6 = summand, s7 = s6, s8 = s6, s9 = s6, s10 = s6, s11 = s6;
  for (int i = 0; i < rounds; ++i) {
    s0 = hn::MulAdd(s0, factor, summand);
    s1 = hn::MulAdd(s1, factor, summand);
    s2 = hn::MulAdd(s2, factor, summand);
    s3 = hn::MulAdd(s3, factor, summand);
    s4 = hn::MulAdd(s4, factor, summand);
    s5 = hn::MulAdd(s5, factor, summand);
    s6 = hn::MulAdd(s6, factor, summand);
    s7 = hn::MulAdd(s7, factor, summand);
    s8 = hn::MulAdd(s8, factor, summand);
    s9 = hn::MulAdd(s9, factor, summand);
    s10 = hn::MulAdd(s10, factor, summand);
    s11 = hn::MulAdd(s11, factor, summand);
#if HWY_COMPILER_GCC_ACTUAL && HWY_ARCH_X86  // clang knows no such operand for the emulated target
    // The sums are equal in pairs; the compiler must not find out.
    asm volatile("" : "+x"(s1.raw), "+x"(s2.raw), "+x"(s3.raw), "+x"(s4.raw), "+x"(s5.raw));
    asm volatile("" : "+x"(s7.raw), "+x"(s8.raw), "+x"(s9.raw), "+x"(s10.raw), "+x"(s11.raw));
#endif
  }
  const V left = hn::Add(hn::Add(hn::Add(s0, s1), hn::Add(s2, s3)), hn::Add(s4, s5));
  const V right = hn::Add(hn::Add(hn::Add(s6, s7), hn::Add(s8, s9)), hn::Add(s10, s11));
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(left, right)));
}

}  // namespace
}  // namespace likeness::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace likeness {

HWY_EXPORT(multiply_and_add);

double multiply_adds_per_second() {
  constexpr int kRounds = 100'000;
  constexpr int kRuns = 40;
  double best = 0;
  volatile float sink = 0;
  for (int run = 0; run < kRuns; ++run) {
    std::size_t lanes = 0;
    const auto start = std::chrono::steady_clock::now();
    sink = HWY_DYNAMIC_DISPATCH(multiply_and_add)(kRounds, lanes);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    best = std::max(best, 12.0 * kRounds * static_cast<double>(lanes) / seconds.count());
  }
  static_cast<void>(sink);
  return best;
}

}  // namespace likeness
#endif
