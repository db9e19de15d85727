// AVX-512 in two halves of AVX2: what kernels_avx512.cpp uses of <immintrin.h>, for processors without it.
//
// Compiled with -mavx2 -mfma -D__AVX512F__ and this folder first among those of headers, the kernels have the lanes,
// panels and tiles that they have with AVX-512, and the same bits. All but the operations below is the compiler's own
// vector arithmetic, which it cuts in halves itself. It is a check of that code's logic, and not meant to be fast.
#pragma once

#undef __AVX512F__  // for the compiler's header, the processor is what it is
#include_next <immintrin.h>
#define __AVX512F__ 1

#include <bit>

namespace treadle {
namespace {

struct Floats {
    __m256 low, high;
};
struct Integers {
    __m256i low, high;
};

template <typename Operation, typename... Vectors>
inline __m512 in_halves(Operation operation, Vectors... vectors) {
    return std::bit_cast<__m512>(
        Floats{operation(std::bit_cast<Floats>(vectors).low...), operation(std::bit_cast<Floats>(vectors).high...)});
}

inline __m512 fmadd(__m512 a, __m512 b, __m512 c) {
    return in_halves([](__m256 x, __m256 y, __m256 z) { return _mm256_fmadd_ps(x, y, z); }, a, b, c);
}

struct Doubles {
    __m256d low, high;
};

inline __m512d fmadd_of_doubles(__m512d a, __m512d b, __m512d c) {
    const auto x = std::bit_cast<Doubles>(a), y = std::bit_cast<Doubles>(b), z = std::bit_cast<Doubles>(c);
    return std::bit_cast<__m512d>(
        Doubles{_mm256_fmadd_pd(x.low, y.low, z.low), _mm256_fmadd_pd(x.high, y.high, z.high)});
}

inline __m512 square_root(__m512 a) {
    return in_halves([](__m256 x) { return _mm256_sqrt_ps(x); }, a);
}

inline __m512 largest(__m512 a, __m512 b) {
    return in_halves([](__m256 x, __m256 y) { return _mm256_max_ps(x, y); }, a, b);
}

inline __m512 least(__m512 a, __m512 b) {
    return in_halves([](__m256 x, __m256 y) { return _mm256_min_ps(x, y); }, a, b);
}

inline __m512 floats_of(__m512i a) {
    return in_halves([](__m256 x) { return _mm256_cvtepi32_ps(_mm256_castps_si256(x)); }, std::bit_cast<__m512>(a));
}

inline __m512i integers_of(__m128i bytes) {
    return std::bit_cast<__m512i>(
        Integers{_mm256_cvtepu8_epi32(bytes), _mm256_cvtepu8_epi32(_mm_srli_si128(bytes, 8))});
}

}  // namespace
}  // namespace treadle

#define _mm512_fmadd_ps fmadd
#define _mm512_fmadd_pd fmadd_of_doubles
#define _mm512_sqrt_ps square_root
#define _mm512_max_ps largest
#define _mm512_min_ps least
#define _mm512_cvtepi32_ps floats_of
#define _mm512_cvtepu8_epi32 integers_of
