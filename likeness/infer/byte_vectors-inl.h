// Vectors of bytes and their products, compiled once per instruction set: include it in a file of Highway's
// foreach_target, behind <hwy/highway.h>.
#if defined(LIKENESS_INFER_BYTE_VECTORS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef LIKENESS_INFER_BYTE_VECTORS_INL_H
#undef LIKENESS_INFER_BYTE_VECTORS_INL_H
#else
#define LIKENESS_INFER_BYTE_VECTORS_INL_H
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "likeness/infer/byte_kernels.h"
#include "likeness/infer/map_vectors-inl.h"

#if HWY_ARCH_X86
#include <immintrin.h>
#endif

HWY_BEFORE_NAMESPACE();
namespace likeness::HWY_NAMESPACE {

using DI = hn::CappedTag<std::int32_t, 16>;
using VI = hn::Vec<DI>;

// What a target sums products by: 2 AVX512-VNNI, 1 AVX-VNNI, where the CPU has them.
#undef LIKENESS_BYTE_PRODUCTS
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
#define LIKENESS_BYTE_PRODUCTS 2
#elif HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX2
#define LIKENESS_BYTE_PRODUCTS 1
#else
#define LIKENESS_BYTE_PRODUCTS 0
#endif

HWY_INLINE VI load_quads(const std::int8_t* from) {
  return hn::LoadU(DI(), reinterpret_cast<const std::int32_t*>(from));
}

// Four bytes in every lane.
HWY_INLINE VI set_quad(const std::uint8_t* from) {
  std::int32_t four;
  std::memcpy(&four, from, sizeof(four));
  return hn::Set(DI(), four);
}

// Bytes as whole numbers.
HWY_INLINE VI load_bytes(const std::uint8_t* from) {
  return hn::PromoteTo(DI(), hn::LoadU(hn::Rebind<std::uint8_t, DI>(), from));
}
// What they stand for, in steps.
HWY_INLINE V from_bytes(const std::uint8_t* from, std::uint8_t zero) {
  return hn::ConvertTo(D(), hn::Sub(load_bytes(from), hn::Set(DI(), zero)));
}
HWY_INLINE void store_bytes(VI v, std::uint8_t* to) {
  const hn::Rebind<std::uint8_t, DI> d8;
  hn::StoreU(hn::DemoteTo(d8, v), d8, to);
}

template <class Sums>
HWY_INLINE hn::Vec<hn::RebindToFloat<hn::DFromV<Sums>>> scaled(Sums sum, const float* factor,
                                                               const float* below) {
  const hn::RebindToFloat<hn::DFromV<Sums>> d;
  const auto y = hn::ConvertTo(d, sum);
  return hn::Mul(y, hn::IfThenElse(hn::Lt(y, hn::Zero(d)), hn::LoadU(d, below), hn::LoadU(d, factor)));
}

// The nearest whole number, ties to even, and `zero` added. Below kMostRounded: the sum with 1.5 * 2^23 has
// no fraction, and holds the number in its lower bits.
template <class Floats>
HWY_INLINE hn::Vec<hn::RebindToSigned<hn::DFromV<Floats>>> rounded(Floats y, std::uint8_t zero) {
  const hn::DFromV<Floats> d;
  const hn::RebindToSigned<decltype(d)> di;
  constexpr float kWhole = 12582912.0F;
  constexpr std::int32_t kWholeBits = 0x4B400000;
  const auto bits = hn::BitCast(di, hn::Add(y, hn::Set(d, kWhole + static_cast<float>(zero))));
  return hn::Sub(bits, hn::Set(di, kWholeBits));
}

// Four products a lane, none of whose pairs leaves 16 bits (kMostPair), or any.
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_SSSE3
struct PlainProducts {
  static constexpr std::size_t kRows = HWY_TARGET <= HWY_AVX3 ? 12 : 5;
  template <class Sums>
  static HWY_INLINE void add(Sums& sum, Sums bytes, Sums weights) {
    if constexpr (sizeof(Sums) == 16) {
      const __m128i pairs = _mm_maddubs_epi16(bytes.raw, weights.raw);
      sum = hn::Add(sum, Sums{_mm_madd_epi16(pairs, _mm_set1_epi16(1))});
    }
#if HWY_TARGET <= HWY_AVX2
    if constexpr (sizeof(Sums) == 32) {
      const __m256i pairs = _mm256_maddubs_epi16(bytes.raw, weights.raw);
      sum = hn::Add(sum, Sums{_mm256_madd_epi16(pairs, _mm256_set1_epi16(1))});
    }
#endif
#if HWY_TARGET <= HWY_AVX3
    if constexpr (sizeof(Sums) == 64) {
      const __m512i pairs = _mm512_maddubs_epi16(bytes.raw, weights.raw);
      sum = hn::Add(sum, Sums{_mm512_madd_epi16(pairs, _mm512_set1_epi16(1))});
    }
#endif
  }
  static HWY_INLINE void add_pixel(VI& first, VI& second, const std::uint8_t* in, const VI& w0,
                                   const VI& w1) {
    const VI x = set_quad(in);
    add(first, x, w0);
    add(second, x, w1);
  }
  // Even bytes, then odd ones, as 16 bits.
  template <class Sums>
  static HWY_INLINE void add_any(Sums& sum, Sums bytes, Sums weights) {
    const hn::Repartition<std::int16_t, hn::DFromV<Sums>> d16;
    const hn::RebindToUnsigned<decltype(d16)> du16;
    const auto b = hn::BitCast(du16, bytes);
    const auto w = hn::BitCast(d16, weights);
    const auto even = hn::BitCast(d16, hn::And(b, hn::Set(du16, 0xFF)));
    const auto odd = hn::BitCast(d16, hn::ShiftRight<8>(b));
    const auto even_weights = hn::ShiftRight<8>(hn::ShiftLeft<8>(w));
    const auto odd_weights = hn::ShiftRight<8>(w);
    const hn::DFromV<Sums> d;
    auto unused = hn::Zero(d);
    // On x86 these are sums of neighbouring products.
    sum = hn::ReorderWidenMulAccumulate(d, even, even_weights, sum, unused);
    sum = hn::ReorderWidenMulAccumulate(d, odd, odd_weights, sum, unused);
  }
};
#else
struct PlainProducts {
  static constexpr std::size_t kRows = 5;
  template <class Sums>
  static HWY_INLINE void add(Sums& sum, Sums bytes, Sums weights) {
    add_any(sum, bytes, weights);
  }
  static HWY_INLINE void add_pixel(VI& first, VI& second, const std::uint8_t* in, const VI& w0,
                                   const VI& w1) {
    const VI x = set_quad(in);
    add(first, x, w0);
    add(second, x, w1);
  }
  template <class Sums>
  static HWY_INLINE void add_any(Sums& sum, Sums bytes, Sums weights) {
    sum = one<0>(sum, bytes, weights);
    sum = one<8>(sum, bytes, weights);
    sum = one<16>(sum, bytes, weights);
    sum = one<24>(sum, bytes, weights);
  }

