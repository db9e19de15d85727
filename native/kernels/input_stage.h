// The input stage on blocks of rows: combinations of cosines, and the factors of columns; equations (18) to (28) of
// treadle/engines/input_stage.py.
//
//     g_f = cos(2 pi x w_f + p_f),   e_c = sum_f g_f V_fc + q_c
//
// A vector holds a number's values in LANES rows. Sums over the rows run in SUM_LANES chains, of row i in chain
// i % SUM_LANES, which are added as lane_sums.h says: the same bits with every length of a register.
#pragma once

#include "kernels/elementary.h"
#include "kernels/kernels.h"
#include "kernels/lane_sums.h"
#include "kernels/vector.h"

namespace treadle {
namespace {

constexpr real TWO_PI = real(6.28318530717958647693);
constexpr int64_t MOST_COMBINATIONS = 8;

// A number's parameters in their block.
struct CosineParameters {
    const real *frequencies, *phases, *combinations, *biases;

    CosineParameters(const Cosines& shape, const real* block)
        : frequencies(block), phases(block + shape.frequencies), combinations(block + 2 * shape.frequencies),
          biases(combinations + shape.frequencies * shape.combinations) {}

    TREADLE_INLINE vec argument(int64_t f, vec x) const { return fma(x, all(TWO_PI * frequencies[f]), all(phases[f])); }
};

// Calls work(C) with the number of combinations as a constant.
template <int C = 1, typename Work>
TREADLE_INLINE void with_combinations(int64_t combinations, const Work& work) {
    if (combinations == C) return work(std::integral_constant<int, C>());
    if constexpr (C < MOST_COMBINATIONS) with_combinations<C + 1>(combinations, work);
}

template <int C>
void combine_cosines_of(const Cosines& shape, const real* parameters, int64_t columns, const real* X,
                        ptrdiff_t X_stride, int64_t rows, real* out, ptrdiff_t out_stride) {
    for (int64_t i = 0; i < rows; i += LANES) {
        const int64_t n = rows - i < LANES ? rows - i : LANES;
        for (int64_t j = 0; j < columns; ++j) {
            const CosineParameters of(shape, parameters + j * shape.block);
            real values[LANES] = {}, combined[LANES];
            for (int64_t r = 0; r < n; ++r) values[r] = X[(i + r) * X_stride + j];
            const vec x = load(values);
            vec sum[C] = {};
            for (int64_t f = 0; f < shape.frequencies; ++f) {
                const vec g = cos(of.argument(f, x));
                TREADLE_UNROLL for (int c = 0; c < C; ++c) sum[c] = fma(g, all(of.combinations[f * C + c]), sum[c]);
            }
            for (int c = 0; c < C; ++c) {
                store(combined, sum[c] + all(of.biases[c]));
                for (int64_t r = 0; r < n; ++r) out[(i + r) * out_stride + j * C + c] = combined[r];
            }
        }
    }
}

void combine_cosines(const Cosines& shape, const real* parameters, int64_t columns, const real* X, ptrdiff_t X_stride,
                     int64_t rows, real* out, ptrdiff_t out_stride) {
    with_combinations(shape.combinations, [&](auto C) {
        combine_cosines_of<decltype(C)::value>(shape, parameters, columns, X, X_stride, rows, out, out_stride);
    });
}

// A sum over the rows, a chain a lane.
TREADLE_INLINE real sum_over_rows(const vec (&sums)[SUM_VECTORS]) {
    double lanes[SUM_LANES];
    for (int v = 0; v < SUM_VECTORS; ++v)
        for (int lane = 0; lane < LANES; ++lane) lanes[v * LANES + lane] = double(sums[v][lane]);
    return real(sum_of_lanes(lanes));
}

template <int C>
void combine_cosines_backward_of(const Cosines& shape, const real* parameters, const real* x, ptrdiff_t X_stride,
                                 int64_t rows, const real* d, ptrdiff_t d_stride, real* gradient, real* scratch) {
    const CosineParameters of(shape, parameters);
    const int64_t padded = (rows + SUM_LANES - 1) / SUM_LANES * SUM_LANES;
    for (int64_t i = 0; i < padded; ++i) {
        scratch[i] = i < rows ? x[i * X_stride] : 0;
        for (int c = 0; c < C; ++c) scratch[(1 + c) * padded + i] = i < rows ? d[i * d_stride + c] : 0;
    }
    real* const of_combinations = gradient + 2 * shape.frequencies;
    for (int64_t f = 0; f < shape.frequencies; ++f) {
        vec of_frequency[SUM_VECTORS] = {}, of_phase[SUM_VECTORS] = {}, of_combination[C][SUM_VECTORS] = {};
        for (int64_t i = 0; i < padded; i += SUM_LANES) {
            TREADLE_UNROLL for (int v = 0; v < SUM_VECTORS; ++v) {
                const real* const row = scratch + i + v * LANES;
                const vec value = load(row), argument = of.argument(f, value), g = cos(argument);
                vec of_cosine = zero();
                TREADLE_UNROLL for (int c = 0; c < C; ++c) {
                    const vec e = load(row + (1 + c) * padded);
                    of_combination[c][v] = fma(g, e, of_combination[c][v]);
                    of_cosine = fma(e, all(of.combinations[f * C + c]), of_cosine);
                }
                const vec u = -(of_cosine * sin(argument));
                of_phase[v] += u;
                of_frequency[v] = fma(u, value, of_frequency[v]);
            }
        }
        gradient[f] = TWO_PI * sum_over_rows(of_frequency);
        gradient[shape.frequencies + f] = sum_over_rows(of_phase);
        for (int c = 0; c < C; ++c) of_combinations[f * C + c] = sum_over_rows(of_combination[c]);
    }
    real* const of_biases = of_combinations + shape.frequencies * C;
    for (int c = 0; c < C; ++c) {
        vec sums[SUM_VECTORS] = {};
        for (int64_t i = 0; i < padded; i += SUM_LANES)
            for (int v = 0; v < SUM_VECTORS; ++v) sums[v] += load(scratch + (1 + c) * padded + i + v * LANES);
        of_biases[c] = sum_over_rows(sums);
    }
    for (int64_t i = of_biases + C - gradient; i < shape.block; ++i) gradient[i] = 0;
}

void combine_cosines_backward(const Cosines& shape, const real* parameters, const real* x, ptrdiff_t X_stride,
                              int64_t rows, const real* d, ptrdiff_t d_stride, real* gradient, real* scratch) {
    with_combinations(shape.combinations, [&](auto C) {
        combine_cosines_backward_of<decltype(C)::value>(shape, parameters, x, X_stride, rows, d, d_stride, gradient,
                                                        scratch);
    });
}

void scale_columns(const real* a, const real* scales, real* out, int64_t rows, int64_t columns, ptrdiff_t stride) {
    for (int64_t i = 0; i < rows; ++i, a += stride, out += stride)
        for (int64_t j = 0; j < columns; j += LANES) store(out + j, load(a + j) * load(scales + j));
}

void scale_columns_backward(real* d, real* a, const real* scales, int64_t rows, int64_t columns, ptrdiff_t stride) {
    for (int64_t i = 0; i < rows; ++i, a += stride, d += stride) {
        for (int64_t j = 0; j < columns; j += LANES) {
            const vec by_output = load(d + j);
            store(a + j, load(a + j) * by_output);
            store(d + j, by_output * load(scales + j));
        }
    }
}

}  // namespace
}  // namespace treadle
