// The table of this file's instruction set, made of the headers that are written once for all.
#pragma once

#include "activations.h"
#include "kernels.h"
#include "losses.h"
#include "matrix.h"
#include "rows.h"

namespace treadle {
namespace {

constexpr Kernels table(const char* name) {
    return {name,
            PANEL,
            TILE_ROWS,
            PACKED_ROWS + GROUP * PANEL,
            gather,
            multiply,
            update_weights,
            update_biases,
            update_columns,
            transpose,
            activate,
            activate_backward,
            multiply_elements,
            normalise,
            normalise_backward,
            loss,
            softmax,
            multiply_row};
}

}  // namespace
}  // namespace treadle
