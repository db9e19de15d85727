// The three products of a step: a W and d W^T (`multiply`), and a^T d with the update in it (`update_weights`).
//
// multiply        C (rows, panels) = A (rows, inner) W (inner, panels) + bias
// update_weights  g (n_in, panel) = A^T D + l2 W, and the optimizer's rule on W with g
//
// Both keep a tile of TILE_ROWS x PANEL sums in registers and run down the inner index with one broadcast of A for
// each row and PANEL_VECTORS loads for each column. Every sum is one chain of fma from zero, in ascending order.
#pragma once

#include "kernels/kernels.h"
#include "kernels/lane_sums.h"
#include "kernels/optimizers.h"
#include "kernels/vector.h"

namespace treadle {
namespace {

// A panel of W is multiplied in pieces of this many rows, which stay in the first cache while all tiles pass over them.
constexpr int64_t INNER = 256;
// Rows of A that are multiplied by one panel after the other: they stay in the second cache meanwhile.
constexpr int64_t BLOCK_NUMBERS = 196608 / sizeof(real);

// C = A W for a tile of C, or C + A W where the sums go on; `bias` where they end.
template <int ROWS>
void multiply_tile(const real* A, ptrdiff_t A_stride, int64_t inner, const real* W, bool go_on, const real* bias,
                   real* C, ptrdiff_t C_stride) {
    vec sum[ROWS][PANEL_VECTORS];
    TREADLE_UNROLL for (int r = 0; r < ROWS; ++r) {
        TREADLE_UNROLL for (int v = 0; v < PANEL_VECTORS; ++v) sum[r][v] =
            go_on ? load(C + r * C_stride + v * LANES) : zero();
    }
#pragma GCC unroll 4
    for (int64_t k = 0; k < inner; ++k) {
        vec w[PANEL_VECTORS];
        TREADLE_UNROLL for (int v = 0; v < PANEL_VECTORS; ++v) w[v] = load(W + k * PANEL + v * LANES);
        TREADLE_UNROLL for (int r = 0; r < ROWS; ++r) {
            const vec a = all(A[r * A_stride + k]);
            TREADLE_UNROLL for (int v = 0; v < PANEL_VECTORS; ++v) sum[r][v] = fma(a, w[v], sum[r][v]);
        }
    }
    TREADLE_UNROLL for (int v = 0; v < PANEL_VECTORS; ++v) {
        const vec b = bias ? load(bias + v * LANES) : zero();
        TREADLE_UNROLL for (int r = 0; r < ROWS; ++r) store(C + r * C_stride + v * LANES, sum[r][v] + b);
    }
}

template <int ROWS = TILE_ROWS>
TREADLE_INLINE void multiply_tile_of(int64_t rows, const real* A, ptrdiff_t A_stride, int64_t inner, const real* W,
                                     bool go_on, const real* bias, real* C, ptrdiff_t C_stride) {
    if (rows == ROWS) return multiply_tile<ROWS>(A, A_stride, inner, W, go_on, bias, C, C_stride);
    if constexpr (ROWS > 1) multiply_tile_of<ROWS - 1>(rows, A, A_stride, inner, W, go_on, bias, C, C_stride);
}

// Rows are cut into tiles of nearly equal heights: 32 rows are 5 + 5 + 6 + 5 + 5 + 6, not 6 * 5 + 2.
void multiply(const real* A, ptrdiff_t A_stride, int64_t rows, int64_t inner, const real* W, const real* bias,
              int64_t panel_begin, int64_t panel_end, real* C, ptrdiff_t C_stride) {
    const int64_t fitting = BLOCK_NUMBERS / inner;
    const int64_t block = fitting < 2 * TILE_ROWS ? 2 * TILE_ROWS : fitting;
    const int64_t blocks = (rows + block - 1) / block, pieces = (inner + INNER - 1) / INNER;
    for (int64_t b = 0; b < blocks; ++b) {
        const int64_t begin = rows * b / blocks, end = rows * (b + 1) / blocks;
        const int64_t tiles = (end - begin + TILE_ROWS - 1) / TILE_ROWS;
        for (int64_t p = panel_begin; p < panel_end; ++p) {
            for (int64_t piece = 0; piece < pieces; ++piece) {
                const int64_t k = inner * piece / pieces, k_end = inner * (piece + 1) / pieces;
                for (int64_t t = 0; t < tiles; ++t) {
                    const int64_t row = begin + (end - begin) * t / tiles;
                    const int64_t next = begin + (end - begin) * (t + 1) / tiles;
                    multiply_tile_of(
                        next - row, A + row * A_stride + k, A_stride, k_end - k, W + (p * inner + k) * PANEL, piece > 0,
                        bias && k_end == inner ? bias + p * PANEL : nullptr, C + row * C_stride + p * PANEL, C_stride);
                }
            }
        }
    }
}

// The update reads columns of A and D whose rows lie far apart. They are copied side by side first: a tile's columns of
// A once for a group of panels of D.
constexpr int PACKED_ROWS = (TILE_ROWS + LANES - 1) / LANES * LANES;
constexpr int64_t GROUP = 4;

template <int COLUMNS>
TREADLE_INLINE void pack(const real* from, ptrdiff_t stride, int64_t rows, real* to) {
    for (int64_t i = 0; i < rows; ++i, from += stride, to += COLUMNS)
        for (int j = 0; j < COLUMNS; j += LANES) store(to + j, load(from + j));
}

// The sum of the squares of each SQUARE_ROWS rows of a tile of weights and each SUM_LANES of its columns.
template <int ROWS>
TREADLE_INLINE void add_squares(const real* W, double* square, int64_t square_stride) {
    for (int r = 0; r < ROWS; r += SQUARE_ROWS, ++square) {
        const int end = r + SQUARE_ROWS < ROWS ? r + SQUARE_ROWS : ROWS;
        for (int j = 0; j < PANEL; j += SUM_LANES) {
            double lanes[SUM_LANES];
            for (int lane = 0; lane < SUM_LANES; lane += LANES) {
                vec sum = zero();
                for (int k = r; k < end; ++k) {
                    const vec w = load(W + k * PANEL + j + lane);
                    sum = fma(w, w, sum);
                }
                for (int l = 0; l < LANES; ++l) lanes[lane + l] = double(sum[l]);
            }
            square[j / SUM_LANES * square_stride] = sum_of_lanes(lanes);
        }
    }
}

template <int ROWS, typename Rule>
void update_tile(const Rule& rule, const Step<real>& step, const real* A, const real* D, int64_t rows, Trained<real> w,
                 double* square, int64_t square_stride) {
    vec sum[ROWS][PANEL_VECTORS];
    TREADLE_UNROLL for (int r = 0; r < ROWS; ++r) {
        TREADLE_UNROLL for (int v = 0; v < PANEL_VECTORS; ++v) sum[r][v] = zero();
    }
#pragma GCC unroll 4
    for (int64_t i = 0; i < rows; ++i) {
        vec d[PANEL_VECTORS];
        TREADLE_UNROLL for (int v = 0; v < PANEL_VECTORS; ++v) d[v] = load(D + i * PANEL + v * LANES);
        TREADLE_UNROLL for (int r = 0; r < ROWS; ++r) {
            const vec a = all(A[i * PACKED_ROWS + r]);
            TREADLE_UNROLL for (int v = 0; v < PANEL_VECTORS; ++v) sum[r][v] = fma(a, d[v], sum[r][v]);
        }
    }
    if (step.l2 != 0) {
        const vec l2 = all(step.l2);
        TREADLE_UNROLL for (int r = 0; r < ROWS; ++r) {
            TREADLE_UNROLL for (int v = 0; v < PANEL_VECTORS; ++v) sum[r][v] =
                fma(load(w.value + r * PANEL + v * LANES), l2, sum[r][v]);
        }
        if (square) add_squares<ROWS>(w.value, square, square_stride);
    }
    TREADLE_UNROLL for (int r = 0; r < ROWS; ++r) {
        for (int v = 0; v < PANEL_VECTORS; ++v) {
            const int64_t at = r * PANEL + v * LANES;
            const Trained<real> here = w.from(at);
            rule(here.value, here.first, here.second, sum[r][v]);
        }
    }
}

template <int ROWS, typename Rule>
TREADLE_INLINE void update_tile_of(int64_t tile_rows, const Rule& rule, const Step<real>& step, const real* A,
                                   const real* D, int64_t rows, Trained<real> w, double* square,
                                   int64_t square_stride) {
    if (tile_rows == ROWS) return update_tile<ROWS>(rule, step, A, D, rows, w, square, square_stride);
    if constexpr (ROWS > 1) update_tile_of<ROWS - 1>(tile_rows, rule, step, A, D, rows, w, square, square_stride);
}

// The next tile's values and moments start on their way from the outer caches while this tile's sums are formed. Only
// within a thread's own tiles: another thread's would be dirty in its cache.
TREADLE_INLINE void prefetch_tile(Trained<real> w) {
    for (int at = 0; at < TILE_ROWS * PANEL; at += CACHE_LINE) {
        __builtin_prefetch(w.value + at, 1);
        if (w.first) __builtin_prefetch(w.first + at, 1);
        if (w.second) __builtin_prefetch(w.second + at, 1);
    }
}

void update_weights(const Step<real>& step, const real* A, ptrdiff_t A_stride, const real* D, ptrdiff_t D_stride,
                    int64_t rows, int64_t n_in, int64_t panel_begin, int64_t panel_end, int64_t tile_begin,
                    int64_t tile_end, Trained<real> weights, double* squares, real* scratch) {
    const int64_t square_stride = (n_in + SQUARE_ROWS - 1) / SQUARE_ROWS;
    real *const packed_A = scratch, *const packed_D = scratch + rows * PACKED_ROWS;
    with_rule(step, [&](const auto& rule) {
        for (int64_t first = panel_begin; first < panel_end; first += GROUP) {
            const int64_t end = first + GROUP < panel_end ? first + GROUP : panel_end;
            for (int64_t p = first; p < end; ++p)
                pack<PANEL>(D + p * PANEL, D_stride, rows, packed_D + (p - first) * rows * PANEL);
            for (int64_t t = tile_begin; t < tile_end; ++t) {
                const int64_t k = t * TILE_ROWS, left = n_in - k;
                pack<PACKED_ROWS>(A + k, A_stride, rows, packed_A);
                for (int64_t p = first; p < end; ++p) {
                    const int64_t at = (p * n_in + k) * PANEL;
                    if (t + 1 < tile_end) prefetch_tile(weights.from(at + TILE_ROWS * PANEL));
                    update_tile_of<TILE_ROWS>(
                        left < TILE_ROWS ? left : TILE_ROWS, rule, step, packed_A,
                        packed_D + (p - first) * rows * PANEL, rows, weights.from(at),
                        squares ? squares + p * (PANEL / SUM_LANES) * square_stride + k / SQUARE_ROWS : nullptr,
                        square_stride);
                }
            }
        }
    });
}

void update_biases(const Step<real>& step, const real* D, ptrdiff_t D_stride, int64_t rows, int64_t columns,
                   Trained<real> biases) {
    with_rule(step, [&](const auto& rule) {
        by_chains(columns, [&](auto chains, int64_t begin) {
            constexpr int V = chains;
            vec sum[V] = {};
            for (int64_t i = 0; i < rows; ++i)
                TREADLE_UNROLL for (int v = 0; v < V; ++v) sum[v] += load(D + i * D_stride + begin + v * LANES);
            for (int v = 0; v < V; ++v) {
                const Trained<real> here = biases.from(begin + v * LANES);
                rule(here.value, here.first, here.second, sum[v]);
            }
        });
    });
}

void update_columns(const Step<real>& step, const real* gradient, int64_t columns, Trained<real> values) {
    with_rule(step, [&](const auto& rule) {
        for (int64_t j = 0; j < columns; j += LANES) {
            const Trained<real> here = values.from(j);
            rule(here.value, here.first, here.second, load(gradient + j));
        }
    });
}

// Rows row_begin <= k < row_end of a panel of W into W^T: in blocks of LANES x LANES, and what is around them singly.
void transpose(const real* W, int64_t n_in, int64_t n_out, int64_t panel, int64_t row_begin, int64_t row_end,
               real* W_transposed) {
    const int64_t column = panel * PANEL;
    const int64_t columns = n_out - column < PANEL ? n_out - column : PANEL, whole = columns / LANES * LANES;
    for (int64_t k = row_begin; k < row_end;) {
        const real* from = W + (panel * n_in + k) * PANEL;
        real* to = W_transposed + (k / PANEL * n_out + column) * PANEL + k % PANEL;
        const bool in_blocks = k % LANES == 0 && k + LANES <= row_end;
        if (in_blocks)
            for (int64_t j = 0; j < whole; j += LANES) transpose_lanes(from + j, PANEL, to + j * PANEL, PANEL);
        for (int64_t end = k + (in_blocks ? LANES : 1); k < end; ++k, from += PANEL, ++to)
            for (int64_t j = in_blocks ? whole : 0; j < columns; ++j) to[j * PANEL] = from[j];
    }
}

// The nonzero entries of a are found in blocks of this many, then each block of columns runs over them.
constexpr int ENTRIES = 1024;

template <int VECTORS>
TREADLE_INLINE void add_rows(const real* a, const int32_t* entries, int n, const real* W, int64_t n_out, real* z) {
    vec sum[VECTORS];
    for (int v = 0; v < VECTORS; ++v) sum[v] = load(z + v * LANES);
    for (int e = 0; e < n; ++e) {
        const real* w = W + entries[e] * n_out;
        const vec x = all(a[entries[e]]);
        for (int v = 0; v < VECTORS; ++v) sum[v] = fma(x, load(w + v * LANES), sum[v]);
    }
    for (int v = 0; v < VECTORS; ++v) store(z + v * LANES, sum[v]);
}

void multiply_row(const real* a, const real* W, const real* b, int64_t n_in, int64_t n_out, real* z) {
    for (int64_t j = 0; j < n_out; ++j) z[j] = 0;
    for (int64_t k = 0; k < n_in; k += ENTRIES) {
        int32_t entries[ENTRIES];
        const int64_t left = n_in - k < ENTRIES ? n_in - k : ENTRIES;
        int n = 0;
        for (int32_t e = 0; e < left; ++e) {
            entries[n] = e;
            n += a[k + e] != 0;  // NaN is
        }
        const real* rows = W + k * n_out;
        int64_t j = 0;
        for (; j + 8 * LANES <= n_out; j += 8 * LANES) add_rows<8>(a + k, entries, n, rows + j, n_out, z + j);
        for (; j + LANES <= n_out; j += LANES) add_rows<1>(a + k, entries, n, rows + j, n_out, z + j);
        for (; j < n_out; ++j) {
            real sum = z[j];
            for (int e = 0; e < n; ++e)
                sum = fma(all(a[k + entries[e]]), all(rows[entries[e] * n_out + j]), all(sum))[0];
            z[j] = sum;
        }
    }
    for (int64_t j = 0; j < n_out; ++j) z[j] += b[j];
}

}  // namespace
}  // namespace treadle
