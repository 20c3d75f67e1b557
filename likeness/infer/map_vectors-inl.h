// Vectors of maps, in f32 or bf16, compiled once per instruction set: include it in a file of Highway's
// foreach_target, behind <hwy/highway.h>.
#if defined(LIKENESS_INFER_MAP_VECTORS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef LIKENESS_INFER_MAP_VECTORS_INL_H
#undef LIKENESS_INFER_MAP_VECTORS_INL_H
#else
#define LIKENESS_INFER_MAP_VECTORS_INL_H
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>

#include "likeness/infer/graph_kernels.h"

HWY_BEFORE_NAMESPACE();
namespace likeness::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using D = hn::CappedTag<float, 16>;
using V = hn::Vec<D>;
constexpr std::size_t kLanes = hn::MaxLanes(D());

HWY_INLINE V load(const float* from) { return hn::LoadU(D(), from); }
HWY_INLINE void store(V v, float* to) { hn::StoreU(v, D(), to); }

// Numbers of 16 bits are the upper halves of floats.
HWY_INLINE V load(const std::uint16_t* from) {
  const hn::Rebind<std::uint16_t, D> d16;
  const hn::RebindToUnsigned<D> d32;
  return hn::BitCast(D(), hn::ShiftLeft<16>(hn::PromoteTo(d32, hn::LoadU(d16, from))));
}
HWY_INLINE void store(V v, std::uint16_t* to) {
  const hn::Rebind<std::uint16_t, D> d16;
  const hn::RebindToSigned<D> d32;
  const hn::RebindToUnsigned<D> du;
  // Half of the last place kept, less one where that place is even.
  const auto bits = hn::BitCast(du, v);
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(du, 1));
  const auto rounded = hn::ShiftRight<16>(hn::Add(bits, hn::Add(odd, hn::Set(du, 0x7FFF))));
  hn::StoreU(hn::DemoteTo(d16, hn::BitCast(d32, rounded)), d16, to);
}

// `slope`: of these outputs, or null.
HWY_INLINE V activated(V y, bool relu, const float* slope) {
  const V zero = hn::Zero(D());
  if (slope != nullptr) return hn::MulAdd(hn::Min(y, zero), load(slope), hn::Max(y, zero));
  return relu ? hn::Max(y, zero) : y;
}

HWY_INLINE std::size_t row_of(const Maps& maps, std::size_t y) { return maps.ring == 0 ? y : y % maps.ring; }

template <class T>
HWY_INLINE const T* row_at(const Maps& maps, std::size_t picture, std::size_t y) {
  return static_cast<const T*>(maps.data) + picture * maps.picture + row_of(maps, y) * maps.row;
}
template <class T>
HWY_INLINE T* out_row(const Maps& maps, std::size_t picture, std::size_t y) {
  return const_cast<T*>(row_at<T>(maps, picture, y));
}

}  // namespace likeness::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // LIKENESS_INFER_MAP_VECTORS_INL_H
