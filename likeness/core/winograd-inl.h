// Winograd's transforms of inputs and outputs (winograd.h), compiled once per instruction set: include it in
// a file of Highway's foreach_target, behind <hwy/highway.h>.
#if defined(LIKENESS_CORE_WINOGRAD_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef LIKENESS_CORE_WINOGRAD_INL_H
#undef LIKENESS_CORE_WINOGRAD_INL_H
#else
#define LIKENESS_CORE_WINOGRAD_INL_H
#endif

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace likeness::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// B^T d of F(2, 3): transformed inputs.
template <class D, class V>
HWY_INLINE void winograd_inputs(D, const V (&r)[4], V (&out)[4]) {
  out[0] = hn::Sub(r[0], r[2]);
  out[1] = hn::Add(r[1], r[2]);
  out[2] = hn::Sub(r[2], r[1]);
  out[3] = hn::Sub(r[1], r[3]);
}

// The same of F(3, 3).
template <class D, class V>
HWY_INLINE void winograd_inputs(D d, const V (&r)[5], V (&out)[5]) {
  const V two = hn::Set(d, 2.0F);
  const V outer = hn::Sub(r[3], r[1]);
  out[0] = hn::MulAdd(two, hn::Sub(r[0], r[2]), outer);
  out[1] = hn::NegMulAdd(two, r[1], hn::Sub(r[3], r[2]));
  out[2] = hn::NegMulAdd(hn::Set(d, 3.0F), r[2], hn::MulAdd(two, r[1], r[3]));
  out[3] = outer;
  out[4] = hn::NegMulAdd(two, outer, hn::Sub(r[4], r[2]));
}

// The same of F(4, 3).
template <class D, class V>
HWY_INLINE void winograd_inputs(D d, const V (&r)[6], V (&out)[6]) {
  const V four = hn::Set(d, 4.0F);
  const V five = hn::Set(d, 5.0F);
  const V sum = hn::NegMulAdd(four, r[2], r[4]);
  const V difference = hn::NegMulAdd(four, r[1], r[3]);
  const V near = hn::Sub(r[4], r[2]);
  const V far = hn::Mul(hn::Set(d, 2.0F), hn::Sub(r[3], r[1]));
  out[0] = hn::NegMulAdd(five, r[2], hn::MulAdd(four, r[0], r[4]));
  out[1] = hn::Add(sum, difference);
  out[2] = hn::Sub(sum, difference);
  out[3] = hn::Add(near, far);
  out[4] = hn::Sub(near, far);
  out[5] = hn::NegMulAdd(five, r[3], hn::MulAdd(four, r[1], r[5]));
}

// The same of F(6, 3).
template <class D, class V>
HWY_INLINE void winograd_inputs(D d, const V (&r)[8], V (&out)[8]) {
  const V end = hn::Set(d, 5.25F);
  const V middle = hn::Set(d, 4.25F);
  const V two = hn::Set(d, 2.0F);
  const V half = hn::Set(d, 0.5F);
  const V wide = hn::Set(d, 2.5F);
  const V even1 = hn::NegMulAdd(middle, r[4], hn::Add(r[2], r[6]));
  const V odd1 = hn::NegMulAdd(middle, r[3], hn::Add(r[1], r[5]));
  const V even2 = hn::NegMulAdd(hn::Set(d, 1.25F), r[4], hn::MulAdd(hn::Set(d, 0.25F), r[2], r[6]));
  const V odd2 = hn::MulAdd(two, r[5], hn::NegMulAdd(wide, r[3], hn::Mul(half, r[1])));
  const V even3 = hn::NegMulAdd(hn::Set(d, 5.0F), r[4], hn::MulAdd(hn::Set(d, 4.0F), r[2], r[6]));
  const V odd3 = hn::MulAdd(half, r[5], hn::NegMulAdd(wide, r[3], hn::Mul(two, r[1])));
  out[0] = hn::MulAdd(end, hn::Sub(r[4], r[2]), hn::Sub(r[0], r[6]));
  out[1] = hn::Add(even1, odd1);
  out[2] = hn::Sub(even1, odd1);
  out[3] = hn::Add(even2, odd2);
  out[4] = hn::Sub(even2, odd2);
  out[5] = hn::Add(even3, odd3);
  out[6] = hn::Sub(even3, odd3);
  out[7] = hn::MulAdd(end, hn::Sub(r[3], r[5]), hn::Sub(r[7], r[1]));
}

// A^T p of F(2, 3): outputs from products.
template <class D, class V>
HWY_INLINE void winograd_outputs(D, const V (&p)[4], V (&y)[2]) {
  y[0] = hn::Add(hn::Add(p[0], p[1]), p[2]);
  y[1] = hn::Sub(hn::Sub(p[1], p[2]), p[3]);
}

// The same of F(3, 3).
template <class D, class V>
HWY_INLINE void winograd_outputs(D d, const V (&p)[5], V (&y)[3]) {
  const V even = hn::Add(p[1], p[2]);
  y[0] = hn::Add(hn::Add(p[0], even), p[3]);
  y[1] = hn::MulAdd(hn::Set(d, 2.0F), p[3], hn::Sub(p[1], p[2]));
  y[2] = hn::MulAdd(hn::Set(d, 4.0F), p[3], hn::Add(p[4], even));
}

// The same of F(4, 3).
template <class D, class V>
HWY_INLINE void winograd_outputs(D d, const V (&p)[6], V (&y)[4]) {
  const V odd1 = hn::Sub(p[1], p[2]);
  const V even1 = hn::Add(p[1], p[2]);
  const V even2 = hn::Add(p[3], p[4]);
  const V odd2 = hn::Sub(p[3], p[4]);
  y[0] = hn::Add(hn::Add(p[0], even1), even2);
  y[1] = hn::MulAdd(hn::Set(d, 2.0F), odd2, odd1);
  y[2] = hn::MulAdd(hn::Set(d, 4.0F), even2, even1);
  y[3] = hn::Add(hn::MulAdd(hn::Set(d, 8.0F), odd2, odd1), p[5]);
}

// The same of F(6, 3).
template <class D, class V>
HWY_INLINE void winograd_outputs(D d, const V (&p)[8], V (&y)[6]) {
  const V even1 = hn::Add(p[1], p[2]);
  const V odd1 = hn::Sub(p[1], p[2]);
  const V even2 = hn::Add(p[3], p[4]);
  const V odd2 = hn::Sub(p[3], p[4]);
  const V even3 = hn::Add(p[5], p[6]);
  const V odd3 = hn::Sub(p[5], p[6]);
  const auto sum = [&](V one, float two, V at_two, float half, V at_half) HWY_ATTR {
    return hn::MulAdd(hn::Set(d, half), at_half, hn::MulAdd(hn::Set(d, two), at_two, one));
  };
  y[0] = hn::Add(hn::Add(p[0], even1), hn::Add(even2, even3));
  y[1] = sum(odd1, 2.0F, odd2, 1.0F / 2, odd3);
  y[2] = sum(even1, 4.0F, even2, 1.0F / 4, even3);
  y[3] = sum(odd1, 8.0F, odd2, 1.0F / 8, odd3);
  y[4] = sum(even1, 16.0F, even2, 1.0F / 16, even3);
  y[5] = hn::Add(sum(odd1, 32.0F, odd2, 1.0F / 32, odd3), p[7]);
}

}  // namespace likeness::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
