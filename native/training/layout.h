// Sizes and copies of the memory layout that kernels.h describes.
#pragma once

#include <cstdint>
#include <cstring>

namespace treadle {

inline int64_t ceil_divide(int64_t n, int64_t by) { return (n + by - 1) / by; }

inline int64_t panels(int64_t columns, int64_t panel) { return ceil_divide(columns, panel); }

// Numbers from one row of a batch to the next.
template <typename Real>
int64_t stride(int64_t columns, int64_t panel) {
    constexpr int64_t LINE = 64 / sizeof(Real);
    const int64_t lines = ceil_divide(panels(columns, panel) * panel, LINE);
    return LINE * (lines | 1);
}

// Weights (n_in, n_out), row-major, into panels or back.
template <typename Real>
void to_panels(const Real* weights, int64_t n_in, int64_t n_out, int64_t panel, Real* packed) {
    for (int64_t begin = 0; begin < n_out; begin += panel) {
        const int64_t columns = n_out - begin < panel ? n_out - begin : panel;
        for (int64_t k = 0; k < n_in; ++k, packed += panel)
            std::memcpy(packed, weights + k * n_out + begin, size_t(columns) * sizeof(Real));
    }
}

template <typename Real>
void from_panels(const Real* packed, int64_t n_in, int64_t n_out, int64_t panel, Real* weights) {
    for (int64_t begin = 0; begin < n_out; begin += panel) {
        const int64_t columns = n_out - begin < panel ? n_out - begin : panel;
        for (int64_t k = 0; k < n_in; ++k, packed += panel)
            std::memcpy(weights + k * n_out + begin, packed, size_t(columns) * sizeof(Real));
    }
}

}  // namespace treadle
