// One vector of real numbers and the few operations that the kernels need, for the instruction set that the
// including file is compiled for. Every kernel is written once over this, and compiled twice: `real` is float32, or
// float64 where TREADLE_FLOAT64 is defined.
//
//     vec                     LANES numbers in a register
//     tile of a product       TILE_ROWS x PANEL numbers in registers, PANEL = PANEL_VECTORS * LANES columns
//
// Arithmetic and comparisons are the compiler's own (GCC's vector extension, Clang's too); `condition ? a : b`
// selects lane by lane. Products and sums are never contracted behind our back (-ffp-contract=off): where a
// fused multiply-add is meant, fma() is written, so that an element has the same bits whichever tile it is in.
//
// All is in an unnamed namespace: files compiled for different processors must not share one copy.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

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

#if defined(TREADLE_FLOAT64)
using real = double;
#else
using real = float;
#endif
constexpr bool FLOAT64 = sizeof(real) == sizeof(double);

#if defined(__AVX512F__)
constexpr int REGISTER = 64, PANEL_VECTORS = 2, TILE_ROWS = 12;  // 24 sums, 2 columns, 1 row of 32 registers
#elif defined(__AVX2__)
constexpr int REGISTER = 32, PANEL_VECTORS = 2, TILE_ROWS = 6;  // 12 sums, 2 columns, 1 row of 16 registers
#elif defined(__ARM_NEON)
constexpr int REGISTER = 16, PANEL_VECTORS = 4, TILE_ROWS = 6;  // 24 sums, 4 columns, 1 row of 32 registers
#else
constexpr int REGISTER = 16, PANEL_VECTORS = 4, TILE_ROWS = 6;  // as NEON: a multiply-add here is many instructions
#endif
constexpr int LANES = REGISTER / sizeof(real);
constexpr int PANEL = LANES * PANEL_VECTORS;
constexpr int CACHE_LINE = 64 / sizeof(real);  // numbers

typedef real vec __attribute__((vector_size(REGISTER)));
using ivec = decltype(vec{} < vec{});  // integers as wide as the numbers
using integer = std::conditional_t<FLOAT64, int64_t, int32_t>;

#define TREADLE_INLINE inline __attribute__((always_inline))
#define TREADLE_UNROLL _Pragma("GCC unroll 16")  // arrays of vectors are registers only where every index is known

TREADLE_INLINE vec load(const real* p) {
    vec v;
    std::memcpy(&v, p, sizeof v);
    return v;
}

TREADLE_INLINE void store(real* p, vec v) { std::memcpy(p, &v, sizeof v); }

TREADLE_INLINE vec zero() { return vec{}; }

TREADLE_INLINE vec all(real x) { return x - vec{}; }  // x - 0, not x + 0: keeps -0

TREADLE_INLINE ivec as_bits(vec v) { return (ivec)v; }

TREADLE_INLINE vec as_reals(ivec v) { return (vec)v; }

