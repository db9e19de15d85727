// The screen and the check of treadle/l1/dense/screening.py over a user's rows: see l1_kernels.h.
//
// A block of rows is converted to float64 and turned, a column of the block being contiguous: every sum below is
// over columns, for LANES rows at a time, so that neither the type nor the order of X matters any more.
#pragma once

#include "kernels/l1_kernels.h"
#include "kernels/vector.h"

namespace treadle {
namespace {

constexpr int64_t SCREEN_BLOCK = 64;
// Between the columns of a block: an odd number of cache lines, so that they do not meet in the same few sets.
constexpr int64_t COLUMN = SCREEN_BLOCK + 8;
// Columns of A, and vectors of rows, that are summed at once.
constexpr int64_t WIDE_A = 6, VECTORS_X = 2, VECTORS_R = 4;
static_assert(SCREEN_BLOCK % (VECTORS_R * LANES) == 0);

template <typename T>
TREADLE_INLINE double number_at(const char* p) {
    T x;
    std::memcpy(&x, p, sizeof x);
    return double(x);
}

// Columns of rows begin <= i < end, a block's worth at most, into turned (k, COLUMN).
template <typename T>
void turn(const ScreenRequest& request, int64_t begin, int64_t end, double* turned) {
    const char* data = request.X.data;
    const bool by_row = request.X.column_bytes <= request.X.row_bytes;
    if (by_row) {
        for (int64_t i = begin; i < end; ++i) {
            const char* row = data + request.row(i) * request.X.row_bytes;
            for (int64_t j = 0; j < request.k; ++j)
                turned[j * COLUMN + i - begin] = number_at<T>(row + request.columns[j] * request.X.column_bytes);
        }
    } else {
        for (int64_t j = 0; j < request.k; ++j) {
            const char* column = data + request.columns[j] * request.X.column_bytes;
            for (int64_t i = begin; i < end; ++i)
                turned[j * COLUMN + i - begin] = number_at<T>(column + request.row(i) * request.X.row_bytes);
        }
    }
}

// The block, and its residuals; rows past the end are zero.
struct Turned {
    std::vector<double> X;
    double r[SCREEN_BLOCK];

    explicit Turned(int64_t k) : X(size_t(k * COLUMN)) {}

    void load_block(const ScreenRequest& request, int64_t begin, int64_t end) {
        if (end - begin < SCREEN_BLOCK) X.assign(X.size(), 0.0);
        if (request.X.type == Number::float32) {
            turn<float>(request, begin, end, X.data());
        } else {
            turn<double>(request, begin, end, X.data());
        }
        for (int64_t i = begin; i < begin + SCREEN_BLOCK; ++i) {
            if (i >= end) {
                r[i - begin] = 0;
                continue;
            }
            const char* y = request.y.data + request.row(i) * request.y.row_bytes;
            r[i - begin] = request.y.type == Number::float32 ? number_at<float>(y) : number_at<double>(y);
        }
        for (int64_t i = 0; i < SCREEN_BLOCK; i += VECTORS_R * LANES) {
            vec rest[VECTORS_R];
            TREADLE_UNROLL for (int v = 0; v < VECTORS_R; ++v) rest[v] = load(r + i + v * LANES) - all(request.w[0]);
            for (int64_t j = 0; j < request.k; ++j) {
                const double* column = X.data() + j * COLUMN + i;
                const vec w = all(-request.w[1 + j]);
                TREADLE_UNROLL for (int v = 0; v < VECTORS_R; ++v) rest[v] = fma(w, load(column + v * LANES), rest[v]);
            }
            TREADLE_UNROLL for (int v = 0; v < VECTORS_R; ++v) store(r + i + v * LANES, rest[v]);
        }
    }

    // folds (k, LANES) += sum over rows of u_i x_i.
    void add_to(double* folds, int64_t k, const double* u) const {
        constexpr int64_t ABREAST = 4;
        for (int64_t j = 0; j < k; j += ABREAST) {
            vec fold[ABREAST];
            const double* columns[ABREAST];
            TREADLE_UNROLL for (int64_t a = 0; a < ABREAST; ++a) {
                const int64_t column = j + a < k ? j + a : k - 1;
                columns[a] = X.data() + column * COLUMN;
                fold[a] = load(folds + column * LANES);
            }
            for (int64_t i = 0; i < SCREEN_BLOCK; i += LANES) {
                const vec share = load(u + i);
                TREADLE_UNROLL for (int64_t a = 0; a < ABREAST; ++a) fold[a] =
                    fma(share, load(columns[a] + i), fold[a]);
            }
            for (int64_t a = 0; a < ABREAST && j + a < k; ++a) store(folds + (j + a) * LANES, fold[a]);
        }
    }
};

// A = (1 + k, p), in groups of WIDE_A columns, each group's rows one behind the other; zeros past the last column.
struct Grouped {
    int64_t k, p;
    std::vector<double> A;

