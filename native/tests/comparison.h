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

constexpr double ROUNDING = 0x1p-24;  // the largest relative error of one operation in float32
constexpr float NOT_WRITTEN = std::numeric_limits<float>::quiet_NaN();

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
    float number(double low, double high) { return float(low + (high - low) * double(bits() >> 11) * 0x1p-53); }

    std::vector<float> numbers(int64_t n, double low, double high) {
        std::vector<float> out(static_cast<size_t>(n));
        for (float& x : out) x = number(low, high);
        return out;
    }

private:
    uint64_t state_;
};

// A batch's values in the layout of kernels.h: zero from the last column to the end of its panel, and NaN in the
// scratch beyond and in the 16 floats past the end, so that what is read there and should not be is seen.
struct Block {
    int64_t rows, columns, padded;
    ptrdiff_t stride;
    std::vector<float> values;

    Block(int64_t rows, int64_t columns, int64_t panel)
        : rows(rows), columns(columns), padded(panels(columns, panel) * panel), stride(treadle::stride(columns, panel)),
          values(size_t(rows * stride + 16), NOT_WRITTEN) {
        for (int64_t i = 0; i < rows; ++i) std::memset(row(i), 0, size_t(padded) * sizeof(float));
    }

    Block(Random& random, int64_t rows, int64_t columns, int64_t panel, double low, double high)
        : Block(rows, columns, panel) {
        for (int64_t i = 0; i < rows; ++i)
            for (int64_t j = 0; j < columns; ++j) row(i)[j] = random.number(low, high);
    }

    float* data() { return values.data(); }
    float* row(int64_t i) { return data() + i * stride; }
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
    void same(const void* got, const void* expected, size_t floats) {
        for (size_t i = 0; i < floats; ++i) {
            float a, b;
            std::memcpy(&a, static_cast<const char*>(got) + i * sizeof a, sizeof a);
            std::memcpy(&b, static_cast<const char*>(expected) + i * sizeof b, sizeof b);
            ++compared_;
            if (std::memcmp(&a, &b, sizeof a) != 0 && wrong_++ == 0) first_ = {a, b, 0};
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
