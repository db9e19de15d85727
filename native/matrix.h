// The three products of a step: a W and d W^T (`multiply`), and a^T d with the update in it (`update_weights`).
//
// multiply        C (rows, panels) = A (rows, inner) W (inner, panels) + bias
// update_weights  g (n_in, panel) = A^T D + l2 W, and the optimizer's rule on W with g
//
// Both keep a tile of TILE_ROWS x PANEL sums in registers and run down the inner index with one broadcast of A for
// each row and PANEL_VECTORS loads for each column. Every sum is one chain of fma from zero, in ascending order.
#pragma once

#include "kernels.h"
#include "optimizers.h"
#include "vector.h"

namespace treadle {
namespace {

// Rows of A that are multiplied by one panel after the other: they stay in the second cache meanwhile.
constexpr int64_t BLOCK_FLOATS = 49152;

template <int ROWS>
void multiply_tile(const float* A, ptrdiff_t A_stride, int64_t inner, const float* W, const float* bias, float* C,
                   ptrdiff_t C_stride) {
    vec sum[ROWS][PANEL_VECTORS] = {};
#pragma GCC unroll 4
    for (int64_t k = 0; k < inner; ++k) {
        vec w[PANEL_VECTORS];
        for (int v = 0; v < PANEL_VECTORS; ++v) w[v] = load(W + k * PANEL + v * LANES);
#pragma GCC unroll 12
        for (int r = 0; r < ROWS; ++r) {
            const vec a = all(A[r * A_stride + k]);
            for (int v = 0; v < PANEL_VECTORS; ++v) sum[r][v] = fma(a, w[v], sum[r][v]);
        }
    }
    for (int v = 0; v < PANEL_VECTORS; ++v) {
        const vec b = bias ? load(bias + v * LANES) : zero();
        for (int r = 0; r < ROWS; ++r) store(C + r * C_stride + v * LANES, sum[r][v] + b);
    }
}

// Rows are cut into tiles of nearly equal heights: 32 rows are 6 + 5 + 5 + 5 + 6 + 5, not 6 * 5 + 2.
template <int ROWS = TILE_ROWS>
TREADLE_INLINE void multiply_tile_of(int64_t rows, const float* A, ptrdiff_t A_stride, int64_t inner, const float* W,
                                     const float* bias, float* C, ptrdiff_t C_stride) {
    if (rows == ROWS) return multiply_tile<ROWS>(A, A_stride, inner, W, bias, C, C_stride);
    if constexpr (ROWS > 1) multiply_tile_of<ROWS - 1>(rows, A, A_stride, inner, W, bias, C, C_stride);
}

void multiply(const float* A, ptrdiff_t A_stride, int64_t rows, int64_t inner, const float* W, const float* bias,
              int64_t panel_begin, int64_t panel_end, float* C, ptrdiff_t C_stride) {
    const int64_t fitting = BLOCK_FLOATS / (inner > 0 ? inner : 1);
    const int64_t block = fitting < 2 * TILE_ROWS ? 2 * TILE_ROWS : fitting;
    const int64_t blocks = (rows + block - 1) / block;
    for (int64_t b = 0; b < blocks; ++b) {
        const int64_t begin = rows * b / blocks, end = rows * (b + 1) / blocks;
        const int64_t tiles = (end - begin + TILE_ROWS - 1) / TILE_ROWS;
        for (int64_t p = panel_begin; p < panel_end; ++p) {
            for (int64_t t = 0; t < tiles; ++t) {
                const int64_t row = begin + (end - begin) * t / tiles;
                const int64_t next = begin + (end - begin) * (t + 1) / tiles;
                multiply_tile_of(next - row, A + row * A_stride, A_stride, inner, W + p * inner * PANEL,
                                 bias ? bias + p * PANEL : nullptr, C + row * C_stride + p * PANEL, C_stride);
            }
        }
    }
}

template <int ROWS, typename Rule>
void update_tile(const Rule& rule, const Step& step, const float* A, ptrdiff_t A_stride, const float* D,
                 ptrdiff_t D_stride, int64_t rows, Trained w, double* square) {
    vec sum[ROWS][PANEL_VECTORS] = {};
#pragma GCC unroll 4
    for (int64_t i = 0; i < rows; ++i) {
        vec d[PANEL_VECTORS];
        for (int v = 0; v < PANEL_VECTORS; ++v) d[v] = load(D + i * D_stride + v * LANES);
#pragma GCC unroll 12
        for (int r = 0; r < ROWS; ++r) {
            const vec a = all(A[i * A_stride + r]);
            for (int v = 0; v < PANEL_VECTORS; ++v) sum[r][v] = fma(a, d[v], sum[r][v]);
        }
    }
    if (step.l2 != 0) {
        const vec l2 = all(step.l2);
        vec squares = zero();
        for (int r = 0; r < ROWS; ++r) {
            for (int v = 0; v < PANEL_VECTORS; ++v) {
                const vec value = load(w.value + r * PANEL + v * LANES);
                sum[r][v] = fma(value, l2, sum[r][v]);
                squares = fma(value, value, squares);
            }
        }
        double total = 0;
        for (int lane = 0; lane < LANES; ++lane) total += squares[lane];
        *square = total;
    }
    for (int r = 0; r < ROWS; ++r) {
        for (int v = 0; v < PANEL_VECTORS; ++v) {
            const int64_t at = r * PANEL + v * LANES;
            const Trained here = w.from(at);
            rule(here.value, here.first, here.second, sum[r][v]);
        }
    }
}

template <int ROWS, typename Rule>
TREADLE_INLINE void update_tile_of(int64_t tile_rows, const Rule& rule, const Step& step, const float* A,
                                   ptrdiff_t A_stride, const float* D, ptrdiff_t D_stride, int64_t rows, Trained w,
                                   double* square) {
    if (tile_rows == ROWS) return update_tile<ROWS>(rule, step, A, A_stride, D, D_stride, rows, w, square);
    if constexpr (ROWS > 1)
        update_tile_of<ROWS - 1>(tile_rows, rule, step, A, A_stride, D, D_stride, rows, w, square);
}

void update_weights(const Step& step, const float* A, ptrdiff_t A_stride, const float* D, ptrdiff_t D_stride,
                    int64_t rows, int64_t n_in, int64_t tile_begin, int64_t tile_end, Trained weights,
                    double* squares) {
    const int64_t tiles = (n_in + TILE_ROWS - 1) / TILE_ROWS;
    with_rule(step, [&](const auto& rule) {
        for (int64_t t = tile_begin; t < tile_end; ++t) {
            const int64_t panel = t / tiles, k = t % tiles * TILE_ROWS;
            const int64_t at = (panel * n_in + k) * PANEL;
            const int64_t left = n_in - k;
            update_tile_of<TILE_ROWS>(left < TILE_ROWS ? left : TILE_ROWS, rule, step, A + k, A_stride,
                                      D + panel * PANEL, D_stride, rows,
                                      weights.from(at), squares ? squares + t : nullptr);
        }
    });
}

void update_biases(const Step& step, const float* D, ptrdiff_t D_stride, int64_t rows, Trained biases) {
    with_rule(step, [&](const auto& rule) {
        for (int v = 0; v < PANEL_VECTORS; ++v) {
            const int at = v * LANES;
            vec sum = zero();
            for (int64_t i = 0; i < rows; ++i) sum += load(D + i * D_stride + at);
            const Trained here = biases.from(at);
            rule(here.value, here.first, here.second, sum);
        }
    });
}

void update_columns(const Step& step, const float* gradient, Trained values) {
    with_rule(step, [&](const auto& rule) {
        for (int v = 0; v < PANEL_VECTORS; ++v) {
            const int at = v * LANES;
            const Trained here = values.from(at);
            rule(here.value, here.first, here.second, load(gradient + at));
        }
    });
}

void transpose(const float* W, int64_t n_in, int64_t n_out, int64_t panel, int64_t row_begin, int64_t row_end,
               float* W_transposed) {
    const int64_t column = panel * PANEL;
    const int64_t columns = n_out - column < PANEL ? n_out - column : PANEL;
    for (int64_t k = row_begin; k < row_end; ++k) {
        const float* from = W + (panel * n_in + k) * PANEL;
        float* to = W_transposed + (k / PANEL * n_out + column) * PANEL + k % PANEL;
        for (int64_t j = 0; j < columns; ++j) to[j * PANEL] = from[j];
    }
}

// The nonzero entries of a are found in blocks of this many, then each block of columns runs over them.
constexpr int ENTRIES = 1024;

template <int VECTORS>
TREADLE_INLINE void add_rows(const float* a, const int32_t* entries, int n, const float* W, int64_t n_out, float* z) {
    vec sum[VECTORS];
    for (int v = 0; v < VECTORS; ++v) sum[v] = load(z + v * LANES);
    for (int e = 0; e < n; ++e) {
        const float* w = W + entries[e] * n_out;
        const vec x = all(a[entries[e]]);
        for (int v = 0; v < VECTORS; ++v) sum[v] = fma(x, load(w + v * LANES), sum[v]);
    }
    for (int v = 0; v < VECTORS; ++v) store(z + v * LANES, sum[v]);
}

void multiply_row(const float* a, const float* W, const float* b, int64_t n_in, int64_t n_out, float* z) {
    for (int64_t j = 0; j < n_out; ++j) z[j] = 0;
    for (int64_t k = 0; k < n_in; k += ENTRIES) {
        int32_t entries[ENTRIES];
        const int64_t left = n_in - k < ENTRIES ? n_in - k : ENTRIES;
        int n = 0;
        for (int32_t e = 0; e < left; ++e) {
            entries[n] = e;
            n += a[k + e] != 0;  // NaN is
        }
        const float* rows = W + k * n_out;
        int64_t j = 0;
        for (; j + 8 * LANES <= n_out; j += 8 * LANES) add_rows<8>(a + k, entries, n, rows + j, n_out, z + j);
        for (; j + LANES <= n_out; j += LANES) add_rows<1>(a + k, entries, n, rows + j, n_out, z + j);
        for (; j < n_out; ++j) {
            float sum = z[j];
            for (int e = 0; e < n; ++e) sum = fma(all(a[k + entries[e]]), all(rows[entries[e] * n_out + j]), all(sum))[0];
            z[j] = sum;
        }
    }
    for (int64_t j = 0; j < n_out; ++j) z[j] += b[j];
}

}  // namespace
}  // namespace treadle