 private:
  template <int kBit, class Sums>
  static HWY_INLINE Sums one(Sums sum, Sums bytes, Sums weights) {
    const hn::DFromV<Sums> d;
    const hn::RebindToUnsigned<decltype(d)> du;
    const auto byte = hn::And(hn::ShiftRight<kBit>(hn::BitCast(du, bytes)), hn::Set(du, 0xFF));
    const auto weight = hn::ShiftRight<24>(hn::ShiftLeft<24 - kBit>(weights));
    return hn::Add(sum, hn::Mul(hn::BitCast(d, byte), weight));
  }
};
#endif

// For weights that keep to no kMostPair.
struct AnyProducts {
  static constexpr std::size_t kRows = HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3 ? 12 : 4;
  template <class Sums>
  static HWY_INLINE void add(Sums& sum, const Sums& bytes, const Sums& weights) {
    PlainProducts::add_any(sum, bytes, weights);
  }
  static HWY_INLINE void add_pixel(VI& first, VI& second, const std::uint8_t* in, const VI& w0,
                                   const VI& w1) {
    const VI x = set_quad(in);
    add(first, x, w0);
    add(second, x, w1);
  }
};

#if LIKENESS_BYTE_PRODUCTS
// Written as instructions: compilers are not told of the instruction set, has_byte_products() says whether
// the CPU has it.
struct ByteProducts {
  static constexpr std::size_t kRows = LIKENESS_BYTE_PRODUCTS == 2 ? 14 : 6;
  template <class Sums>
  static HWY_INLINE void add(Sums& sum, const Sums& bytes, const Sums& weights) {
#if LIKENESS_BYTE_PRODUCTS == 2
    asm("vpdpbusd %2, %1, %0" : "+v"(sum.raw) : "v"(bytes.raw), "v"(weights.raw));
#else
    asm("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sum.raw) : "x"(bytes.raw), "x"(weights.raw));
#endif
  }
  template <class Sums>
  static HWY_INLINE void add_any(Sums& sum, const Sums& bytes, const Sums& weights) {
    add(sum, bytes, weights);
  }
  // In one piece, or compilers would move sums between registers.
  static HWY_INLINE void add_pixel(VI& first, VI& second, const std::uint8_t* in, const VI& w0,
                                   const VI& w1) {
    VI x;
    const auto* four = reinterpret_cast<const std::uint8_t(*)[kQuad]>(in);
#if LIKENESS_BYTE_PRODUCTS == 2
    asm("vpbroadcastd %3, %2\n\t"
        "vpdpbusd %4, %2, %0\n\t"
        "vpdpbusd %5, %2, %1"
        : "+v"(first.raw), "+v"(second.raw), "=&v"(x.raw)
        : "m"(*four), "v"(w0.raw), "v"(w1.raw));
#else
    asm("vpbroadcastd %3, %2\n\t"
        "%{vex%} vpdpbusd %4, %2, %0\n\t"
        "%{vex%} vpdpbusd %5, %2, %1"
        : "+x"(first.raw), "+x"(second.raw), "=&x"(x.raw)
        : "m"(*four), "x"(w0.raw), "x"(w1.raw));
#endif
  }
};
#else
using ByteProducts = PlainProducts;
#endif

constexpr int Kind() { return LIKENESS_BYTE_PRODUCTS; }

// Two neighbouring vectors of whole numbers as bytes; of the second only where `both`.
HWY_INLINE void store_two(VI first, VI second, std::uint8_t* to, bool both) {
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3
  const __m512i pairs = _mm512_packs_epi32(first.raw, second.raw);
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 0, 0, 0, 0, 0, 0, 0, 0);
  const __m512i bytes = _mm512_permutexvar_epi32(order, _mm512_packus_epi16(pairs, pairs));
  if (both) return _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm512_castsi512_si256(bytes));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm512_castsi512_si128(bytes));
