// The screen and the check of treadle/l1/screening.py over a user's rows: see l1_kernels.h.
//
// A block of rows is converted to float64 and turned, a column of the block being contiguous: every sum below is
// over columns, for DLANES rows at a time, so that neither the type nor the order of X matters any more.
#pragma once

#include "l1_kernels.h"
#include "vector_double.h"

namespace treadle {
namespace {

constexpr int64_t SCREEN_BLOCK = 64;

template <typename T>
TREADLE_INLINE double number_at(const char* p) {
    T x;
    std::memcpy(&x, p, sizeof x);
    return double(x);
}

// Columns of rows begin <= i < end, a block's worth at most, into turned (k, SCREEN_BLOCK).
template <typename T>
void turn(const ScreenRequest& request, int64_t begin, int64_t end, double* turned) {
    const char* data = request.X.data;
    const bool by_row = request.X.column_bytes <= request.X.row_bytes;
    if (by_row) {
        for (int64_t i = begin; i < end; ++i) {
            const char* row = data + i * request.X.row_bytes;
            for (int64_t j = 0; j < request.k; ++j)
                turned[j * SCREEN_BLOCK + i - begin] =
                    number_at<T>(row + request.columns[j] * request.X.column_bytes);
        }
    } else {
        for (int64_t j = 0; j < request.k; ++j) {
            const char* column = data + request.columns[j] * request.X.column_bytes;
            for (int64_t i = begin; i < end; ++i)
                turned[j * SCREEN_BLOCK + i - begin] = number_at<T>(column + i * request.X.row_bytes);
        }
    }
}

// The block, and its residuals; rows past the end are zero.
struct Turned {
    std::vector<double> X;
    double r[SCREEN_BLOCK];

    explicit Turned(int64_t k) : X(size_t(k * SCREEN_BLOCK)) {}

    void load_block(const ScreenRequest& request, int64_t begin, int64_t end) {
        if (end - begin < SCREEN_BLOCK) X.assign(X.size(), 0.0);
        if (request.X.type == Number::float32) {
            turn<float>(request, begin, end, X.data());
        } else {
            turn<double>(request, begin, end, X.data());
        }
        for (int64_t i = begin; i < begin + SCREEN_BLOCK; ++i) {
            const char* y = request.y.data + i * request.y.row_bytes;
            r[i - begin] = i >= end                             ? 0
                           : request.y.type == Number::float32 ? number_at<float>(y)
                                                               : number_at<double>(y);
        }
        for (int64_t i = 0; i < SCREEN_BLOCK; i += DLANES) {
            dvec rest = load(r + i) - all(request.w[0]);
            for (int64_t j = 0; j < request.k; ++j)
                rest = fma(all(-request.w[1 + j]), load(X.data() + j * SCREEN_BLOCK + i), rest);
            store(r + i, rest);
        }
    }
};

void screen_rows(const ScreenRequest& request, int64_t begin, int64_t end, ScreenSums& sums) {
    const int64_t k = request.k, p = request.p;
    Turned block(k);
    std::vector<double> folds(size_t((1 + k) * DLANES), 0.0);
    double u[SCREEN_BLOCK];
    for (int64_t start = begin; start < end; start += SCREEN_BLOCK) {
        const int64_t stop = start + SCREEN_BLOCK < end ? start + SCREEN_BLOCK : end;
        block.load_block(request, start, stop);
        double lengths[SCREEN_BLOCK];
        for (int64_t i = 0; i < SCREEN_BLOCK; i += DLANES) {
            dvec squares{};
            for (int64_t c = 0; c < p; ++c) {
                dvec z = all(request.A[c]);
                const int64_t last = p == k ? c + 1 : c;  // A is triangular
                for (int64_t j = 0; j < last; ++j)
                    z = fma(all(request.A[(1 + j) * p + c]), load(block.X.data() + j * SCREEN_BLOCK + i), z);
                squares = fma(z, z, squares);
            }
            store(lengths + i, squares);
        }
        for (int64_t i = 0; i < SCREEN_BLOCK; ++i) {
            u[i] = 0;
            if (start + i >= stop) continue;
            const double r = block.r[i];
            if (!(r - r == 0)) {
                if (sums.not_finite < 0) sums.not_finite = start + i;
                continue;
            }
            const double weight = request.weights ? request.weights[start + i] : 1.0;
            int8_t side = 0;
            if (weight > 0) {
                if (r * r <= request.radius * request.radius * lengths[i]) {
                    sums.rows.push_back(start + i);
                } else {
                    side = r > 0 ? 1 : -1;
                    u[i] = weight * (r > 0 ? request.high : request.low);
                    sums.loss += u[i] * r;
                    sums.size += side * u[i];
                }
            }
            request.side[start + i] = side;
        }
        for (int64_t i = 0; i < SCREEN_BLOCK; i += DLANES) {
            const dvec share = load(u + i);
            store(folds.data(), load(folds.data()) + share);
            for (int64_t j = 0; j < k; ++j) {
                double* fold = folds.data() + (1 + j) * DLANES;
                store(fold, fma(share, load(block.X.data() + j * SCREEN_BLOCK + i), load(fold)));
            }
        }
    }
    sums.fold.resize(size_t(1 + k));
    for (int64_t j = 0; j < 1 + k; ++j) sums.fold[size_t(j)] = sum_of(load(folds.data() + j * DLANES));
}

void check_rows(const ScreenRequest& request, int64_t begin, int64_t end, ScreenSums& sums) {
    Turned block(request.k);
    for (int64_t start = begin; start < end; start += SCREEN_BLOCK) {
        const int64_t stop = start + SCREEN_BLOCK < end ? start + SCREEN_BLOCK : end;
        block.load_block(request, start, stop);
        for (int64_t i = start; i < stop; ++i) {
            if (request.side[i] * block.r[i - start] < 0) sums.rows.push_back(i);
        }
    }
}

}  // namespace
}  // namespace treadle
