// The four passes of an interior-point step over its rows; memory is laid out as l1_kernels.h says.
//
// The numbers of equations are those of treadle/l1/interior/interior_point.py (Mehrotra 1992; Portnoy and Koenker
// 1997). With P = u - l (`below`), Q = h - u (`above`), their multipliers z and v, r = v - z:
//
//     Z'DZ dw = Z'(D t + u) + g,   D = 1 / (z/P + v/Q),   t = r - (c_v - c_z),   du = D (t - Z dw)        (3)
//     dz = c_z - z - (z/P) du,     dv = c_v - v + (v/Q) du                                                (4)
//     gap(a, b) = gap + a (z - v)'du + b (dz'P + dv'Q) + a b (dz - dv)'du                                 (5)
//     c_z = (mu - du dz) / P,      c_v = (mu + du dv) / Q                                                 (6)
//
// A step of the iteration is:  1) interior_normal, and Z'DZ factorised;  2) interior_predict, with c = 0;
// 3) interior_correct, with the c of (6);  4) interior_step. The next normal takes the step.
//
// u changes by du, so P grows by du and Q shrinks by it: a slack is used up where the relative change
// `per_below` = du / P falls to -1, or `per_above` = du / Q rises to 1.
#pragma once

#include <vector>

#include "kernels/l1_kernels.h"
#include "kernels/vector.h"

