// The passes over a batch by rows or columns: gathering, masks, batch normalisation.
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

void multiply_elements(const real* a, const real* b, real* out, int64_t rows, int64_t columns, ptrdiff_t stride) {
    for (int64_t i = 0; i < rows; ++i) {
        for (int64_t j = 0; j < columns; j += LANES) {
            const ptrdiff_t at = i * stride + j;
            store(out + at, load(a + at) * load(b + at));
        }
    }
}

void normalise(real* u, real* z, int64_t rows, ptrdiff_t stride, const real* scale, const real* bias, real epsilon,
               real momentum, real* inverse, real* running_mean, real* running_variance) {
    const vec n = all(real(rows));
    for (int j = 0; j < PANEL; j += LANES) {
        vec mean = zero(), variance = zero();
        for (int64_t i = 0; i < rows; ++i) mean += load(u + i * stride + j);
        mean = mean / n;
        for (int64_t i = 0; i < rows; ++i) {
            const vec centred = load(u + i * stride + j) - mean;
            variance = fma(centred, centred, variance);
        }
        const vec spread = all(1) / sqrt(variance / n + all(epsilon));
        const vec gamma = load(scale + j), beta = load(bias + j);
        for (int64_t i = 0; i < rows; ++i) {
            const vec s = (load(u + i * stride + j) - mean) * spread;
            store(u + i * stride + j, s);
            store(z + i * stride + j, fma(gamma, s, beta));
        }
        store(inverse + j, spread);
        if (rows > 1) {  // one row says nothing of the variance
            const vec keep = all(1 - momentum), take = all(momentum);
            const vec unbiased = variance / all(real(rows - 1));
            store(running_mean + j, without_remnants(load(running_mean + j) * keep + mean * take));
            store(running_variance + j,
                  without_remnants_of_squares(load(running_variance + j) * keep + unbiased * take));
        }
    }
}

void normalise_backward(real* d, const real* u, int64_t rows, ptrdiff_t stride, const real* scale, const real* inverse,
                        real* scale_gradient, real* bias_gradient) {
    const vec n = all(real(rows));
    for (int j = 0; j < PANEL; j += LANES) {
        vec sum = zero(), product = zero();
        for (int64_t i = 0; i < rows; ++i) {
            const vec x = load(d + i * stride + j);
            sum += x;
            product = fma(x, load(u + i * stride + j), product);
        }
        store(bias_gradient + j, sum);
        store(scale_gradient + j, product);
        const vec mean = sum / n, slope = product / n, factor = load(scale + j) * load(inverse + j);
        for (int64_t i = 0; i < rows; ++i) {
            const ptrdiff_t at = i * stride + j;
            store(d + at, factor * (load(d + at) - mean - load(u + at) * slope));
        }
    }
}

}  // namespace
}  // namespace treadle
