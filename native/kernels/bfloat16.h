// Matrices rounded to bfloat16, laid out as the processors' instructions for products take them.
//
// bfloat16 is the upper half of a float32: 8 bits of significand. A number is rounded to the nearest, ties to even,
// with an error of at most 2^-8 of it; NaN stays NaN. A product of two is exact in float32.
//
// Memory layout, for a product A (rows, inner) W (inner, columns).
//
//     pair     A 32-bit word: an even inner index in the low half, the odd one after it in the high half.
//     slice    32 consecutive inner indices, which are 16 pairs; zero from `inner` on.
//     left     A as (slices, rows, 16) pairs. What is behind its last row is never used.
//     right    W as panels of (slices, 16, PANEL) pairs, zero where there is no column.
#pragma once

#include <utility>

#include "kernels/vector.h"

namespace treadle {
namespace {

constexpr int SLICE = 32, PAIRS = SLICE / 2;

typedef uint32_t words __attribute__((vector_size(LANES * sizeof(uint32_t))));  // LANES pairs

TREADLE_INLINE words load_words(const uint32_t* p) {
    words w;
    std::memcpy(&w, p, sizeof w);
    return w;
}

TREADLE_INLINE void store_words(uint32_t* p, words w) { std::memcpy(p, &w, sizeof w); }

TREADLE_INLINE int64_t slices(int64_t inner) { return (inner + SLICE - 1) / SLICE; }

// Every second lane of a and b, from FIRST on.
template <int FIRST, size_t... I>
TREADLE_INLINE words every_second(words a, words b, std::index_sequence<I...>) {
    return (words)TREADLE_SHUFFLE((vec)a, (vec)b, FIRST + 2 * I);
}

#if defined(__AVX512BF16__)

// Lane l is the pair of low[l] and high[l].
TREADLE_INLINE words paired(vec low, vec high) {
    alignas(64) static constexpr uint16_t order[32] = {0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
                                                       8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
    const __m512i apart = (__m512i)_mm512_cvtne2ps_pbh((__m512)high, (__m512)low);
    return (words)_mm512_permutexvar_epi16(_mm512_load_si512(order), apart);
}

// The pairs of 2 LANES numbers side by side.
TREADLE_INLINE words neighbours(vec low, vec high) { return (words)_mm512_cvtne2ps_pbh((__m512)high, (__m512)low); }

#else

// The upper half of each lane is x rounded to bfloat16.
TREADLE_INLINE words rounded(vec x) {
    const words bits = (words)x;
    return x == x ? bits + (bits >> 16 & 1) + 0x7fff : bits | 0x400000;
}

TREADLE_INLINE words paired(vec low, vec high) { return rounded(low) >> 16 | (rounded(high) & 0xffff0000); }

TREADLE_INLINE words neighbours(vec low, vec high) {
    const words a = rounded(low), b = rounded(high);
    return every_second<0>(a, b, EVERY_LANE) >> 16 | (every_second<1>(a, b, EVERY_LANE) & 0xffff0000);
}

#endif

TREADLE_INLINE void transpose_words(const uint32_t* from, int64_t from_stride, uint32_t* to, int64_t to_stride) {
    transpose_lanes(reinterpret_cast<const real*>(from), from_stride, reinterpret_cast<real*>(to), to_stride);
}

// Columns begin <= j < end of A (rows, inner), begin and end being whole panels' ends, into a left operand that has
// room for `capacity` rows.
void pack_left(const float* A, ptrdiff_t A_stride, int64_t rows, int64_t begin, int64_t end, int64_t inner,
               uint32_t* left, int64_t capacity) {
    constexpr int STEP = 2 * LANES;
    for (int64_t j = begin; j < end; j += STEP) {
        uint32_t* to = left + j / SLICE * capacity * PAIRS + j % SLICE / 2;
        for (int64_t i = 0; i < rows; ++i, to += PAIRS) {
            float last[STEP] = {};
            const float* from = A + i * A_stride + j;
            if (inner - j < STEP) {
                if (inner > j) std::memcpy(last, from, size_t(inner - j) * sizeof(float));
                from = last;
            }
            store_words(to, neighbours(load(from), load(from + LANES)));
        }
    }
}

// The pairs of rows 2 p and 2 p + 1 of COLUMNS columns of D, or of zeros for rows that it has not.
template <int COLUMNS>
TREADLE_INLINE void pair_rows(const float* D, ptrdiff_t D_stride, int64_t rows, int64_t p, uint32_t* to) {
    const float *even = D + 2 * p * D_stride, *odd = even + D_stride;
    for (int j = 0; j < COLUMNS; j += LANES) {
        const vec low = 2 * p < rows ? load(even + j) : zero();
        const vec high = 2 * p + 1 < rows ? load(odd + j) : zero();
        store_words(to + j, paired(low, high));
    }
}

// A panel of D (rows, PANEL) as a right operand.
void pack_right(const float* D, ptrdiff_t D_stride, int64_t rows, uint32_t* right) {
    for (int64_t p = 0; p < slices(rows) * PAIRS; ++p) pair_rows<PANEL>(D, D_stride, rows, p, right + p * PANEL);
}

// 32 columns of A (rows, 32), transposed, as a left operand: (slices, 32, 16) pairs.
void pack_columns(const float* A, ptrdiff_t A_stride, int64_t rows, uint32_t* left) {
    for (int64_t s = 0; s < slices(rows); ++s, left += SLICE * PAIRS) {
        uint32_t pairs[PAIRS][SLICE];
        for (int p = 0; p < PAIRS; ++p) pair_rows<SLICE>(A, A_stride, rows, s * PAIRS + p, pairs[p]);
        for (int p = 0; p < PAIRS; p += LANES)
            for (int j = 0; j < SLICE; j += LANES) transpose_words(&pairs[p][j], SLICE, left + j * PAIRS + p, PAIRS);
    }
}

}  // namespace
}  // namespace treadle