    explicit Grouped(const ScreenRequest& request) : k(request.k), p(request.p) {
        const int64_t groups = (p + WIDE_A - 1) / WIDE_A;
        A.assign(size_t(groups * (1 + k) * WIDE_A), 0.0);
        for (int64_t c = 0; c < p; ++c) {
            double* group = A.data() + c / WIDE_A * (1 + k) * WIDE_A + c % WIDE_A;
            for (int64_t j = 0; j < 1 + k; ++j) group[j * WIDE_A] = request.A[j * p + c];
        }
    }

    // |A'(1, x)|^2 of the rows of a block.
    void squares(const double* X, double* lengths) const {
        for (int64_t i = 0; i < SCREEN_BLOCK; ++i) lengths[i] = 0;
        const double* group = A.data();
        for (int64_t c = 0; c < p; c += WIDE_A, group += (1 + k) * WIDE_A) {
            const int64_t next = c + WIDE_A < p ? c + WIDE_A : p;
            const int64_t last = p == k ? next : next - 1;  // A is triangular
            for (int64_t i = 0; i < SCREEN_BLOCK; i += VECTORS_X * LANES) {
                vec z[WIDE_A][VECTORS_X];
                TREADLE_UNROLL for (int a = 0; a < WIDE_A; ++a) {
                    TREADLE_UNROLL for (int v = 0; v < VECTORS_X; ++v) z[a][v] = all(group[a]);
                }
                const double* factors = group + WIDE_A;
                const double* x = X + i;
                for (int64_t j = 0; j < last; ++j, factors += WIDE_A, x += COLUMN) {
                    vec column[VECTORS_X];
                    TREADLE_UNROLL for (int v = 0; v < VECTORS_X; ++v) column[v] = load(x + v * LANES);
                    TREADLE_UNROLL for (int a = 0; a < WIDE_A; ++a) {
                        const vec factor = all(factors[a]);
                        TREADLE_UNROLL for (int v = 0; v < VECTORS_X; ++v) z[a][v] = fma(factor, column[v], z[a][v]);
                    }
                }
                TREADLE_UNROLL for (int v = 0; v < VECTORS_X; ++v) {
                    vec sum = load(lengths + i + v * LANES);
                    TREADLE_UNROLL for (int a = 0; a < WIDE_A; ++a) sum = fma(z[a][v], z[a][v], sum);
                    store(lengths + i + v * LANES, sum);
                }
            }
        }
    }
};

void screen_rows(const ScreenRequest& request, int64_t begin, int64_t end, ScreenSums& sums) {
    const int64_t k = request.k;
    Turned block(k);
    const Grouped grouped(request);
    std::vector<double> folds(size_t((1 + k) * LANES), 0.0);
    double u[SCREEN_BLOCK];
    for (int64_t start = begin; start < end; start += SCREEN_BLOCK) {
        const int64_t stop = start + SCREEN_BLOCK < end ? start + SCREEN_BLOCK : end;
        block.load_block(request, start, stop);
        double lengths[SCREEN_BLOCK] = {};
        if (request.radius > 0) grouped.squares(block.X.data(), lengths);
        for (int64_t i = 0; i < SCREEN_BLOCK; ++i) {
            u[i] = 0;
            if (start + i >= stop) continue;
            const double r = block.r[i];
            if (!(r - r == 0)) {
                if (sums.not_finite < 0) sums.not_finite = start + i;
                continue;
            }
            const double weight = request.weights ? request.weights[request.row(start + i)] : 1.0;
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
        for (int64_t i = 0; i < SCREEN_BLOCK; i += LANES) store(folds.data(), load(folds.data()) + load(u + i));
        if (k) block.add_to(folds.data() + LANES, k, u);
    }
    sums.fold.resize(size_t(1 + k));
    for (int64_t j = 0; j < 1 + k; ++j) sums.fold[size_t(j)] = sum_of(load(folds.data() + j * LANES));
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
