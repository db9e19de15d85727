// exp, log, tanh, sin, cos, the logistic function and the normal distribution, on one vector.
//
// Largest errors in units in the last place, with fused multiply-adds and without, where the result is a normal number:
// in float32, over every 37th argument against double precision, and in float64, over a million random arguments
// against quadruple precision,
//
//     float32   exp 1.04   log 0.83   tanh 2.5   logistic 2.4   phi 2.0   Phi 4.2 for x < 0, 1.2 for x > 0
//     float64   exp 1.00   log 0.82   tanh 2.5   logistic 2.2   phi 2.2   Phi 6.8 for x < 0, 1.3 for x > 0
//
// The largest absolute error of Phi is 7.2e-8 and 1.5e-16, that of sin and cos, up to |x| = 1000, 1.2e-7 and 2.2e-16.
//
// At +-inf each is its limit, NaN stays NaN, what is too large is inf. Results below the least normal number, and
// subnormal arguments, may be 0: the workers flush them. The processor's own rounding to nearest is assumed.
//
// Nothing here calls the C library.
#pragma once

#include <iterator>
#include <limits>

#include "kernels/elementary_fits.h"
#include "kernels/vector.h"

namespace treadle {
namespace {

using Fits = std::conditional_t<FLOAT64, Fits64, Fits32>;

constexpr real INF = std::numeric_limits<real>::infinity();
constexpr real NOT_A_NUMBER = std::numeric_limits<real>::quiet_NaN();
constexpr real LARGEST = std::numeric_limits<real>::max();
constexpr real LEAST_NORMAL = std::numeric_limits<real>::min();
constexpr integer SIGN_BIT = std::numeric_limits<integer>::min();

TREADLE_INLINE vec absolute(vec x) { return as_reals(as_bits(x) & ~SIGN_BIT); }

// The polynomial in x with these coefficients, the highest power's first; p is the value so far, by Horner's rule.
template <const auto& COEFFICIENTS, size_t USED = 1>
TREADLE_INLINE vec polynomial(vec x, vec p = all(COEFFICIENTS[0])) {
    if constexpr (USED == std::size(COEFFICIENTS))
        return p;
    else
        return polynomial<COEFFICIENTS, USED + 1>(x, fma(p, x, all(COEFFICIENTS[USED])));
}

// e^x = 2^n (1 + growth), n an integer and |growth| <= 0.415; growth = e^r - 1 has a small relative error.
struct Exponential {
    ivec n;
    vec growth;
};

// e^(high + low), where |low| is the smaller and their sum is not far beyond the bounds of `exp`.
TREADLE_INLINE Exponential exponential(vec high, vec low) {
    const vec shifted = fma(high + low, all(Fits::LOG2_E), all(Fits::ROUND)), n = shifted - all(Fits::ROUND);
    const vec r = fma(n, all(-Fits::LN2_LOW), fma(n, all(-Fits::LN2_HIGH), high)) + low;
    return {as_bits(shifted) - as_bits(all(Fits::ROUND)), fma(polynomial<Fits::EXP>(r) * r, r, r)};
}

// n for -2^22 < n < 2^22, which not every processor has an instruction for in float64.
TREADLE_INLINE vec to_reals(ivec n) { return as_reals(as_bits(all(Fits::ROUND)) + n) - all(Fits::ROUND); }

// 2^n for a normal result.
TREADLE_INLINE vec power_of_two(ivec n) { return as_reals((n + Fits::BIAS) << Fits::MANTISSA); }

// 2^n (1 + growth) for n within twice the exponents of normal numbers, rounded once where the result is normal.
TREADLE_INLINE vec value(Exponential e) {
    const ivec half = e.n >> 1;
    return (1 + e.growth) * power_of_two(half) * power_of_two(e.n - half);
}

TREADLE_INLINE vec exp(vec x) {
    // Beyond these bounds the result is 0 or inf, and n would leave its range.
    return value(exponential(minimum(all(Fits::EXP_ABOVE), maximum(all(Fits::EXP_BELOW), x)), zero()));
}

struct Exponentials {
    vec growing, fading;  // e^a and e^-a
};

// For a >= 0, to the bits of `exp`: n and r of -a are those of a with the other sign, since rounding to nearest is the
// same on both sides of 0.
TREADLE_INLINE Exponentials exponentials(vec a) {
    a = minimum(all(-Fits::EXP_BELOW), a);
    const vec shifted = fma(a, all(Fits::LOG2_E), all(Fits::ROUND)), n = shifted - all(Fits::ROUND);
    const vec r = fma(n, all(-Fits::LN2_LOW), fma(n, all(-Fits::LN2_HIGH), a));
    const ivec power = as_bits(shifted) - as_bits(all(Fits::ROUND)), half = power >> 1, rest = power - half;
    const vec up = fma(polynomial<Fits::EXP>(r) * r, r, r), down = fma(polynomial<Fits::EXP>(-r) * -r, -r, -r);
    return {(1 + up) * power_of_two(half) * power_of_two(rest), (1 + down) * power_of_two(-half) * power_of_two(-rest)};
}

TREADLE_INLINE vec log(vec x) {
    // What is positive is 2^n (1 + f), with 1 + f from sqrt(1/2) to sqrt(2).
    const ivec bits = as_bits(maximum(all(LEAST_NORMAL), x));
    const ivec n = (bits - as_bits(all(Fits::SQRT_HALF))) >> Fits::MANTISSA;
    const vec f = as_reals(bits - (n << Fits::MANTISSA)) - 1, exponent = to_reals(n);
    const vec square = f * f;
    const vec tail = fma(square, all(-0.5), fma(polynomial<Fits::LOG>(f) * f, square, exponent * all(Fits::LN2_LOW)));
    const vec y = fma(exponent, all(Fits::LN2_HIGH), f + tail);
    const vec below = x > all(-LEAST_NORMAL) ? all(-INF) : all(NOT_A_NUMBER);
    return x < all(LEAST_NORMAL) ? below : x < all(INF) ? y : x;  // the last: inf and NaN
}

// e^(2|x|) - 1 = t has a small relative error, and so has tanh |x| = t / (t + 2).
TREADLE_INLINE vec tanh(vec x) {
    const vec twice = minimum(all(Fits::TANH_IS_ONE), 2 * absolute(x));
    const Exponential e = exponential(twice, zero());
    const vec scale = power_of_two(e.n);
    const vec t = fma(scale, e.growth, scale - 1);
    return as_reals(as_bits(t / (t + 2)) | (as_bits(x) & SIGN_BIT));
}

// e^x - 1 for x <= 0, with a small relative error.
TREADLE_INLINE vec exp_minus_one(vec x) {
    const Exponential e = exponential(maximum(all(-Fits::TANH_IS_ONE), x), zero());
    const vec scale = power_of_two(e.n);
    return fma(scale, e.growth, scale - 1);
}

// With x = n pi + r and |r| <= pi / 2, sin x is sin r or, where n is odd, -sin r; with x = (n + 1/2) pi + r, cos x is
// -sin r or, where n is odd, sin r. To 2^21 pi; beyond, some number from -1 to 1.
template <bool COSINE>
TREADLE_INLINE vec sine_or_cosine(vec x) {
    constexpr real SHIFT = COSINE ? real(0.5) : real(0), QUARTER = real(1.5708);
    const vec shifted = fma(x, all(Fits::PER_PI), all(-SHIFT)) + all(Fits::ROUND);
    const vec turns = (shifted - all(Fits::ROUND)) + all(SHIFT);
    const vec rest = fma(turns, all(-Fits::PI_LOW), fma(turns, all(-Fits::PI_HIGH), x));
    const vec r = minimum(all(QUARTER), maximum(all(-QUARTER), rest)), square = r * r;
    const vec sine = fma(polynomial<Fits::SINE>(square) * square, r, r);
    const ivec is_odd = (as_bits(shifted) & 1) << (8 * sizeof(real) - 1);
    return as_reals(as_bits(sine) ^ (COSINE ? is_odd ^ SIGN_BIT : is_odd));
}

TREADLE_INLINE vec sin(vec x) { return sine_or_cosine<false>(x); }

TREADLE_INLINE vec cos(vec x) { return sine_or_cosine<true>(x); }

TREADLE_INLINE vec logistic(vec x) { return 1 / (1 + exp(-x)); }

struct Normal {
    vec distribution;  // Phi(x)
    vec density;       // phi(x) = e^(-x^2 / 2) / sqrt(2 pi)
};

// Near 0, Phi(x) = 1/2 + x R(x^2). Beyond |x| = 1, Phi(-|x|) is e^(-x^2 / 2) t P(t), t = 1 / (|x| + 1), with a
// polynomial P that varies little (Shepherd and Laframboise 1981 use that form for e^(x^2) erfc x), which keeps small
// probabilities their relative precision.
TREADLE_INLINE Normal normal(vec x) {
    const vec a = minimum(all(Fits::NORMAL_TAIL), absolute(x));
    // x^2 / 2 needs more bits than a number has: a = h + l, h of half its bits, and h^2 is exact.
    const vec h = as_reals(as_bits(a) & ~Fits::LOWER_HALF), l = a - h;
    const vec bell = value(exponential(h * h * -0.5, (a + h) * l * -0.5));
    const vec t = 1 / (a + 1);
    const vec tail = bell * (t * polynomial<Fits::TAIL>(fma(all(Fits::SLOPE), t, all(Fits::OFFSET))));
    const vec central = fma(x, polynomial<Fits::CENTRAL>(a * a), all(0.5)), outer = x > 0 ? 1 - tail : tail;
    return {a < all(1) ? central : outer, bell * real(0.39894228040143267794)};
}

}  // namespace
}  // namespace treadle
