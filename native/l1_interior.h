// The four passes of an interior-point step over its rows: see l1_kernels.h.
#pragma once

#include <vector>

#include "l1_kernels.h"
#include "vector_double.h"

namespace treadle {
namespace {

constexpr int64_t INTERIOR_BLOCK = 64;

// M += (D Z)' Z for a tile of 4 rows and VECTORS * DLANES columns of M, over a block of rows.
template <int VECTORS>
void add_tile(const double* scaled, const double* Z, int64_t rows, int64_t stride, int64_t i, int64_t j, double* M) {
    constexpr int TALL = 4;
    dvec sum[TALL][VECTORS];
    TREADLE_UNROLL for (int a = 0; a < TALL; ++a) {
        TREADLE_UNROLL for (int v = 0; v < VECTORS; ++v) sum[a][v] = load(M + (i + a) * stride + j + v * DLANES);
    }
    for (int64_t r = 0; r < rows; ++r, scaled += stride, Z += stride) {
        dvec z[VECTORS];
        TREADLE_UNROLL for (int v = 0; v < VECTORS; ++v) z[v] = load(Z + j + v * DLANES);
        TREADLE_UNROLL for (int a = 0; a < TALL; ++a) {
            const dvec x = all(scaled[i + a]);
            TREADLE_UNROLL for (int v = 0; v < VECTORS; ++v) sum[a][v] = fma(x, z[v], sum[a][v]);
        }
    }
    TREADLE_UNROLL for (int a = 0; a < TALL; ++a) {
        TREADLE_UNROLL for (int v = 0; v < VECTORS; ++v) store(M + (i + a) * stride + j + v * DLANES, sum[a][v]);
    }
}

void add_products(const double* scaled, const double* Z, int64_t rows, int64_t p, int64_t stride, double* M) {
    constexpr int64_t WIDE = 3 * DLANES;
    for (int64_t j = 0; j < p; j += WIDE) {
        const int64_t vectors = (stride - j) / DLANES;
        for (int64_t i = j / 4 * 4; i < p; i += 4) {
            if (vectors >= 3) {
                add_tile<3>(scaled, Z, rows, stride, i, j, M);
            } else if (vectors == 2) {
                add_tile<2>(scaled, Z, rows, stride, i, j, M);
            } else {
                add_tile<1>(scaled, Z, rows, stride, i, j, M);
            }
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
            for (int64_t j = 0; j < stride; j += DLANES)
                store(scaled.data() + r * stride + j, weight * load(Z + r * stride + j));
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