// fma(a, b, c) = a b + c in one rounding, by the processor or, in float32 on the portable baseline, by fused.h; in
// float64 it has two there, since one takes many times as long.
// from_bytes widens LANES bytes; GCC would do it one by one.
// maximum and minimum return their second operand where either is NaN: write the variable last, and it stays NaN.
#if defined(__AVX512F__)
TREADLE_INLINE vec fma(vec a, vec b, vec c) {
    if constexpr (FLOAT64) return (vec)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
    return (vec)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
}
TREADLE_INLINE vec sqrt(vec a) {
    if constexpr (FLOAT64) return (vec)_mm512_sqrt_pd((__m512d)a);
    return (vec)_mm512_sqrt_ps((__m512)a);
}
TREADLE_INLINE vec maximum(vec a, vec b) {
    if constexpr (FLOAT64) return (vec)_mm512_max_pd((__m512d)a, (__m512d)b);
    return (vec)_mm512_max_ps((__m512)a, (__m512)b);
}
TREADLE_INLINE vec minimum(vec a, vec b) {
    if constexpr (FLOAT64) return (vec)_mm512_min_pd((__m512d)a, (__m512d)b);
    return (vec)_mm512_min_ps((__m512)a, (__m512)b);
}
TREADLE_INLINE vec from_bytes(const uint8_t* p) {
    if constexpr (FLOAT64)
        return (vec)_mm512_cvtepi32_pd(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i*)p)));
    else
        return (vec)_mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i*)p)));
}
#elif defined(__AVX2__)
TREADLE_INLINE vec fma(vec a, vec b, vec c) {
    if constexpr (FLOAT64) return (vec)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
    return (vec)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
}
TREADLE_INLINE vec sqrt(vec a) {
    if constexpr (FLOAT64) return (vec)_mm256_sqrt_pd((__m256d)a);
    return (vec)_mm256_sqrt_ps((__m256)a);
}
TREADLE_INLINE vec maximum(vec a, vec b) {
    if constexpr (FLOAT64) return (vec)_mm256_max_pd((__m256d)a, (__m256d)b);
    return (vec)_mm256_max_ps((__m256)a, (__m256)b);
}
TREADLE_INLINE vec minimum(vec a, vec b) {
    if constexpr (FLOAT64) return (vec)_mm256_min_pd((__m256d)a, (__m256d)b);
    return (vec)_mm256_min_ps((__m256)a, (__m256)b);
}
TREADLE_INLINE vec from_bytes(const uint8_t* p) {
    if constexpr (FLOAT64) {
        int32_t four;
        std::memcpy(&four, p, sizeof four);
        return (vec)_mm256_cvtepi32_pd(_mm_cvtepu8_epi32(_mm_cvtsi32_si128(four)));
    } else {
        return (vec)_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i*)p)));
    }
}
#elif defined(__ARM_NEON)
TREADLE_INLINE vec fma(vec a, vec b, vec c) {
    if constexpr (FLOAT64) return (vec)vfmaq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b);
    return (vec)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
}
TREADLE_INLINE vec sqrt(vec a) {
    if constexpr (FLOAT64) return (vec)vsqrtq_f64((float64x2_t)a);
    return (vec)vsqrtq_f32((float32x4_t)a);
}
TREADLE_INLINE vec maximum(vec a, vec b) { return a > b ? a : b; }
TREADLE_INLINE vec minimum(vec a, vec b) { return a < b ? a : b; }
TREADLE_INLINE vec from_bytes(const uint8_t* p) {
    if constexpr (FLOAT64) {
        return vec{real(p[0]), real(p[1])};
    } else {
        uint32_t four;
        std::memcpy(&four, p, sizeof four);
        const uint16x8_t wide = vmovl_u8(vcreate_u8(four));
        return (vec)vcvtq_f32_u32(vmovl_u16(vget_low_u16(wide)));
    }
}
#elif defined(__SSE2__)
#if defined(TREADLE_FLOAT64)
TREADLE_INLINE vec fma(vec a, vec b, vec c) { return a * b + c; }
#else
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
#endif
TREADLE_INLINE vec sqrt(vec a) {
    if constexpr (FLOAT64) return (vec)_mm_sqrt_pd((__m128d)a);
    return (vec)_mm_sqrt_ps((__m128)a);
}
TREADLE_INLINE vec maximum(vec a, vec b) {
    if constexpr (FLOAT64) return (vec)_mm_max_pd((__m128d)a, (__m128d)b);
    return (vec)_mm_max_ps((__m128)a, (__m128)b);
}
TREADLE_INLINE vec minimum(vec a, vec b) {
    if constexpr (FLOAT64) return (vec)_mm_min_pd((__m128d)a, (__m128d)b);
    return (vec)_mm_min_ps((__m128)a, (__m128)b);
}
TREADLE_INLINE vec from_bytes(const uint8_t* p) {
    if constexpr (FLOAT64) {
        return vec{real(p[0]), real(p[1])};
    } else {
        int32_t four;
        std::memcpy(&four, p, sizeof four);
        const __m128i zeros = _mm_setzero_si128(), wide = _mm_unpacklo_epi8(_mm_cvtsi32_si128(four), zeros);
        return (vec)_mm_cvtepi32_ps(_mm_unpacklo_epi16(wide, zeros));
    }
}
#else
#if defined(TREADLE_FLOAT64)
TREADLE_INLINE vec fma(vec a, vec b, vec c) { return a * b + c; }
#else
TREADLE_INLINE vec fma(vec a, vec b, vec c) {
    for (int i = 0; i < LANES; ++i) a[i] = fused(a[i], b[i], c[i]);
    return a;
}
#endif
TREADLE_INLINE vec sqrt(vec a) {
    for (int i = 0; i < LANES; ++i) a[i] = std::sqrt(a[i]);
    return a;
}
TREADLE_INLINE vec maximum(vec a, vec b) { return a > b ? a : b; }
TREADLE_INLINE vec minimum(vec a, vec b) { return a < b ? a : b; }
TREADLE_INLINE vec from_bytes(const uint8_t* p) {
    vec v;
    for (int i = 0; i < LANES; ++i) v[i] = real(p[i]);
    return v;
}
#endif