namespace treadle {
namespace {

// Rows of a block, whose D Z is laid out in panels before M takes them up.
constexpr int64_t INTERIOR_BLOCK = 64;

// Rows of a tile of M, its columns in vectors, and how many columns of D Z lie side by side.
constexpr int TALL = 4, MOST_VECTORS = 3;
constexpr int64_t SIDE = 8;

// M += (D Z)' Z for a tile of TALL rows and VECTORS * LANES columns of M, over a block of rows; the columns of D Z
// lie in panels, those of Z together.
template <int VECTORS>
void add_tile(const double* scaled, const double* columns, int64_t rows, double* M, int64_t stride) {
    vec sum[TALL][VECTORS];
    TREADLE_UNROLL for (int a = 0; a < TALL; ++a) {
        TREADLE_UNROLL for (int v = 0; v < VECTORS; ++v) sum[a][v] = load(M + a * stride + v * LANES);
    }
    for (int64_t r = 0; r < rows; ++r, scaled += SIDE, columns += VECTORS * LANES) {
        vec z[VECTORS];
        TREADLE_UNROLL for (int v = 0; v < VECTORS; ++v) z[v] = load(columns + v * LANES);
        TREADLE_UNROLL for (int a = 0; a < TALL; ++a) {
            const vec x = all(scaled[a]);
            TREADLE_UNROLL for (int v = 0; v < VECTORS; ++v) sum[a][v] = fma(x, z[v], sum[a][v]);
        }
    }
    TREADLE_UNROLL for (int a = 0; a < TALL; ++a) {
        TREADLE_UNROLL for (int v = 0; v < VECTORS; ++v) store(M + a * stride + v * LANES, sum[a][v]);
    }
}

// The tiles of M in VECTORS * LANES columns from j on, on and below the diagonal.
template <int VECTORS>
void add_columns(const double* scaled, const double* Z, int64_t rows, int64_t p, int64_t stride, int64_t j, double* M) {
    double columns[INTERIOR_BLOCK * VECTORS * LANES];
    for (int64_t r = 0; r < rows; ++r) {
        TREADLE_UNROLL for (int v = 0; v < VECTORS; ++v) {
            store(columns + (r * VECTORS + v) * LANES, load(Z + r * stride + j + v * LANES));
        }
    }
    for (int64_t i = j / TALL * TALL; i < p; i += TALL) {
        const double* panel = scaled + i / SIDE * SIDE * INTERIOR_BLOCK + i % SIDE;
        add_tile<VECTORS>(panel, columns, rows, M + i * stride + j, stride);
    }
}

// M += (D Z)' Z over a block of rows; D Z lies in panels of SIDE columns, a panel's INTERIOR_BLOCK rows together.
void add_products(const double* scaled, const double* Z, int64_t rows, int64_t p, int64_t stride, double* M) {
    for (int64_t j = 0; j < p; j += MOST_VECTORS * LANES) {
        const int64_t vectors = (stride - j) / LANES;
        if (vectors >= 3) {
            add_columns<3>(scaled, Z, rows, p, stride, j, M);
        } else if (vectors == 2) {
            add_columns<2>(scaled, Z, rows, p, stride, j, M);
        } else {
            add_columns<1>(scaled, Z, rows, p, stride, j, M);
        }
    }
}

// a'b of `stride` numbers.
TREADLE_INLINE double dot(const double* a, const double* b, int64_t stride) {
    vec sum{};
    for (int64_t j = 0; j < stride; j += LANES) sum = fma(load(a + j), load(b + j), sum);
    return sum_of(sum);
}

// b += factor a.
TREADLE_INLINE void add_scaled(double factor, const double* a, int64_t stride, double* b) {
    for (int64_t j = 0; j < stride; j += LANES) store(b + j, fma(all(factor), load(a + j), load(b + j)));
}

// 1) The last step is taken, by `primal` of u and `dual` of the multipliers: then D, M += Z'DZ and b += Z'(D r + u),
// the two sides of (3) with c = 0 but for g, and the gap z'P + v'Q.
void interior_normal(const InteriorRows& rows, int64_t begin, int64_t end, double primal, double dual, double* M,
                     double* b, double* gap) {
    const int64_t stride = rows.stride;
    std::vector<double> scaled(size_t(INTERIOR_BLOCK * stride));  // D Z of a block, in panels
    double b_factors[INTERIOR_BLOCK];                             // D r + u of each row, which z_i has in b
    vec total{};
    for (int64_t start = begin; start < end; start += INTERIOR_BLOCK) {
        const int64_t stop = start + INTERIOR_BLOCK < end ? start + INTERIOR_BLOCK : end;
        for (int64_t i = start; i < stop; i += LANES) {
            const vec du = load(rows.of(DU) + i);
            const vec below = fma(all(primal), du, load(rows.of(BELOW) + i));
            const vec above = fma(all(-primal), du, load(rows.of(ABOVE) + i));
            const vec z = fma(all(dual), load(rows.of(DZ) + i), load(rows.of(LOWER_MULTIPLIER) + i));
            const vec v = fma(all(dual), load(rows.of(DV) + i), load(rows.of(UPPER_MULTIPLIER) + i));
            store(rows.of(BELOW) + i, below);
            store(rows.of(ABOVE) + i, above);
            store(rows.of(LOWER_MULTIPLIER) + i, z);
            store(rows.of(UPPER_MULTIPLIER) + i, v);
            const vec weight = below * above / fma(z, above, v * below);  // D of (3)
            store(rows.of(WEIGHT) + i, weight);
            total += fma(z, below, v * above);
            store(b_factors + (i - start), fma(weight, v - z, load(rows.of(LOW) + i) + below));  // u = l + P
        }
        const double* Z = rows.Z + start * stride;
        for (int64_t r = 0; r < stop - start; ++r) {
            const vec weight = all(rows.of(WEIGHT)[start + r]);
            for (int64_t j = 0; j < stride; j += LANES) {
                double* panel = scaled.data() + j / SIDE * SIDE * INTERIOR_BLOCK + j % SIDE;
                store(panel + r * SIDE, weight * load(Z + r * stride + j));
            }
            add_scaled(b_factors[r], Z + r * stride, stride, b);
        }
        add_products(scaled.data(), Z, stop - start, rows.p, stride, M);
    }
    *gap += sum_of(total);
}

// Z dw of LANES rows.
TREADLE_INLINE void times(const InteriorRows& rows, int64_t i, const double* dw, double* products) {
    for (int64_t r = 0; r < LANES; ++r) products[r] = dot(rows.Z + (i + r) * rows.stride, dw, rows.stride);
}

// 2) The prediction: (3) and (4) with c = 0, which aims at a gap of 0. sums: the largest relative
// decrease of P and Q, that of z and v, and (5)'s factors of a, of b and of a b.
void interior_predict(const InteriorRows& rows, int64_t begin, int64_t end, const double* dw, double* sums) {
    vec primal{}, dual{}, first{}, second{}, both{};
    for (int64_t i = begin; i < end; i += LANES) {
        double products[LANES];
        times(rows, i, dw, products);
        const vec below = load(rows.of(BELOW) + i), above = load(rows.of(ABOVE) + i);
        const vec z = load(rows.of(LOWER_MULTIPLIER) + i), v = load(rows.of(UPPER_MULTIPLIER) + i);
        const vec du = load(rows.of(WEIGHT) + i) * (v - z - load(products));
        store(rows.of(DU) + i, du);
        const vec per_below = du / below, per_above = du / above;
        const vec dz = -z - z * per_below, dv = v * per_above - v;  // (4)
        primal = maximum(maximum(-per_below, per_above), primal);
        dual = maximum(maximum(1.0 + per_below, 1.0 - per_above), dual);  // -dz / z and -dv / v
        first = fma(z - v, du, first);
        second += fma(dz, below, dv * above);
        both = fma(dz - dv, du, both);
    }
    sums[0] = largest_of(primal) > sums[0] ? largest_of(primal) : sums[0];
    sums[1] = largest_of(dual) > sums[1] ? largest_of(dual) : sums[1];
    sums[2] += sum_of(first);
    sums[3] += sum_of(second);
    sums[4] += sum_of(both);
}

// 3) The correction: c of (6) from the prediction's du, dz and dv, kept as AIMs, and b += Z'(D t + u) of (3).
void interior_correct(const InteriorRows& rows, int64_t begin, int64_t end, double mu, double* b) {
    for (int64_t i = begin; i < end; i += LANES) {
        const vec below = load(rows.of(BELOW) + i), above = load(rows.of(ABOVE) + i);
        const vec z = load(rows.of(LOWER_MULTIPLIER) + i), v = load(rows.of(UPPER_MULTIPLIER) + i);
        const vec du = load(rows.of(DU) + i);
        const vec per_below = du / below, per_above = du / above;
        const vec dz = -z - z * per_below, dv = v * per_above - v;                       // (4), c = 0
        const vec lower = (mu - du * dz) / below, upper = fma(du, dv, all(mu)) / above;  // c_z and c_v of (6)
        const vec t = v - z - (upper - lower);
        store(rows.of(LOWER_AIM) + i, lower);
        store(rows.of(UPPER_AIM) + i, upper);
        store(rows.of(TARGET) + i, t);
        const vec b_factors = fma(load(rows.of(WEIGHT) + i), t, load(rows.of(LOW) + i) + below);  // D t + u
        for (int64_t r = 0; r < LANES; ++r) add_scaled(b_factors[r], rows.Z + (i + r) * rows.stride, rows.stride, b);
    }
}

// 4) The corrected step, (3) and (4) with the AIMs, kept for the next interior_normal; how long it may be, by the
// largest relative decreases of P and Q and of z and v.
void interior_step(const InteriorRows& rows, int64_t begin, int64_t end, const double* dw, double* sums) {
    vec primal{}, dual{};
    for (int64_t i = begin; i < end; i += LANES) {
        double products[LANES];
        times(rows, i, dw, products);
        const vec below = load(rows.of(BELOW) + i), above = load(rows.of(ABOVE) + i);
        const vec z = load(rows.of(LOWER_MULTIPLIER) + i), v = load(rows.of(UPPER_MULTIPLIER) + i);
        const vec du = load(rows.of(WEIGHT) + i) * (load(rows.of(TARGET) + i) - load(products));
        const vec per_below = du / below, per_above = du / above;
        const vec dz = load(rows.of(LOWER_AIM) + i) - z - z * per_below;
        const vec dv = load(rows.of(UPPER_AIM) + i) - v + v * per_above;
        store(rows.of(DU) + i, du);
        store(rows.of(DZ) + i, dz);
        store(rows.of(DV) + i, dv);
        primal = maximum(maximum(-per_below, per_above), primal);
        dual = maximum(maximum(-dz / z, -dv / v), dual);
    }
    sums[0] = largest_of(primal) > sums[0] ? largest_of(primal) : sums[0];
    sums[1] = largest_of(dual) > sums[1] ? largest_of(dual) : sums[1];
}

}  // namespace
}  // namespace treadle
