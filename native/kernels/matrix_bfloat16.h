// The products of a step in bfloat16: those of matrix.h, of factors rounded to bfloat16, summed in float32.
//
// multiply        C (rows, panels) = A (rows, inner) W (inner, panels) + bias
// update_weights  g (n_in, panel) = A^T D + l2 W, the optimizer's rule on W with g, and W rounded anew
//
// Weights and moments are float32, in panels. What is multiplied are copies of the weights: W and W^T as right operands
// of bfloat16.h, rounded from each 32 rows of a panel as soon as these have been updated. All that depends on the
// processor is a type Product, an object of which makes the processor ready for products while it lives, and
//
//     product(left, left_rows, rows, right, slices, sums)
//
// writes to sums (32, PANEL) the product of `rows` <= 32 rows of a left operand that has left_rows in all, and one
// panel of a right one. Every sum goes by ascending slices; the order within one is the instruction's. So a result does
// not depend on how the work is cut, nor on the number of threads, but it does on the kind of processor.
#pragma once

#include "kernels/bfloat16.h"
#include "kernels/kernels.h"
#include "kernels/optimizers.h"
#include "kernels/vector.h"

namespace treadle {
namespace {

constexpr int BLOCK = 32;  // rows of sums, and of weights that are updated together
// Panels whose part of D is rounded at once, so that columns of A are rounded only once for them.
constexpr int64_t PANEL_GROUP = 4;

int64_t size_of_left(int64_t rows, int64_t columns) {
    return slices(columns) * PAIRS * rows + BLOCK * PAIRS;  // a block is read to its end
}

int64_t size_of_right(int64_t inner, int64_t columns) {
    return slices(inner) * PAIRS * ((columns + PANEL - 1) / PANEL * PANEL);
}

int64_t size_of_rounded_columns(int64_t rows) { return slices(rows) * PAIRS * (BLOCK + PANEL_GROUP * PANEL); }

void round_rows(const float* A, ptrdiff_t A_stride, int64_t rows, int64_t begin, int64_t end, int64_t columns,
                float* left, int64_t capacity) {
    pack_left(A, A_stride, rows, begin, end, columns, reinterpret_cast<uint32_t*>(left), capacity);
}

template <typename Product>
void multiply_bfloat16(const void* A, ptrdiff_t capacity, int64_t rows, int64_t inner, const void* W, const float* bias,
                       int64_t panel_begin, int64_t panel_end, float* C, ptrdiff_t C_stride) {
    const Product product;
    const int64_t depth = slices(inner);
    for (int64_t p = panel_begin; p < panel_end; ++p) {
        const uint32_t* const right = static_cast<const uint32_t*>(W) + p * depth * PAIRS * PANEL;
        for (int64_t row = 0; row < rows; row += BLOCK) {
            const int height = rows - row < BLOCK ? int(rows - row) : BLOCK;
            alignas(64) float sums[BLOCK * PANEL];
            product(static_cast<const uint32_t*>(A) + row * PAIRS, capacity, height, right, depth, sums);
            float* const to = C + row * C_stride + p * PANEL;
            for (int v = 0; v < PANEL; v += LANES) {
                const vec b = bias ? load(bias + p * PANEL + v) : zero();
                for (int r = 0; r < height; ++r) store(to + r * C_stride + v, load(sums + r * PANEL + v) + b);
            }
        }
    }
}

// A block of weights, (rows, PANEL) from row k of panel p on, rounded into the operands.
void round_block(const float* W, int rows, int64_t k, int64_t p, int64_t n_in, int64_t n_out, Operands to) {
    alignas(64) float padded[BLOCK * PANEL];
    const int columns = n_out - p * PANEL < PANEL ? int(n_out - p * PANEL) : PANEL;
    if (rows < BLOCK || columns < PANEL) {
        for (int r = 0; r < BLOCK; ++r)
            for (int j = 0; j < PANEL; ++j) padded[r * PANEL + j] = r < rows && j < columns ? W[r * PANEL + j] : 0;
        W = padded;
    }
    uint32_t* const right = static_cast<uint32_t*>(to.forward) + (p * slices(n_in) * PAIRS + k / 2) * PANEL;
    for (int r = 0; r < PAIRS; ++r) pair_rows<PANEL>(W, PANEL, BLOCK, r, right + r * PANEL);
    if (!to.backward) return;
    // Pairs of columns, row by row; then columns by rows, which may be those of several panels of W^T.
    constexpr int COLUMN_PAIRS = PANEL / 2;
    alignas(64) uint32_t pairs[BLOCK * COLUMN_PAIRS];
    for (int at = 0; at < BLOCK * PANEL; at += 2 * LANES)
        store_words(pairs + at / 2, neighbours(load(W + at), load(W + at + LANES)));
    for (int64_t r = 0; r < BLOCK && k + r < (n_in + PANEL - 1) / PANEL * PANEL; r += LANES) {
        uint32_t* panel = static_cast<uint32_t*>(to.backward) + (k + r) / PANEL * slices(n_out) * PAIRS * PANEL;
        uint32_t* block = panel + p * COLUMN_PAIRS * PANEL + (k + r) % PANEL;
        for (int j = 0; j < COLUMN_PAIRS; j += LANES)
            transpose_words(pairs + r * COLUMN_PAIRS + j, COLUMN_PAIRS, block + j * PANEL, PANEL);
    }
}

void round_weights(const float* W, int64_t n_in, int64_t n_out, int64_t panel_begin, int64_t panel_end,
                   int64_t tile_begin, int64_t tile_end, Operands operands) {
    for (int64_t p = panel_begin; p < panel_end; ++p) {
        for (int64_t k = tile_begin * BLOCK; k < n_in && k < tile_end * BLOCK; k += BLOCK) {
            const int rows = n_in - k < BLOCK ? int(n_in - k) : BLOCK;
            round_block(W + (p * n_in + k) * PANEL, rows, k, p, n_in, n_out, operands);
        }
    }
}

// The rule on n weights, whose loss has this gradient. Meanwhile the block that comes `next` starts on its way from the
// outer caches; it is the thread's own, for another's would be dirty in its cache.
template <typename Rule>
TREADLE_INLINE void update_block(const Rule& rule, const Step<real>& step, const float* gradient, int n,
                                 Trained<real> w, const Trained<real>* next, double* square) {
    const vec l2 = all(step.l2);
    vec squares = zero();
    for (int at = 0; at < n; at += LANES) {
        if (next && at % CACHE_LINE == 0) {
            __builtin_prefetch(next->value + at, 1);
            if (next->first) __builtin_prefetch(next->first + at, 1);
            if (next->second) __builtin_prefetch(next->second + at, 1);
        }
        const Trained<real> here = w.from(at);
        vec g = load(gradient + at);
        if (step.l2 != 0) {
            const vec value = load(here.value);
            g = fma(value, l2, g);
            squares = fma(value, value, squares);
        }
        rule(here.value, here.first, here.second, g);
    }
    if (square) *square = sum_of(squares);
}

template <typename Product>
void update_weights_bfloat16(const Step<real>& step, const float* A, ptrdiff_t A_stride, const float* D,
                             ptrdiff_t D_stride, int64_t rows, int64_t n_in, int64_t n_out, int64_t panel_begin,
                             int64_t panel_end, int64_t tile_begin, int64_t tile_end, Trained<real> weights,
                             Operands operands, double* squares, float* scratch) {
    const Product product;
    const int64_t tiles = (n_in + BLOCK - 1) / BLOCK, depth = slices(rows);
    uint32_t* const left = reinterpret_cast<uint32_t*>(scratch);
    uint32_t* const right = left + depth * PAIRS * BLOCK;
    with_rule(step, [&](const auto& rule) {
        for (int64_t first = panel_begin; first < panel_end; first += PANEL_GROUP) {
            const int64_t end = first + PANEL_GROUP < panel_end ? first + PANEL_GROUP : panel_end;
            for (int64_t p = first; p < end; ++p)
                pack_right(D + p * PANEL, D_stride, rows, right + (p - first) * depth * PAIRS * PANEL);
            for (int64_t t = tile_begin; t < tile_end; ++t) {
                const int64_t k = t * BLOCK;
                const int height = n_in - k < BLOCK ? int(n_in - k) : BLOCK;
                pack_columns(A + k, A_stride, rows, left);
                for (int64_t p = first; p < end; ++p) {
                    alignas(64) float gradient[BLOCK * PANEL];
                    product(left, BLOCK, height, right + (p - first) * depth * PAIRS * PANEL, depth, gradient);
                    const Trained<real> block = weights.from((p * n_in + k) * PANEL);
                    const Trained<real> next = weights.from(((p + 1) * n_in + k) * PANEL);
                    update_block(rule, step, gradient, height * PANEL, block, p + 1 < end ? &next : nullptr,
                                 squares ? squares + p * tiles + t : nullptr);
                    if (operands.forward) round_block(block.value, height, k, p, n_in, n_out, operands);
                }
            }
        }
    });
}

}  // namespace
}  // namespace treadle
