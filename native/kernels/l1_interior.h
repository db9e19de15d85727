// The four passes of an interior-point step over its rows: see l1_kernels.h.
#pragma once

#include <vector>

#include "kernels/l1_kernels.h"
#include "kernels/vector_double.h"

namespace treadle {
namespace {

constexpr int64_t INTERIOR_BLOCK = 64;

// Rows of a tile of M, its columns in vectors, and how many columns of D Z lie side by side.
constexpr int TALL = 4, MOST_VECTORS = 3;
constexpr int64_t SIDE = 8;

// M += (D Z)' Z for a tile of TALL rows and VECTORS * DLANES columns of M, over a block of rows; the columns of D Z
// lie in panels, those of Z together.
template <int VECTORS>
void add_tile(const double* scaled, const double* columns, int64_t rows, double* M, int64_t stride) {
    dvec sum[TALL][VECTORS];
    TREADLE_UNROLL for (int a = 0; a < TALL; ++a) {
        TREADLE_UNROLL for (int v = 0; v < VECTORS; ++v) sum[a][v] = load(M + a * stride + v * DLANES);
    }
    for (int64_t r = 0; r < rows; ++r, scaled += SIDE, columns += VECTORS * DLANES) {
        dvec z[VECTORS];
        TREADLE_UNROLL for (int v = 0; v < VECTORS; ++v) z[v] = load(columns + v * DLANES);
        TREADLE_UNROLL for (int a = 0; a < TALL; ++a) {
            const dvec x = all(scaled[a]);
            TREADLE_UNROLL for (int v = 0; v < VECTORS; ++v) sum[a][v] = fma(x, z[v], sum[a][v]);
        }
    }
    TREADLE_UNROLL for (int a = 0; a < TALL; ++a) {
        TREADLE_UNROLL for (int v = 0; v < VECTORS; ++v) store(M + a * stride + v * DLANES, sum[a][v]);
    }
}

// The tiles of M in VECTORS * DLANES columns from j on, on and below the diagonal.
template <int VECTORS>
void add_columns(const double* scaled, const double* Z, int64_t rows, int64_t p, int64_t stride, int64_t j, double* M) {
    double columns[INTERIOR_BLOCK * VECTORS * DLANES];
    for (int64_t r = 0; r < rows; ++r) {
        TREADLE_UNROLL for (int v = 0; v < VECTORS; ++v) {
            store(columns + (r * VECTORS + v) * DLANES, load(Z + r * stride + j + v * DLANES));
        }
    }
    for (int64_t i = j / TALL * TALL; i < p; i += TALL) {
        const double* panel = scaled + i / SIDE * SIDE * INTERIOR_BLOCK + i % SIDE;
        add_tile<VECTORS>(panel, columns, rows, M + i * stride + j, stride);
    }
}

// M += (D Z)' Z over a block of rows; D Z lies in panels of SIDE columns, a panel's INTERIOR_BLOCK rows together.
void add_products(const double* scaled, const double* Z, int64_t rows, int64_t p, int64_t stride, double* M) {
    for (int64_t j = 0; j < p; j += MOST_VECTORS * DLANES) {
        const int64_t vectors = (stride - j) / DLANES;
        if (vectors >= 3) {
            add_columns<3>(scaled, Z, rows, p, stride, j, M);
        } else if (vectors == 2) {
            add_columns<2>(scaled, Z, rows, p, stride, j, M);
        } else {
            add_columns<1>(scaled, Z, rows, p, stride, j, M);
        }
    }
}

TREADLE_INLINE double dot(const double* a, const double* b, int64_t stride) {
    dvec sum{};
    for (int64_t j = 0; j < stride; j += DLANES) sum = fma(load(a + j), load(b + j), sum);
    return sum_of(sum);
}

TREADLE_INLINE void add_scaled(double factor, const double* a, int64_t stride, double* b) {
    for (int64_t j = 0; j < stride; j += DLANES) store(b + j, fma(all(factor), load(a + j), load(b + j)));
}

void interior_normal(const InteriorRows& rows, int64_t begin, int64_t end, double primal, double dual, double* M, double* b,
            double* gap) {
    const int64_t stride = rows.stride;
    std::vector<double> scaled(size_t(INTERIOR_BLOCK * stride));
    double sought[INTERIOR_BLOCK];
    dvec total{};
    for (int64_t start = begin; start < end; start += INTERIOR_BLOCK) {
        const int64_t stop = start + INTERIOR_BLOCK < end ? start + INTERIOR_BLOCK : end;
        for (int64_t i = start; i < stop; i += DLANES) {
            const dvec du = load(rows.of(DU) + i);
            const dvec below = fma(all(primal), du, load(rows.of(BELOW) + i));
            const dvec above = fma(all(-primal), du, load(rows.of(ABOVE) + i));
            const dvec z = fma(all(dual), load(rows.of(DZ) + i), load(rows.of(LOWER_MULTIPLIER) + i));
            const dvec v = fma(all(dual), load(rows.of(DV) + i), load(rows.of(UPPER_MULTIPLIER) + i));
            store(rows.of(BELOW) + i, below);
            store(rows.of(ABOVE) + i, above);
            store(rows.of(LOWER_MULTIPLIER) + i, z);
            store(rows.of(UPPER_MULTIPLIER) + i, v);
            const dvec weight = below * above / fma(z, above, v * below);
            store(rows.of(WEIGHT) + i, weight);
            total += fma(z, below, v * above);
            store(sought + (i - start), fma(weight, v - z, load(rows.of(LOW) + i) + below));
        }
        const double* Z = rows.Z + start * stride;
        for (int64_t r = 0; r < stop - start; ++r) {
            const dvec weight = all(rows.of(WEIGHT)[start + r]);
            for (int64_t j = 0; j < stride; j += DLANES) {
                double* panel = scaled.data() + j / SIDE * SIDE * INTERIOR_BLOCK + j % SIDE;
                store(panel + r * SIDE, weight * load(Z + r * stride + j));
            }
            add_scaled(sought[r], Z + r * stride, stride, b);
        }
        add_products(scaled.data(), Z, stop - start, rows.p, stride, M);
    }
    *gap += sum_of(total);
}

TREADLE_INLINE void times(const InteriorRows& rows, int64_t i, const double* dw, double* products) {
    for (int64_t r = 0; r < DLANES; ++r) products[r] = dot(rows.Z + (i + r) * rows.stride, dw, rows.stride);
}

void interior_predict(const InteriorRows& rows, int64_t begin, int64_t end, const double* dw, double* sums) {
    dvec primal{}, dual{}, first{}, second{}, both{};
    for (int64_t i = begin; i < end; i += DLANES) {
        double products[DLANES];
        times(rows, i, dw, products);
        const dvec below = load(rows.of(BELOW) + i), above = load(rows.of(ABOVE) + i);
        const dvec z = load(rows.of(LOWER_MULTIPLIER) + i), v = load(rows.of(UPPER_MULTIPLIER) + i);
        const dvec du = load(rows.of(WEIGHT) + i) * (v - z - load(products));
        store(rows.of(DU) + i, du);
        const dvec fall = du / below, rise = du / above;
        const dvec dz = -z - z * fall, dv = v * rise - v;
        primal = larger(larger(-fall, rise), primal);
        dual = larger(larger(1.0 + fall, 1.0 - rise), dual);
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

void interior_correct(const InteriorRows& rows, int64_t begin, int64_t end, double mu, double* b) {
    for (int64_t i = begin; i < end; i += DLANES) {
        const dvec below = load(rows.of(BELOW) + i), above = load(rows.of(ABOVE) + i);
        const dvec z = load(rows.of(LOWER_MULTIPLIER) + i), v = load(rows.of(UPPER_MULTIPLIER) + i);
        const dvec du = load(rows.of(DU) + i);
        const dvec fall = du / below, rise = du / above;
        const dvec dz = -z - z * fall, dv = v * rise - v;
        const dvec lower = (mu - du * dz) / below, upper = fma(du, dv, all(mu)) / above;
        const dvec t = v - z - (upper - lower);
        store(rows.of(LOWER_AIM) + i, lower);
        store(rows.of(UPPER_AIM) + i, upper);
        store(rows.of(TARGET) + i, t);
        const dvec sought = fma(load(rows.of(WEIGHT) + i), t, load(rows.of(LOW) + i) + below);
        for (int64_t r = 0; r < DLANES; ++r) add_scaled(sought[r], rows.Z + (i + r) * rows.stride, rows.stride, b);
    }
}

void interior_step(const InteriorRows& rows, int64_t begin, int64_t end, const double* dw, double* sums) {
    dvec primal{}, dual{};
    for (int64_t i = begin; i < end; i += DLANES) {
        double products[DLANES];
        times(rows, i, dw, products);
        const dvec below = load(rows.of(BELOW) + i), above = load(rows.of(ABOVE) + i);
        const dvec z = load(rows.of(LOWER_MULTIPLIER) + i), v = load(rows.of(UPPER_MULTIPLIER) + i);
        const dvec du = load(rows.of(WEIGHT) + i) * (load(rows.of(TARGET) + i) - load(products));
        const dvec fall = du / below, rise = du / above;
        const dvec dz = load(rows.of(LOWER_AIM) + i) - z - z * fall;
        const dvec dv = load(rows.of(UPPER_AIM) + i) - v + v * rise;
        store(rows.of(DU) + i, du);
        store(rows.of(DZ) + i, dz);
        store(rows.of(DV) + i, dv);
        primal = larger(larger(-fall, rise), primal);
        dual = larger(larger(-dz / z, -dv / v), dual);
    }
    sums[0] = largest_of(primal) > sums[0] ? largest_of(primal) : sums[0];
    sums[1] = largest_of(dual) > sums[1] ? largest_of(dual) : sums[1];
}

}  // namespace
}  // namespace treadle
