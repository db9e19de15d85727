// a b + c rounded once, for processors without such an instruction, to the bits that those with one give.
//
// Rounding to odd takes, of the two numbers next to an exact sum, the one whose last bit is set, and the sum itself
// where it is a number. What is rounded to odd with two bits more, and then to nearest, is as if rounded to nearest
// once (Boldo and Melquiond 2008, "Emulation of a FMA and correctly rounded sums: proved algorithms using rounding to
// odd").
//
// Subnormal numbers are kept or flushed as the thread has it, results after rounding as x86 flushes them. Rounding to
// nearest is assumed, and no excess precision.
#pragma once

#include <cstdint>
#include <cstring>

namespace treadle {
namespace {

// a + b = sum + lost, exactly (Knuth, TAOCP 2, section 4.2.2, theorem B).
struct ExactSum {
    double sum, lost;
    ExactSum(double a, double b) : sum(a + b) {
        const double added = sum - a;
        lost = (a - (sum - added)) + (b - added);
    }
};

// a + b rounded to odd.
inline double sum_to_odd(double a, double b) {
    const ExactSum exact(a, b);
    if (!(exact.lost < 0 || exact.lost > 0)) return exact.sum;  // also where it is infinite, and `lost` NaN
    int64_t bits;
    std::memcpy(&bits, &exact.sum, sizeof bits);
    if (bits & 1) return exact.sum;
    bits += (exact.lost > 0) == (exact.sum > 0) ? 1 : -1;
    double odd;
    std::memcpy(&odd, &bits, sizeof odd);
    return odd;
}

// The product of two float32 is a float64, and a float64 has 29 bits more.
inline float fused(float a, float b, float c) { return float(sum_to_odd(double(a) * double(b), double(c))); }

}  // namespace
}  // namespace treadle
