// Makes the table of the including file's instruction set, with products in bfloat16; the rest is kernels_table.h's.
#pragma once

#include "kernels/kernels_table.h"
#include "kernels/matrix_bfloat16.h"

namespace treadle {
namespace {

template <typename Product>
constexpr Kernels<float> table_in_bfloat16(const char* name) {
    Kernels<float> kernels = table(name);
    kernels.tile_rows = kernels.square_rows = BLOCK;
    kernels.square_columns = PANEL;
    kernels.direct = false;
    kernels.left_row = PAIRS;
    kernels.left_size = size_of_left;
    kernels.right_size = size_of_right;
    kernels.scratch_size = size_of_rounded_columns;
    kernels.round_rows = round_rows;
    kernels.multiply = multiply_bfloat16<Product>;
    kernels.update_weights = update_weights_bfloat16<Product>;
    kernels.write_operands = round_weights;
    return kernels;
}

}  // namespace
}  // namespace treadle
