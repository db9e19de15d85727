// The table of functions that each processor's code fills, for the exact L1 regression of treadle/l1.
//
// The interior point. For n rows z_i of p columns, with the quantities of treadle/l1/interior/interior_point.py,
//
//     max y'u,  Z'u = -g,  l <= u <= h;    below = u - l, above = h - u, multipliers z and v, r = v - z,
//     D = 1 / (z / below + v / above),     Z'DZ dw = Z'(D t + u) + g,     du = D (t - Z dw).
//
// The screen. A row with |y - x'w - b| > T |z| keeps its sign: it joins sum u (1, x), others are kept.
//
// Memory layout.
//
//     Z         (n, stride) row-major, `stride` a multiple of 8 that is at least p; columns from p on are 0
//     state     STATES arrays of n doubles, one behind the other; n is a multiple of 8
//     M         (stride, stride) row-major, of which the rows' and columns' first p count, lower triangle
//
// Each function does a range of rows and adds to its own sums, in the rows' order: which thread does which range
// changes no bit. Nothing is checked here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/kernels.h"

namespace treadle {

enum State {
    LOW,
    BELOW,
    ABOVE,
    LOWER_MULTIPLIER,
    UPPER_MULTIPLIER,
    WEIGHT,
    TARGET,
    LOWER_AIM,
    UPPER_AIM,
    DU,
    DZ,
    DV,
    STATES
};

struct InteriorRows {
    const double* Z;
    int64_t n, p, stride;
    double* state;

    double* of(State which) const { return state + which * n; }
};

// A user's array, float32 or float64: element (i, j) lies at data + i * row_bytes + j * column_bytes.
struct Strided {
    const char* data;
    Number type;
    ptrdiff_t row_bytes, column_bytes;
};

struct ScreenRequest {
    Strided X, y;
    const int64_t* some;     // the rows to look at, or null: all
    const double* weights;   // or null
    const int64_t* columns;  // k of them
    int64_t k, p;
    const double* A;           // (1 + k, p) row-major: z = A'(1, x)
    const double* w;           // (1 + k)
    double radius, low, high;  // the dual value's bounds for weight 1
    int8_t* side;              // of each row looked at

    int64_t row(int64_t i) const { return some ? some[i] : i; }
};

struct ScreenSums {
    std::vector<int64_t> rows;  // among those looked at: kept, or on another side than `side` says
    std::vector<double> fold;   // (1 + k)
    double loss = 0, size = 0;
    int64_t not_finite = -1;
};

struct L1Kernels {
    // Moves the state by its last step, times `primal` and `dual`; then D, M += Z'DZ, b += Z'(D r + u), and the gap.
    void (*normal)(const InteriorRows& rows, int64_t begin, int64_t end, double primal, double dual, double* M,
                   double* b, double* gap);

    // The prediction: du, and of the rows {largest -d/x of below and above, of both multipliers; sums of the gap's
    // terms in the primal step, in the dual, in both}.
    void (*predict)(const InteriorRows& rows, int64_t begin, int64_t end, const double* dw, double* sums);

    // Where the corrected step aims at, given mu; b += Z'(D t + u).
    void (*correct)(const InteriorRows& rows, int64_t begin, int64_t end, double mu, double* b);

    // The corrected step, and the largest -d/x of below and above, and of both multipliers.
    void (*step)(const InteriorRows& rows, int64_t begin, int64_t end, const double* dw, double* sums);

    // The screen of some rows; and those whose residual is on another side than `side` says, 0 being no side.
    void (*screen)(const ScreenRequest& request, int64_t begin, int64_t end, ScreenSums& sums);
    void (*check)(const ScreenRequest& request, int64_t begin, int64_t end, ScreenSums& sums);
};

}  // namespace treadle
