// Numbers with a bound of their rounding, for the checks of the exact L1 regression.
#pragma once

#include <initializer_list>

#include "comparison.h"

namespace treadle {

// From `first` to 40, and some more.
template <typename Body>
void for_columns(int64_t first, const Body& body) {
    for (int64_t columns = first; columns <= 40; ++columns) body(columns);
    for (const int64_t columns : {41, 48, 63, 64, 65, 97}) body(columns);
}

// A number, and a bound of the error that one computation of it makes.
struct Bounded {
    double value = 0, error = 0;

    static Bounded rounded(double value, double error) { return {value, error + ROUNDING<double> * std::abs(value)}; }
    double size() const { return std::abs(value) + error; }

    friend Bounded operator-(Bounded a) { return {-a.value, a.error}; }
    friend Bounded operator+(Bounded a, Bounded b) { return rounded(a.value + b.value, a.error + b.error); }
    friend Bounded operator-(Bounded a, Bounded b) { return a + -b; }
    friend Bounded operator*(Bounded a, Bounded b) {
        return rounded(a.value * b.value, a.error * b.size() + b.error * a.size());
    }
    friend Bounded operator/(Bounded a, Bounded b) {
        const double ratio = a.value / b.value;
        return rounded(ratio, (a.error + std::abs(ratio) * b.error) / (std::abs(b.value) - b.error));
    }
};

// A sum in any order.
class Sum {
public:
    explicit Sum(double before = 0) { add({before}); }

    void add(Bounded term) {
        value_ += term.value;
        error_ += term.error;
        size_ += std::abs(term.value);
        ++terms_;
    }
    Bounded total() const { return {value_, error_ + double(terms_) * ROUNDING<double> * size_}; }

private:
    double value_ = 0, error_ = 0, size_ = 0;
    int64_t terms_ = 0;
};

// The order of the kernels' operations is another, and both computations err.
inline double tolerance(Bounded x) { return 4 * x.error; }

inline void compare(double got, Bounded expected, Comparison& comparison) {
    comparison.near(got, expected.value, tolerance(expected));
}

inline void same(const std::vector<double>& got, const std::vector<double>& expected, Comparison& comparison) {
    comparison.near(double(got.size()), double(expected.size()), 0);
    if (got.size() == expected.size()) comparison.same(got.data(), expected.data(), got.size());
}

}  // namespace treadle
