// exp, log, tanh, the logistic function and the normal distribution, on one vector of float32.
//
// Largest errors against double precision over every 37th float32 whose result is a normal number, in units in the
// last place, with fused multiply-adds and without:
//
//     exp 1.04   log 0.83   tanh 2.5   logistic 2.4   phi 2.0   Phi 4.2 for x < 0, 1.2 for x > 0; absolute 7.2e-8
//
// At +-inf each is its limit, NaN stays NaN, what is too large is inf. Results below the least normal number, 2^-126,
// and subnormal arguments may be 0: the workers flush them. The processor's own rounding to nearest is assumed.
//
// Coefficients are minimax fits of the functions named at them, made in 40 digits and then rounded one by one, the
// others fitted again each time. Nothing here calls the C library.
#pragma once

#include "kernels/vector.h"

namespace treadle {
namespace {

constexpr float INF = __builtin_inff();
constexpr float NOT_A_NUMBER = __builtin_nanf("");
constexpr float LARGEST = 0x1.fffffep127f;
constexpr float LEAST_NORMAL = 0x1p-126f;
constexpr int32_t SIGN_BIT = INT32_MIN;

// log 2 = LN2_HIGH + LN2_LOW to 36 bits; n LN2_HIGH is exact for |n| < 2^15 (Cephes, expf.c).
constexpr float LN2_HIGH = 0.693359375f, LN2_LOW = -2.12194440e-4f;

TREADLE_INLINE vec absolute(vec x) { return as_floats(as_bits(x) & ~SIGN_BIT); }

// e^x = 2^n (1 + growth), n an integer and |growth| <= 0.415; growth = e^r - 1 has a small relative error.
struct Exponential {
    ivec n;
    vec growth;
};

// e^(high + low), where |low| is the smaller and their sum is from -128 to 89.
TREADLE_INLINE Exponential exponential(vec high, vec low) {
    constexpr float ROUND = 0x1.8p23f;  // a sum with it has no bits below 1
    const vec shifted = fma(high + low, all(1.44269504f), all(ROUND)), n = shifted - all(ROUND);
    const vec r = fma(n, all(-LN2_LOW), fma(n, all(-LN2_HIGH), high)) + low;
    // (e^r - 1 - r) / r^2 on |r| <= log(2) / 2, to 1.4e-8 / |r|.
    vec p = all(0x1.6d722cp-10f);
    p = fma(p, r, all(0x1.12268p-7f));
    p = fma(p, r, all(0x1.5554c8p-5f));
    p = fma(p, r, all(0x1.5554b2p-3f));
    p = fma(p, r, all(0.5f));
    return {as_bits(shifted) - as_bits(all(ROUND)), fma(p * r, r, r)};
}

// 2^n for -127 < n < 128.
TREADLE_INLINE vec power_of_two(ivec n) { return as_floats((n + 127) << 23); }

// 2^n (1 + growth) for -252 < n <= 254, rounded once where the result is normal.
TREADLE_INLINE vec value(Exponential e) {
    const ivec half = e.n >> 1;
    return (1.0f + e.growth) * power_of_two(half) * power_of_two(e.n - half);
}

TREADLE_INLINE vec exp(vec x) {
    // Beyond these bounds the result is 0 or inf, and n would leave its range.
    return value(exponential(minimum(all(89.0f), maximum(all(-104.0f), x)), zero()));
}

TREADLE_INLINE vec log(vec x) {
    // What is positive is 2^n (1 + f), with 1 + f from sqrt(1/2) to sqrt(2).
    const ivec bits = as_bits(maximum(all(LEAST_NORMAL), x)), n = (bits - as_bits(all(0x1.6a09e6p-1f))) >> 23;
    const vec f = as_floats(bits - (n << 23)) - 1.0f, exponent = to_floats(n);
    // (log(1 + f) - f + f^2 / 2) / f^3, to 5.9e-9 / f^2.
    vec p = all(-0x1.420c8p-4f);
    p = fma(p, f, all(0x1.07da2cp-3f));
    p = fma(p, f, all(-0x1.0cde9ap-3f));
    p = fma(p, f, all(0x1.226c9ep-3f));
    p = fma(p, f, all(-0x1.547894p-3f));
    p = fma(p, f, all(0x1.99a5aep-3f));
    p = fma(p, f, all(-0x1.00022p-2f));
    p = fma(p, f, all(0x1.55554ap-2f));
    const vec square = f * f;
    const vec tail = fma(square, all(-0.5f), fma(p * f, square, exponent * all(LN2_LOW)));
    const vec y = fma(exponent, all(LN2_HIGH), f + tail);
    const vec below = x > all(-LEAST_NORMAL) ? all(-INF) : all(NOT_A_NUMBER);
    return x < all(LEAST_NORMAL) ? below : x < all(INF) ? y : x;  // the last: inf and NaN
}

// e^(2|x|) - 1 = t has a small relative error, and so has tanh |x| = t / (t + 2).
TREADLE_INLINE vec tanh(vec x) {
    const vec twice = minimum(all(30.0f), 2.0f * absolute(x));
    const Exponential e = exponential(twice, zero());
    const vec scale = power_of_two(e.n);
    const vec t = fma(scale, e.growth, scale - 1.0f);
    return as_floats(as_bits(t / (t + 2.0f)) | (as_bits(x) & SIGN_BIT));
}

TREADLE_INLINE vec logistic(vec x) { return 1.0f / (1.0f + exp(-x)); }

struct Normal {
    vec distribution;  // Phi(x)
    vec density;       // phi(x) = e^(-x^2 / 2) / sqrt(2 pi)
};

// Near 0, Phi(x) = 1/2 + x R(x^2). Beyond |x| = 1, Phi(-|x|) is e^(-x^2 / 2) t P(t), t = 1 / (|x| + 1), with a
// polynomial P that varies little (Shepherd and Laframboise 1981 use that form for e^(x^2) erfc x), which keeps small
// probabilities their relative precision.
TREADLE_INLINE Normal normal(vec x) {
    const vec a = minimum(all(16.0f), absolute(x));  // beyond, all is 0 or 1
    // x^2 / 2 needs more bits than a float has: a = h + l, h of 12 bits, and h^2 is exact.
    const vec h = as_floats(as_bits(a) & ~0xfff), l = a - h;
    const vec bell = value(exponential(h * h * -0.5f, (a + h) * l * -0.5f));
    const vec t = 1.0f / (a + 1.0f), u = fma(all(-2.0f), t, all(1.0f));
    // P as a polynomial in u = (a - 1) / (a + 1), to a relative 2.7e-8 for 1 <= a <= 14.
    vec p = all(-0x1.6e99fap-6f);
    p = fma(p, u, all(0x1.88b94cp-5f));
    p = fma(p, u, all(-0x1.be479ep-6f));
    p = fma(p, u, all(0x1.9823e6p-6f));
    p = fma(p, u, all(-0x1.b86daep-8f));
    p = fma(p, u, all(-0x1.23031cp-5f));
    p = fma(p, u, all(-0x1.434456p-4f));
    p = fma(p, u, all(-0x1.aee2e2p-6f));
    p = fma(p, u, all(0x1.0bdb2ep-1f));
    const vec tail = bell * (t * p);
    // (Phi(x) - 1/2) / x as a polynomial in x^2, to 1.1e-9 / |x| for |x| <= 1.
    const vec square = a * a;
    vec q = all(-0x1.212516p-17f);
    q = fma(q, square, all(0x1.e73e26p-14f));
    q = fma(q, square, all(-0x1.37b406p-10f));
    q = fma(q, square, all(0x1.46d88p-7f));
    q = fma(q, square, all(-0x1.10586ep-4f));
    q = fma(q, square, all(0x1.988454p-2f));
    const vec central = fma(x, q, all(0.5f)), outer = x > 0.0f ? 1.0f - tail : tail;
    return {a < all(1.0f) ? central : outer, bell * 0.398942280f};
}

}  // namespace
}  // namespace treadle
