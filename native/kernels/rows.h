// The passes over a batch by rows or columns: gathering, batch normalisation.
#pragma once

#include "kernels/kernels.h"
#include "kernels/optimizers.h"
#include "kernels/vector.h"

namespace treadle {
namespace {

// What x scale + offset is computed in: float64 where X or the network's numbers are.
template <typename T>
using Wider = std::conditional_t<sizeof(T) == sizeof(double), double, real>;

template <typename T>
void gather_strided(const Rows& X, const char* row, real* out) {
    const auto scale = Wider<T>(X.scale), offset = Wider<T>(X.offset);
    for (int64_t j = 0; j < X.columns; ++j) {
        T x;
        std::memcpy(&x, row + j * X.column_bytes, sizeof x);
        out[j] = real(Wider<T>(x) * scale + offset);
    }
}

template <typename T>
void gather_compressed(const Rows& X, int64_t row, real* out) {
    const auto scale = Wider<T>(X.scale);
    const auto offset = real(X.offset);
    const T* values = static_cast<const T*>(X.data);
    for (int64_t j = 0; j < X.columns; ++j) out[j] = offset;
    for (int64_t p = X.starts[row]; p < X.starts[row + 1]; ++p) out[X.indices[p]] += real(Wider<T>(values[p]) * scale);
}

// Elements side by side, of bytes or of the network's own type. Rows need not be aligned.
template <typename T>
void gather_in_line(const Rows& X, const char* row, real* out) {
    const vec scale = all(real(X.scale)), offset = all(real(X.offset));
    int64_t j = 0;
    for (; j + LANES <= X.columns; j += LANES) {
        vec x;
        if constexpr (sizeof(T) == 1) {
            x = from_bytes(reinterpret_cast<const uint8_t*>(row) + j);
        } else {
            std::memcpy(&x, row + j * sizeof(real), sizeof x);
        }
        store(out + j, x * scale + offset);
    }
    for (; j < X.columns; ++j) {
        T x;
        std::memcpy(&x, row + j * sizeof x, sizeof x);
        out[j] = real(x) * real(X.scale) + real(X.offset);
    }
}

template <typename T>
void gather_rows(const Rows& X, const int64_t* order, int64_t n, real* out, ptrdiff_t out_stride) {
    const bool in_line = X.column_bytes == sizeof(T) && (sizeof(T) == 1 || sizeof(T) == sizeof(real));
    for (int64_t i = 0; i < n; ++i, out += out_stride) {
        const char* row = static_cast<const char*>(X.data) + order[i] * X.row_bytes;
        if (X.starts) {
            gather_compressed<T>(X, order[i], out);
        } else if (in_line) {
            gather_in_line<T>(X, row, out);
        } else {
            gather_strided<T>(X, row, out);
        }
    }
}

void gather(const Rows& X, const int64_t* order, int64_t n, real* out, ptrdiff_t out_stride) {
    switch (X.type) {
        case Number::uint8: return gather_rows<uint8_t>(X, order, n, out, out_stride);
        case Number::float32: return gather_rows<float>(X, order, n, out, out_stride);
        case Number::float64: return gather_rows<double>(X, order, n, out, out_stride);
    }
}

void normalise(real* u, real* z, int64_t rows, int64_t columns, ptrdiff_t stride, const real* scale, const real* bias,
               real epsilon, real momentum, real* inverse, real* running_mean, real* running_variance) {
    const vec n = all(real(rows)), keep = all(1 - momentum), take = all(momentum);
    by_chains(columns, [&](auto chains, int64_t begin) {
        constexpr int V = chains;
        vec mean[V] = {}, variance[V] = {}, spread[V], gamma[V], beta[V];
        const auto at = [&](int64_t i, int v) { return i * stride + begin + v * LANES; };
        for (int64_t i = 0; i < rows; ++i) TREADLE_UNROLL for (int v = 0; v < V; ++v) mean[v] += load(u + at(i, v));
        TREADLE_UNROLL for (int v = 0; v < V; ++v) mean[v] = mean[v] / n;
        for (int64_t i = 0; i < rows; ++i) {
            TREADLE_UNROLL for (int v = 0; v < V; ++v) {
                const vec centred = load(u + at(i, v)) - mean[v];
                variance[v] = fma(centred, centred, variance[v]);
            }
        }
        TREADLE_UNROLL for (int v = 0; v < V; ++v) {
            spread[v] = all(1) / sqrt(variance[v] / n + all(epsilon));
            gamma[v] = load(scale + begin + v * LANES);
            beta[v] = load(bias + begin + v * LANES);
        }
        for (int64_t i = 0; i < rows; ++i) {
            TREADLE_UNROLL for (int v = 0; v < V; ++v) {
                const vec s = (load(u + at(i, v)) - mean[v]) * spread[v];
                store(u + at(i, v), s);
                store(z + at(i, v), fma(gamma[v], s, beta[v]));
            }
        }
        TREADLE_UNROLL for (int v = 0; v < V; ++v) {
            const int64_t j = begin + v * LANES;
            store(inverse + j, spread[v]);
            if (rows == 1) continue;  // one row says nothing of the variance
            const vec unbiased = variance[v] / all(real(rows - 1));
            store(running_mean + j, without_remnants(load(running_mean + j) * keep + mean[v] * take));
            store(running_variance + j,
                  without_remnants_of_squares(load(running_variance + j) * keep + unbiased * take));
        }
    });
}

void normalise_backward(real* d, const real* u, int64_t rows, int64_t columns, ptrdiff_t stride, const real* scale,
                        const real* inverse, real* scale_gradient, real* bias_gradient) {
    const vec n = all(real(rows));
    by_chains(columns, [&](auto chains, int64_t begin) {
        constexpr int V = chains;
        vec sum[V] = {}, product[V] = {};
        const auto at = [&](int64_t i, int v) { return i * stride + begin + v * LANES; };
        for (int64_t i = 0; i < rows; ++i) {
            TREADLE_UNROLL for (int v = 0; v < V; ++v) {
                const vec x = load(d + at(i, v));
                sum[v] += x;
                product[v] = fma(x, load(u + at(i, v)), product[v]);
            }
        }
        vec mean[V], slope[V], factor[V];
        TREADLE_UNROLL for (int v = 0; v < V; ++v) {
            const int64_t j = begin + v * LANES;
            store(bias_gradient + j, sum[v]);
            store(scale_gradient + j, product[v]);
            mean[v] = sum[v] / n;
            slope[v] = product[v] / n;
            factor[v] = load(scale + j) * load(inverse + j);
        }
        for (int64_t i = 0; i < rows; ++i)
            TREADLE_UNROLL for (int v = 0; v < V; ++v)
                store(d + at(i, v), factor[v] * (load(d + at(i, v)) - mean[v] - load(u + at(i, v)) * slope[v]));
    });
}

}  // namespace
}  // namespace treadle
