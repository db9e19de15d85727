// Finds the box of a partition in which a point lies, and the box's height.
//
// An axis with edges e_0 < ... < e_N has the inner edges e_1 .. e_(N-1), and the cell of x is how many of them are <=
// x. b(x) = floor((x - origin) * scale), cut to 0 .. n_buckets - 1, never decreases in x whatever its rounding;
// starts[b] inner edges lie in buckets before b. So those of x's own bucket are compared with x, and no others: the
// result is that of comparing all, to the bit. See src/treadle/boxes/cells/look_up.py, which specifies it.
//
// Points are rows of X, n x n_dims, row by row, finite. Cells of a grid are numbered with the last axis fastest.
#pragma once

#include <cstdint>
#include <vector>

namespace treadle {

struct Axis {
    const double* inner;    // n_cells - 1 of them
    const int32_t* starts;  // n_buckets + 1
    int64_t n_cells, n_buckets;
    double origin, scale;
};

// A node sends x to children[2 i] where x[axis[i]] < threshold[i], else to children[2 i + 1]; c < 0 is the cell -1 - c.
struct Splits {
    const int64_t* axis;
    const double* threshold;
    const int64_t* children;
    int64_t n_nodes;
};

// The cell of each point into `cells`, or the height of its cell into `values`; the other is null, as heights then may
// be.
void look_up_grid(const double* X, int64_t n, const std::vector<Axis>& axes, const double* heights, int64_t* cells,
                  double* values, int threads);
void look_up_tree(const double* X, int64_t n, int64_t n_dims, const Splits& splits, const double* heights,
                  int64_t* cells, double* values, int threads);

}  // namespace treadle
