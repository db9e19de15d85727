// One vector of float32 and the few operations that the kernels need, for the instruction set that the
// including file is compiled for. Every kernel is written once over this.
//
//     vec                     LANES floats in a register
//     tile of a product       TILE_ROWS x PANEL floats in registers, PANEL = PANEL_VECTORS * LANES columns
//
// Arithmetic and comparisons are the compiler's own (GCC's vector extension, Clang's too); `condition ? a : b`
// selects lane by lane. Products and sums are never contracted behind our back (-ffp-contract=off): where a
// fused multiply-add is meant, fma() is written, so that an element has the same bits whichever tile it is in.
//
// All is in an unnamed namespace: files compiled for different processors must not share one copy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__AVX512F__) || defined(__AVX2__)
#include <immintrin.h>
#elif defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif
#include "kernels/fused.h"

namespace treadle {
namespace {

#if defined(__AVX512F__)
constexpr int LANES = 16, PANEL_VECTORS = 2, TILE_ROWS = 12;  // 24 sums, 2 columns, 1 row of 32 registers
#elif defined(__AVX2__)
constexpr int LANES = 8, PANEL_VECTORS = 2, TILE_ROWS = 6;  // 12 sums, 2 columns, 1 row of 16 registers
#elif defined(__ARM_NEON)
constexpr int LANES = 4, PANEL_VECTORS = 4, TILE_ROWS = 6;  // 24 sums, 4 columns, 1 row of 32 registers
#else
constexpr int LANES = 4, PANEL_VECTORS = 4, TILE_ROWS = 6;  // as NEON: a multiply-add here is many instructions
#endif
constexpr int PANEL = LANES * PANEL_VECTORS;

typedef float vec __attribute__((vector_size(LANES * sizeof(float))));
typedef int32_t ivec __attribute__((vector_size(LANES * sizeof(float))));

#define TREADLE_INLINE inline __attribute__((always_inline))
#define TREADLE_UNROLL _Pragma("GCC unroll 16")  // arrays of vectors are registers only where every index is known

TREADLE_INLINE vec load(const float* p) {
    vec v;
    std::memcpy(&v, p, sizeof v);
    return v;
}

TREADLE_INLINE void store(float* p, vec v) { std::memcpy(p, &v, sizeof v); }

TREADLE_INLINE vec zero() { return vec{}; }

TREADLE_INLINE vec all(float x) { return x - vec{}; }  // x - 0, not x + 0: keeps -0

TREADLE_INLINE ivec as_bits(vec v) { return (ivec)v; }

TREADLE_INLINE vec as_floats(ivec v) { return (vec)v; }

TREADLE_INLINE ivec to_integers(vec v) { return __builtin_convertvector(v, ivec); }  // towards zero

TREADLE_INLINE vec to_floats(ivec v) { return __builtin_convertvector(v, vec); }

// fma(a, b, c) = a b + c in one rounding, by the processor or, on the portable baseline, by fused.h.
// from_bytes widens LANES bytes; GCC would do it one by one.
// maximum and minimum return their second operand where either is NaN: write the variable last, and it stays NaN.
#if defined(__AVX512F__)
TREADLE_INLINE vec fma(vec a, vec b, vec c) { return (vec)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c); }
TREADLE_INLINE vec sqrt(vec a) { return (vec)_mm512_sqrt_ps((__m512)a); }
TREADLE_INLINE vec maximum(vec a, vec b) { return (vec)_mm512_max_ps((__m512)a, (__m512)b); }
TREADLE_INLINE vec minimum(vec a, vec b) { return (vec)_mm512_min_ps((__m512)a, (__m512)b); }
TREADLE_INLINE vec from_bytes(const uint8_t* p) {
    return (vec)_mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i*)p)));
}
#elif defined(__AVX2__)
TREADLE_INLINE vec fma(vec a, vec b, vec c) { return (vec)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c); }
TREADLE_INLINE vec sqrt(vec a) { return (vec)_mm256_sqrt_ps((__m256)a); }
TREADLE_INLINE vec maximum(vec a, vec b) { return (vec)_mm256_max_ps((__m256)a, (__m256)b); }
TREADLE_INLINE vec minimum(vec a, vec b) { return (vec)_mm256_min_ps((__m256)a, (__m256)b); }
TREADLE_INLINE vec from_bytes(const uint8_t* p) {
    return (vec)_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i*)p)));
}
#elif defined(__ARM_NEON)
TREADLE_INLINE vec fma(vec a, vec b, vec c) { return (vec)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b); }
TREADLE_INLINE vec sqrt(vec a) { return (vec)vsqrtq_f32((float32x4_t)a); }
TREADLE_INLINE vec maximum(vec a, vec b) { return a > b ? a : b; }
TREADLE_INLINE vec minimum(vec a, vec b) { return a < b ? a : b; }
TREADLE_INLINE vec from_bytes(const uint8_t* p) {
    uint32_t four;
    std::memcpy(&four, p, sizeof four);
    const uint16x8_t wide = vmovl_u8(vcreate_u8(four));
    return (vec)vcvtq_f32_u32(vmovl_u16(vget_low_u16(wide)));
}
#elif defined(__SSE2__)
// `low` and `high` are a b + c in float64. Rounded again to float32 they are right unless they are midpoints of two
// floats, whose last 29 bits are 1 and zeros, or perhaps below the least normal float; 0 is right.
TREADLE_INLINE bool may_be_wrong(__m128d low, __m128d high) {
    const __m128i last = (__m128i)_mm_shuffle_ps((__m128)low, (__m128)high, 0x88);
    const __m128i first = (__m128i)_mm_shuffle_ps((__m128)low, (__m128)high, 0xdd);
    const __m128i midpoint =
        _mm_cmpeq_epi32(_mm_and_si128(last, _mm_set1_epi32(0x1fffffff)), _mm_set1_epi32(0x10000000));
    // The exponent is that of 2^-127 or less, and not 0: that of 0 wraps round to the largest.
    const __m128i shifted = _mm_add_epi32(_mm_and_si128(first, _mm_set1_epi32(INT32_MAX)), _mm_set1_epi32(INT32_MAX));
    const __m128i subnormal = _mm_cmplt_epi32(shifted, _mm_set1_epi32(INT32_MIN + (0x38100000 - 1)));
    return _mm_movemask_epi8(_mm_or_si128(midpoint, subnormal)) != 0;
}
__attribute__((noinline, cold)) vec fused(vec a, vec b, vec c) {
    for (int i = 0; i < LANES; ++i) a[i] = fused(a[i], b[i], c[i]);
    return a;
}
TREADLE_INLINE vec fma(vec a, vec b, vec c) {
    const auto half = [](__m128 x, __m128 y, __m128 z) {
        return _mm_add_pd(_mm_mul_pd(_mm_cvtps_pd(x), _mm_cvtps_pd(y)), _mm_cvtps_pd(z));
    };
    const auto upper = [](vec x) { return _mm_movehl_ps((__m128)x, (__m128)x); };
    const __m128d low = half((__m128)a, (__m128)b, (__m128)c), high = half(upper(a), upper(b), upper(c));
    if (__builtin_expect(may_be_wrong(low, high), 0)) return fused(a, b, c);
    return (vec)_mm_movelh_ps(_mm_cvtpd_ps(low), _mm_cvtpd_ps(high));
}
TREADLE_INLINE vec sqrt(vec a) { return (vec)_mm_sqrt_ps((__m128)a); }
TREADLE_INLINE vec maximum(vec a, vec b) { return (vec)_mm_max_ps((__m128)a, (__m128)b); }
TREADLE_INLINE vec minimum(vec a, vec b) { return (vec)_mm_min_ps((__m128)a, (__m128)b); }
TREADLE_INLINE vec from_bytes(const uint8_t* p) {
    int32_t four;
    std::memcpy(&four, p, sizeof four);
    const __m128i zeros = _mm_setzero_si128(), wide = _mm_unpacklo_epi8(_mm_cvtsi32_si128(four), zeros);
    return (vec)_mm_cvtepi32_ps(_mm_unpacklo_epi16(wide, zeros));
}
#else
TREADLE_INLINE vec fma(vec a, vec b, vec c) {
    for (int i = 0; i < LANES; ++i) a[i] = fused(a[i], b[i], c[i]);
    return a;
}
TREADLE_INLINE vec sqrt(vec a) {
    for (int i = 0; i < LANES; ++i) a[i] = __builtin_sqrtf(a[i]);
    return a;
}
TREADLE_INLINE vec maximum(vec a, vec b) { return a > b ? a : b; }
TREADLE_INLINE vec minimum(vec a, vec b) { return a < b ? a : b; }
TREADLE_INLINE vec from_bytes(const uint8_t* p) {
    vec v;
    for (int i = 0; i < LANES; ++i) v[i] = float(p[i]);
    return v;
}
#endif

}  // namespace
}  // namespace treadle
