// beta^t, as Adam's corrections take it, by the same whole numbers as treadle/optimizers/decay.py: the C library's pow
// differs from system to system.
#pragma once

#include <cstdint>

namespace treadle {

// A number from 0 to 1 in units of 2^-128; 1 itself is the largest, 2^-128 too small.
using Fraction = unsigned __int128;

// a b, cut off after 128 bits.
inline Fraction multiply_fractions(Fraction a, Fraction b) {
    const uint64_t a_low = uint64_t(a), a_high = uint64_t(a >> 64), b_low = uint64_t(b), b_high = uint64_t(b >> 64);
    const Fraction low = Fraction(a_low) * b_low, one = Fraction(a_high) * b_low, other = Fraction(a_low) * b_high;
    const Fraction middle = (low >> 64) + uint64_t(one) + uint64_t(other);
    return Fraction(a_high) * b_high + (one >> 64) + (other >> 64) + (middle >> 64);
}

// beta^steps for 0 <= beta < 1 and steps >= 1, to steps 2^-126 and then rounded.
inline double decayed(double beta, int64_t steps) {
    Fraction square = Fraction(beta * 0x1p128), power = ~Fraction(0);
    for (uint64_t left = uint64_t(steps);; square = multiply_fractions(square, square)) {
        if (left & 1) power = power == ~Fraction(0) ? square : multiply_fractions(power, square);
        if ((left >>= 1) == 0) break;
    }
    return double(power) * 0x1p-128;
}

}  // namespace treadle
