#include "likeness/core/sha256_blocks.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

namespace likeness {
namespace {

/// Source: FIPS 180-4, section 4.2.2.
alignas(16) constexpr std::uint32_t kConstants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

}  // namespace

bool has_sha256_blocks() {
  static const bool has = [] {
    unsigned a = 0, b = 0, c = 0, d = 0;
    const bool sha = __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & bit_SHA) != 0;
    return sha && __builtin_cpu_supports("sse4.1") && __builtin_cpu_supports("ssse3");
  }();
  return has;
}

// The instructions want the state as (A B E F) and (C D G H), highest lane first.
__attribute__((target("sha,sse4.1"))) void sha256_blocks(std::array<std::uint32_t, 8>& state,
                                                         std::span<const std::byte> bytes) {
  const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  auto* words = reinterpret_cast<__m128i*>(state.data());
  const __m128i dcba = _mm_loadu_si128(words), hgfe = _mm_loadu_si128(words + 1);
  const __m128i cdab = _mm_shuffle_epi32(dcba, 0xB1), efgh = _mm_shuffle_epi32(hgfe, 0x1B);
  __m128i abef = _mm_alignr_epi8(cdab, efgh, 8);
  __m128i cdgh = _mm_blend_epi16(efgh, cdab, 0xF0);

  for (std::size_t at = 0; at < bytes.size(); at += 64) {
    const auto* block = reinterpret_cast<const __m128i*>(bytes.data() + at);
    const __m128i abef_before = abef, cdgh_before = cdgh;
    __m128i schedule[4];  // the last sixteen words of the message schedule, four a vector
#pragma GCC unroll 16
    for (int four = 0; four < 16; ++four) {
      __m128i& now = schedule[four % 4];
      if (four < 4) {
        now = _mm_shuffle_epi8(_mm_loadu_si128(block + four), big_endian);
      } else {
        const __m128i back_3 = schedule[(four + 1) % 4], back_2 = schedule[(four + 2) % 4],
                      back_1 = schedule[(four + 3) % 4];
        now = _mm_sha256msg1_epu32(now, back_3);
        now = _mm_add_epi32(now, _mm_alignr_epi8(back_1, back_2, 4));
        now = _mm_sha256msg2_epu32(now, back_1);
      }
      const __m128i constants = _mm_load_si128(reinterpret_cast<const __m128i*>(kConstants) + four);
      const __m128i sum = _mm_add_epi32(now, constants);
      cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
      abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0E));
    }
    abef = _mm_add_epi32(abef, abef_before);
    cdgh = _mm_add_epi32(cdgh, cdgh_before);
  }

  const __m128i feba = _mm_shuffle_epi32(abef, 0x1B), dchg = _mm_shuffle_epi32(cdgh, 0xB1);
  _mm_storeu_si128(words, _mm_blend_epi16(feba, dchg, 0xF0));
  _mm_storeu_si128(words + 1, _mm_alignr_epi8(dchg, feba, 8));
}

}  // namespace likeness

#else

namespace likeness {

bool has_sha256_blocks() { return false; }
void sha256_blocks(std::array<std::uint32_t, 8>&, std::span<const std::byte>) {}

}  // namespace likeness

#endif