#else
  store_bytes(first, to);
  if (both) store_bytes(second, to + kLanes);
#endif
}

// Channels in byte_order(), as bytes in their own order.
template <class D8, class Sums>
HWY_INLINE void store_four(D8 d8, const Sums (&v)[4], std::uint8_t* to) {
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_SSSE3
  const hn::Repartition<std::int16_t, D8> d16;
  const auto low = hn::ReorderDemote2To(d16, v[0], v[1]);
  const auto high = hn::ReorderDemote2To(d16, v[2], v[3]);
  hn::Vec<D8> bytes;
  if constexpr (sizeof(Sums) == 16) bytes = hn::Vec<D8>{_mm_packus_epi16(low.raw, high.raw)};
#if HWY_TARGET <= HWY_AVX2
  if constexpr (sizeof(Sums) == 32) bytes = hn::Vec<D8>{_mm256_packus_epi16(low.raw, high.raw)};
#endif
#if HWY_TARGET <= HWY_AVX3
  if constexpr (sizeof(Sums) == 64) bytes = hn::Vec<D8>{_mm512_packus_epi16(low.raw, high.raw)};
#endif
  hn::StoreU(bytes, d8, to);
#else
  (void)d8;
  const hn::Rebind<std::uint8_t, hn::DFromV<Sums>> part;
  for (std::size_t i = 0; i < 4; ++i) hn::StoreU(hn::DemoteTo(part, v[i]), part, to + 4 * i);
#endif
}

}  // namespace likeness::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // LIKENESS_INFER_BYTE_VECTORS_INL_H
