// One vector of float64, as vector.h has them of float32: half as many lanes in the same register.
#pragma once

#include "kernels/vector.h"

namespace treadle {
namespace {

constexpr int DLANES = LANES / 2;

typedef double dvec __attribute__((vector_size(DLANES * sizeof(double))));

TREADLE_INLINE dvec load(const double* p) {
    dvec v;
    std::memcpy(&v, p, sizeof v);
    return v;
}

TREADLE_INLINE void store(double* p, dvec v) { std::memcpy(p, &v, sizeof v); }

TREADLE_INLINE dvec all(double x) { return x - dvec{}; }

TREADLE_INLINE dvec larger(dvec a, dvec b) { return a > b ? a : b; }

TREADLE_INLINE double sum_of(dvec v) {
    double total = 0;
    for (int lane = 0; lane < DLANES; ++lane) total += v[lane];
    return total;
}

TREADLE_INLINE double largest_of(dvec v) {
    double most = v[0];
    for (int lane = 1; lane < DLANES; ++lane) most = v[lane] > most ? v[lane] : most;
    return most;
}

#if defined(__AVX512F__)
TREADLE_INLINE dvec fma(dvec a, dvec b, dvec c) { return (dvec)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c); }
#elif defined(__AVX2__)
TREADLE_INLINE dvec fma(dvec a, dvec b, dvec c) { return (dvec)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c); }
#elif defined(__ARM_NEON)
TREADLE_INLINE dvec fma(dvec a, dvec b, dvec c) {
    return (dvec)vfmaq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b);
}
#else
TREADLE_INLINE dvec fma(dvec a, dvec b, dvec c) { return a * b + c; }
#endif

}  // namespace
}  // namespace treadle