// Calls work(V, j) for all columns, of which there are whole panels: for V vectors of them from j on, V a constant. A sum
// down the rows of a batch waits for one addition after the other, and several sums do not wait for each other.
template <typename Work>
TREADLE_INLINE void by_chains(int64_t columns, const Work& work) {
    constexpr int CHAINS = 4;
    static_assert(CHAINS % PANEL_VECTORS == 0);
    int64_t j = 0;
    for (; j + CHAINS * LANES <= columns; j += CHAINS * LANES) work(std::integral_constant<int, CHAINS>(), j);
    for (; j < columns; j += PANEL) work(std::integral_constant<int, PANEL_VECTORS>(), j);
}

// Lane i is lane index(i) of a and b, one after the other; `index` is an expression in the parameter pack I.
#if defined(__clang__)
#define TREADLE_SHUFFLE(a, b, index) __builtin_shufflevector(a, b, int(index)...)
#else
#define TREADLE_SHUFFLE(a, b, index) __builtin_shuffle(a, b, ivec{integer(index)...})
#endif

constexpr std::make_index_sequence<LANES> EVERY_LANE;

// a[FIRST], b[FIRST], a[FIRST + 1], b[FIRST + 1] ...
template <int FIRST, size_t... I>
TREADLE_INLINE vec interleaved(vec a, vec b, std::index_sequence<I...>) {
    return TREADLE_SHUFFLE(a, b, FIRST + I / 2 + I % 2 * LANES);
}

// to (LANES, LANES) = from (LANES, LANES) transposed. Row i and row i + LANES / 2 are interleaved into rows 2 i and
// 2 i + 1; the log2 LANES-th time, row j has become column j.
TREADLE_INLINE void transpose_lanes(const real* from, int64_t from_stride, real* to, int64_t to_stride) {
    vec rows[LANES], next[LANES];
    TREADLE_UNROLL for (int i = 0; i < LANES; ++i) rows[i] = load(from + i * from_stride);
    TREADLE_UNROLL for (int times = 1; times < LANES; times *= 2) {
        TREADLE_UNROLL for (int i = 0; i < LANES / 2; ++i) {
            next[2 * i] = interleaved<0>(rows[i], rows[i + LANES / 2], EVERY_LANE);
            next[2 * i + 1] = interleaved<LANES / 2>(rows[i], rows[i + LANES / 2], EVERY_LANE);
        }
        TREADLE_UNROLL for (int i = 0; i < LANES; ++i) rows[i] = next[i];
    }
    TREADLE_UNROLL for (int i = 0; i < LANES; ++i) store(to + i * to_stride, rows[i]);
}

// The lanes' sum, from the first on.
TREADLE_INLINE double sum_of(vec v) {
    double total = 0;
    for (int lane = 0; lane < LANES; ++lane) total += double(v[lane]);
    return total;
}

TREADLE_INLINE real largest_of(vec v) {
    real lanes[LANES];
    store(lanes, v);
    TREADLE_UNROLL
    for (int width = LANES / 2; width > 0; width /= 2) {
        TREADLE_UNROLL
        for (int lane = 0; lane < width; ++lane)
            lanes[lane] = lanes[lane + width] > lanes[lane] ? lanes[lane + width] : lanes[lane];
    }
    return lanes[0];
}

}  // namespace
}  // namespace treadle
