// The passes over a batch by rows or columns: gathering, masks, batch normalisation.
#pragma once

#include "kernels/kernels.h"
#include "kernels/optimizers.h"
#include "kernels/vector.h"

namespace treadle {
namespace {

template <typename T>
void gather_strided(const Rows& X, const char* row, float* out) {
    for (int64_t j = 0; j < X.columns; ++j) {
        T x;
        std::memcpy(&x, row + j * X.column_bytes, sizeof x);
        if constexpr (sizeof(T) == sizeof(double)) {
            out[j] = float(x * X.scale + X.offset);
        } else {
            out[j] = float(x) * float(X.scale) + float(X.offset);
        }
    }
}

template <typename T>
void gather_compressed(const Rows& X, int64_t row, float* out) {
    const float scale = float(X.scale), offset = float(X.offset);
    const T* values = static_cast<const T*>(X.data);
    for (int64_t j = 0; j < X.columns; ++j) out[j] = offset;
    for (int64_t p = X.starts[row]; p < X.starts[row + 1]; ++p) {
        if constexpr (sizeof(T) == sizeof(double)) {
            out[X.indices[p]] += float(values[p] * X.scale);
        } else {
            out[X.indices[p]] += float(values[p]) * scale;
        }
    }
}

void gather(const Rows& X, const int64_t* order, int64_t n, float* out, ptrdiff_t out_stride) {
    const float scale = float(X.scale), offset = float(X.offset);
    const bool bytes_in_line = X.type == Number::uint8 && X.column_bytes == 1;
    const bool floats_in_line = X.type == Number::float32 && X.column_bytes == sizeof(float);
    for (int64_t i = 0; i < n; ++i, out += out_stride) {
        if (X.starts) {
            if (X.type == Number::uint8) {
                gather_compressed<uint8_t>(X, order[i], out);
            } else if (X.type == Number::float32) {
                gather_compressed<float>(X, order[i], out);
            } else {
                gather_compressed<double>(X, order[i], out);
            }
            continue;
        }
        const char* row = static_cast<const char*>(X.data) + order[i] * X.row_bytes;
        if (bytes_in_line) {
            const uint8_t* pixels = reinterpret_cast<const uint8_t*>(row);
            int64_t j = 0;
            for (; j + LANES <= X.columns; j += LANES)
                store(out + j, from_bytes(pixels + j) * all(scale) + all(offset));
            for (; j < X.columns; ++j) out[j] = float(pixels[j]) * scale + offset;
        } else if (floats_in_line) {
            int64_t j = 0;
            for (; j + LANES <= X.columns; j += LANES) {
                vec x;
                std::memcpy(&x, row + j * sizeof(float), sizeof x);  // rows need not be aligned
                store(out + j, x * all(scale) + all(offset));
            }
            for (; j < X.columns; ++j) {
                float x;
                std::memcpy(&x, row + j * sizeof(float), sizeof x);
                out[j] = x * scale + offset;
            }
        } else if (X.type == Number::uint8) {
            gather_strided<uint8_t>(X, row, out);
        } else if (X.type == Number::float32) {
            gather_strided<float>(X, row, out);
        } else {
            gather_strided<double>(X, row, out);
        }
    }
}

void multiply_elements(const float* a, const float* b, float* out, int64_t rows, int64_t columns, ptrdiff_t stride) {
    for (int64_t i = 0; i < rows; ++i) {
        for (int64_t j = 0; j < columns; j += LANES) {
            const ptrdiff_t at = i * stride + j;
            store(out + at, load(a + at) * load(b + at));
        }
    }
}

void normalise(float* u, float* z, int64_t rows, ptrdiff_t stride, const float* scale, const float* bias, float epsilon,
               float momentum, float* inverse, float* running_mean, float* running_variance) {
    const vec n = all(float(rows));
    for (int j = 0; j < PANEL; j += LANES) {
        vec mean = zero(), variance = zero();
        for (int64_t i = 0; i < rows; ++i) mean += load(u + i * stride + j);
        mean = mean / n;
        for (int64_t i = 0; i < rows; ++i) {
            const vec centred = load(u + i * stride + j) - mean;
            variance = fma(centred, centred, variance);
        }
        const vec spread = all(1.0f) / sqrt(variance / n + all(epsilon));
        const vec gamma = load(scale + j), beta = load(bias + j);
        for (int64_t i = 0; i < rows; ++i) {
            const vec s = (load(u + i * stride + j) - mean) * spread;
            store(u + i * stride + j, s);
            store(z + i * stride + j, fma(gamma, s, beta));
        }
        store(inverse + j, spread);
        if (rows > 1) {  // one row says nothing of the variance
            const vec keep = all(1 - momentum), take = all(momentum);
            const vec unbiased = variance / all(float(rows - 1));
            store(running_mean + j, without_remnants(load(running_mean + j) * keep + mean * take));
            store(running_variance + j,
                  without_remnants_of_squares(load(running_variance + j) * keep + unbiased * take));
        }
    }
}

void normalise_backward(float* d, const float* u, int64_t rows, ptrdiff_t stride, const float* scale,
                        const float* inverse, float* scale_gradient, float* bias_gradient) {
    const vec n = all(float(rows));
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
