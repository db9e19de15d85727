// Shared by the checks of the kernels: random numbers, blocks of a batch, and counts of agreement.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "training/layout.h"

namespace treadle {

template <typename Real>
constexpr double ROUNDING = std::numeric_limits<Real>::epsilon() / 2;  // the largest relative error of one operation
template <typename Real>
constexpr Real NOT_WRITTEN = std::numeric_limits<Real>::quiet_NaN();

// The same numbers with every compiler and processor (SplitMix64; Steele, Lea and Flood 2014).
class Random {
public:
    explicit Random(uint64_t seed) : state_(seed) {}

    uint64_t bits() {
        uint64_t z = state_ += 0x9e3779b97f4a7c15u;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
    }

    int64_t integer(int64_t low, int64_t high) { return low + int64_t(bits() % uint64_t(high - low + 1)); }
    bool coin() { return bits() >> 63; }

    template <typename Real>
    Real number(double low, double high) {
        return Real(low + (high - low) * double(bits() >> 11) * 0x1p-53);
    }

    template <typename Real>
    std::vector<Real> numbers(int64_t n, double low, double high) {
        std::vector<Real> out(static_cast<size_t>(n));
        for (Real& x : out) x = number<Real>(low, high);
        return out;
    }

private:
    uint64_t state_;
};

// A batch's values in the layout of kernels.h: zero from the last column to the end of its panel, and NaN in the
// scratch beyond and in the 16 numbers past the end, so that what is read there and should not be is seen.
template <typename Real>
struct Block {
    int64_t rows, columns, padded;
    ptrdiff_t stride;
    std::vector<Real> values;

    Block(int64_t rows, int64_t columns, int64_t panel)
        : rows(rows), columns(columns), padded(panels(columns, panel) * panel),
          stride(treadle::stride<Real>(columns, panel)), values(size_t(rows * stride + 16), NOT_WRITTEN<Real>) {
        for (int64_t i = 0; i < rows; ++i) std::memset(row(i), 0, size_t(padded) * sizeof(Real));
    }

    Block(Random& random, int64_t rows, int64_t columns, int64_t panel, double low, double high)
        : Block(rows, columns, panel) {
        for (int64_t i = 0; i < rows; ++i)
            for (int64_t j = 0; j < columns; ++j) row(i)[j] = random.number<Real>(low, high);
    }

    Real* data() { return values.data(); }
    Real* row(int64_t i) { return data() + i * stride; }
    double at(int64_t i, int64_t j) const { return double(values[size_t(i * stride + j)]); }
};

// Results against what they should be. It counts, and knows the first that is wrong.
class Comparison {
public:
    // |got - expected| <= tolerance; infinities agree with themselves, and NaN with NaN.
    void near(double got, double expected, double tolerance) {
        ++compared_;
        const bool agree = std::isfinite(expected) ? std::abs(got - expected) <= tolerance
                                                   : got == expected || (std::isnan(got) && std::isnan(expected));
        if (!agree && wrong_++ == 0) first_ = {got, expected, tolerance};
    }

    // The same bits, array against array.
    template <typename Real>
    void same(const Real* got, const Real* expected, size_t n) {
        for (size_t i = 0; i < n; ++i) {
            ++compared_;
            if (std::memcmp(got + i, expected + i, sizeof(Real)) != 0 && wrong_++ == 0)
                first_ = {double(got[i]), double(expected[i]), 0};
        }
    }

    struct Wrong {
        double got, expected, tolerance;
    };
    int64_t compared() const { return compared_; }
    int64_t wrong() const { return wrong_; }
    const Wrong& first() const { return first_; }

private:
    int64_t compared_ = 0, wrong_ = 0;
    Wrong first_{};
};

}  // namespace treadle
