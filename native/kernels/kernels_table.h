// Makes the table of the including file's instruction set, from headers written once for all.
#pragma once

#include "kernels/activations.h"
#include "kernels/input_stage.h"
#include "kernels/kernels.h"
#include "kernels/losses.h"
#include "kernels/matrix.h"
#include "kernels/rows.h"
#if defined(TREADLE_FLOAT64)
#include "kernels/l1_interior.h"
#include "kernels/l1_screen.h"
#endif

namespace treadle {
namespace {

int64_t size_of_panels(int64_t inner, int64_t columns) { return inner * ((columns + PANEL - 1) / PANEL * PANEL); }

int64_t size_of_packed_columns(int64_t rows) { return rows * (PACKED_ROWS + GROUP * PANEL); }

void multiply_panels(const void* A, ptrdiff_t A_stride, int64_t rows, int64_t inner, const void* W, const real* bias,
                     int64_t panel_begin, int64_t panel_end, real* C, ptrdiff_t C_stride) {
    multiply(static_cast<const real*>(A), A_stride, rows, inner, static_cast<const real*>(W), bias, panel_begin,
             panel_end, C, C_stride);
}

void transpose_tiles(const real* W, int64_t n_in, int64_t n_out, int64_t panel_begin, int64_t panel_end,
                     int64_t tile_begin, int64_t tile_end, Operands operands) {
    if (!operands.backward) return;
    const int64_t end = tile_end * TILE_ROWS < n_in ? tile_end * TILE_ROWS : n_in;
    for (int64_t p = panel_begin; p < panel_end; ++p)
        transpose(W, n_in, n_out, p, tile_begin * TILE_ROWS, end, static_cast<real*>(operands.backward));
}

void update_panels(const Step<real>& step, const real* A, ptrdiff_t A_stride, const real* D, ptrdiff_t D_stride,
                   int64_t rows, int64_t n_in, int64_t n_out, int64_t panel_begin, int64_t panel_end,
                   int64_t tile_begin, int64_t tile_end, Trained<real> weights, Operands operands, double* squares,
                   real* scratch) {
    update_weights(step, A, A_stride, D, D_stride, rows, n_in, panel_begin, panel_end, tile_begin, tile_end, weights,
                   squares, scratch);
    transpose_tiles(weights.value, n_in, n_out, panel_begin, panel_end, tile_begin, tile_end, operands);
}

#if defined(TREADLE_FLOAT64)
constexpr L1Kernels l1_table = {.normal = interior_normal,
                                .predict = interior_predict,
                                .correct = interior_correct,
                                .step = interior_step,
                                .screen = screen_rows,
                                .check = check_rows};
constexpr const L1Kernels* L1_TABLE = &l1_table;
#else
constexpr const L1Kernels* L1_TABLE = nullptr;
#endif

constexpr Kernels<real> table(const char* name) {
    return {.name = name,
            .panel = PANEL,
            .tile_rows = TILE_ROWS,
            .square_rows = SQUARE_ROWS,
            .square_columns = SUM_LANES,
            .direct = true,
            .left_row = 0,
            .left_size = nullptr,
            .right_size = size_of_panels,
            .scratch_size = size_of_packed_columns,
            .gather = gather,
            .round_rows = nullptr,
            .multiply = multiply_panels,
            .update_weights = update_panels,
            .write_operands = transpose_tiles,
            .update_biases = update_biases,
            .update_columns = update_columns,
            .activate = activate,
            .activate_backward = activate_backward,
            .multiply_by_derivatives = multiply_by_derivatives,
            .combine_cosines = combine_cosines,
            .combine_cosines_backward = combine_cosines_backward,
            .scale_columns = scale_columns,
            .scale_columns_backward = scale_columns_backward,
            .normalise = normalise,
            .normalise_backward = normalise_backward,
            .loss = loss,
            .softmax = softmax,
            .multiply_row = multiply_row,
            .l1 = L1_TABLE};
}

}  // namespace
}  // namespace treadle
