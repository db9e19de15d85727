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
struct Doubles {
    __m256d low, high;
};
struct Integers {
    __m256i low, high;
};

template <typename Halves, typename Operation, typename Whole, typename... Others>
inline Whole in_halves(Operation operation, Whole one, Others... others) {
    const auto low = [](auto whole) { return std::bit_cast<Halves>(whole).low; };
    const auto high = [](auto whole) { return std::bit_cast<Halves>(whole).high; };
    return std::bit_cast<Whole>(Halves{operation(low(one), low(others)...), operation(high(one), high(others)...)});
}

inline __m512 fmadd(__m512 a, __m512 b, __m512 c) {
    return in_halves<Floats>([](__m256 x, __m256 y, __m256 z) { return _mm256_fmadd_ps(x, y, z); }, a, b, c);
}
inline __m512d fmadd(__m512d a, __m512d b, __m512d c) {
    return in_halves<Doubles>([](__m256d x, __m256d y, __m256d z) { return _mm256_fmadd_pd(x, y, z); }, a, b, c);
}

inline __m512 square_root(__m512 a) {
    return in_halves<Floats>([](__m256 x) { return _mm256_sqrt_ps(x); }, a);
}
inline __m512d square_root(__m512d a) {
    return in_halves<Doubles>([](__m256d x) { return _mm256_sqrt_pd(x); }, a);
}

inline __m512 largest(__m512 a, __m512 b) {
    return in_halves<Floats>([](__m256 x, __m256 y) { return _mm256_max_ps(x, y); }, a, b);
}
inline __m512d largest(__m512d a, __m512d b) {
    return in_halves<Doubles>([](__m256d x, __m256d y) { return _mm256_max_pd(x, y); }, a, b);
}

inline __m512 least(__m512 a, __m512 b) {
    return in_halves<Floats>([](__m256 x, __m256 y) { return _mm256_min_ps(x, y); }, a, b);
}
inline __m512d least(__m512d a, __m512d b) {
    return in_halves<Doubles>([](__m256d x, __m256d y) { return _mm256_min_pd(x, y); }, a, b);
}

inline __m512 floats_of(__m512i a) {
    const auto integers = std::bit_cast<Integers>(a);
    return std::bit_cast<__m512>(Floats{_mm256_cvtepi32_ps(integers.low), _mm256_cvtepi32_ps(integers.high)});
}

inline __m512d doubles_of(__m256i a) {
    return std::bit_cast<__m512d>(
        Doubles{_mm256_cvtepi32_pd(_mm256_castsi256_si128(a)), _mm256_cvtepi32_pd(_mm256_extracti128_si256(a, 1))});
}

inline __m512i integers_of(__m128i bytes) {
    return std::bit_cast<__m512i>(
        Integers{_mm256_cvtepu8_epi32(bytes), _mm256_cvtepu8_epi32(_mm_srli_si128(bytes, 8))});
}

}  // namespace
}  // namespace treadle

#define _mm512_fmadd_ps fmadd
#define _mm512_fmadd_pd fmadd
#define _mm512_sqrt_ps square_root
#define _mm512_sqrt_pd square_root
#define _mm512_max_ps largest
#define _mm512_max_pd largest
#define _mm512_min_ps least
#define _mm512_min_pd least
#define _mm512_cvtepi32_ps floats_of
#define _mm512_cvtepi32_pd doubles_of
#define _mm512_cvtepu8_epi32 integers_of
