// The numbers that the functions of elementary.h are made of, for float32 and for float64.
//
// Coefficients, the highest power's first, are fits of the functions named at them, made in 40 digits and more. Those
// of float32 are minimax, rounded one by one, the others fitted again each time; those of float64 interpolate at
// Chebyshev's points, and are then rounded.
#pragma once

#include <cstdint>

namespace treadle {
namespace {

struct Fits32 {
    static constexpr int MANTISSA = 23, BIAS = 127;
    static constexpr float ROUND = 0x1.8p23f;  // a sum with it has no bits below 1
    static constexpr float LOG2_E = 1.44269504f, SQRT_HALF = 0x1.6a09e6p-1f;
    // log 2 = LN2_HIGH + LN2_LOW to 36 bits; n LN2_HIGH is exact for |n| < 2^15 (Cephes, expf.c).
    static constexpr float LN2_HIGH = 0.693359375f, LN2_LOW = -2.12194440e-4f;
    static constexpr float EXP_BELOW = -104, EXP_ABOVE = 89;  // beyond, e^x is 0 or inf
    static constexpr float TANH_IS_ONE = 30;                  // from half of it on
    static constexpr float NORMAL_TAIL = 16;                  // beyond, Phi is 0 or 1, and phi 0
    static constexpr int32_t LOWER_HALF = 0xfff;  // the bits of a significand that its square has no room for

    // (e^r - 1 - r) / r^2 on |r| <= log(2) / 2, to 1.4e-8 / |r|.
    static constexpr float EXP[] = {0x1.6d722cp-10f, 0x1.12268p-7f, 0x1.5554c8p-5f, 0x1.5554b2p-3f, 0.5f};
    // (log(1 + f) - f + f^2 / 2) / f^3 for sqrt(1/2) <= 1 + f <= sqrt(2), to 5.9e-9 / f^2.
    static constexpr float LOG[] = {-0x1.420c8p-4f,  0x1.07da2cp-3f, -0x1.0cde9ap-3f, 0x1.226c9ep-3f,
                                    -0x1.547894p-3f, 0x1.99a5aep-3f, -0x1.00022p-2f,  0x1.55554ap-2f};
    // Phi(-a) e^(a^2 / 2) (a + 1) as a polynomial in SLOPE / (a + 1) + OFFSET, to a relative 2.7e-8 for 1 <= a <= 14.
    static constexpr float SLOPE = -2, OFFSET = 1;
    static constexpr float TAIL[] = {-0x1.6e99fap-6f, 0x1.88b94cp-5f,  -0x1.be479ep-6f, 0x1.9823e6p-6f, -0x1.b86daep-8f,
                                     -0x1.23031cp-5f, -0x1.434456p-4f, -0x1.aee2e2p-6f, 0x1.0bdb2ep-1f};
    // (Phi(x) - 1/2) / x as a polynomial in x^2, to 1.1e-9 / |x| for |x| <= 1.
    static constexpr float CENTRAL[] = {-0x1.212516p-17f, 0x1.e73e26p-14f, -0x1.37b406p-10f,
                                        0x1.46d88p-7f,    -0x1.10586ep-4f, 0x1.988454p-2f};
    // (sin r - r) / r^3 as a polynomial in r^2, to 1.9e-8 / |r|^3 for |r| <= pi / 2.
    static constexpr float SINE[] = {-0x1.9db16p-26f, 0x1.71968ep-19f, -0x1.a01906p-13f, 0x1.11111p-7f,
                                     -0x1.555556p-3f};
    // pi = PI_HIGH + PI_LOW to 49 bits; x - n PI_HIGH is exact where it is below 2 and x above 1/2.
    static constexpr float PER_PI = 0x1.45f306p-2f, PI_HIGH = 0x1.921fb6p+1f, PI_LOW = -0x1.777a5cp-24f;
};

struct Fits64 {
    static constexpr int MANTISSA = 52, BIAS = 1023;
    static constexpr double ROUND = 0x1.8p52;
    static constexpr double LOG2_E = 0x1.71547652b82fep+0, SQRT_HALF = 0x1.6a09e667f3bcdp-1;
    // To 85 bits; n LN2_HIGH is exact for |n| < 2^21 (fdlibm, e_exp.c).
    static constexpr double LN2_HIGH = 6.93147180369123816490e-01, LN2_LOW = 1.90821492927058770002e-10;
    static constexpr double EXP_BELOW = -746, EXP_ABOVE = 710;
    static constexpr double TANH_IS_ONE = 44;
    static constexpr double NORMAL_TAIL = 40;
    static constexpr int64_t LOWER_HALF = 0x7ffffff;

    // To 2.1e-18 / |r|.
    static constexpr double EXP[] = {0x1.1f66df7fca49fp-29,
                                     0x1.af38a9b0ec855p-26,
                                     0x1.27e4e1f48534fp-22,
                                     0x1.71de0dae63bb3p-19,
                                     0x1.a01a01a47b054p-16,
                                     0x1.a01a01a7c41d5p-13,
                                     0x1.6c16c16c167e1p-10,
                                     0x1.11111111109b3p-7,
                                     0x1.5555555555555p-5,
                                     0x1.5555555555556p-3,
                                     0.5};
    // To 5.9e-18 / f^2.
    static constexpr double LOG[] = {
        -0x1.9a99e7327d4d6p-6, 0x1.d0374d290747bp-5, -0x1.f629092bbdd69p-5, 0x1.b810eada2deb6p-5,
        -0x1.b7c2ffec23a74p-5, 0x1.de2a9eaa84f7fp-5, -0x1.009dbc1463a3dp-4, 0x1.1148e1f974ab2p-4,
        -0x1.248bb996fab0fp-4, 0x1.3b105689822cdp-4, -0x1.555574d6e6964p-4, 0x1.745d3442204d0p-4,
        -0x1.999999970d77bp-4, 0x1.c71c713c9b301p-4, -0x1.fffffffe02ba6p-4, 0x1.2492492537b13p-3,
        -0x1.5555555558086p-3, 0x1.999999999900cp-3, -0x1.fffffffffffe7p-3, 0x1.5555555555556p-2};
    // To a relative 4.5e-16 for 1 <= a <= 40.
    static constexpr double SLOPE = 0x1.0d20d20d20d21p+2, OFFSET = -0x1.1a41a41a41a42p+0;
    static constexpr double TAIL[] = {
        0x1.d9df6ae35cafdp-29,  -0x1.dfd8ecac210bep-30, -0x1.d0c20dab0ef8dp-26, 0x1.0361e93293e27p-25,
        0x1.0476120e72a82p-24,  -0x1.0bbfe662eb156p-23, 0x1.cb3550637c5dap-25,  0x1.84d1f777b1fc2p-25,
        -0x1.e826c5c0924ddp-23, 0x1.7e7b93655a691p-21,  -0x1.3c2cdbe45a81fp-20, 0x1.881d201f95a3dp-22,
        0x1.e513749d029b3p-19,  -0x1.7ad41bdbda83ep-17, 0x1.0701915cd2950p-16,  0x1.ca6edb1381e2ap-18,
        -0x1.7d8184fcea544p-14, 0x1.bbe18021b225cp-13,  -0x1.6cc2fc69b374cp-14, -0x1.018c1ee94083cp-10,
        0x1.94c6a6607475cp-9,   -0x1.0d8363b8b5318p-11, -0x1.ac5fde17b69c8p-6,  0x1.df8756ee1ac2ap-5,
        0x1.f4dd87a468b05p-2};
    // To 2.5e-17 / |x|.
    static constexpr double CENTRAL[] = {0x1.1eb48cc19cdecp-38,  -0x1.e69d43072e1f8p-34, 0x1.380b151d37375p-29,
                                         -0x1.621cc567a99f7p-25, 0x1.6589f17ce2693p-21,  -0x1.3ce8f9bacee1ep-17,
                                         0x1.e42b0d4b14d39p-14,  -0x1.37403f6b93143p-10, 0x1.46d0429769010p-7,
                                         -0x1.1058377e2cedfp-4,  0x1.9884533d43651p-2};
    // To 3.6e-17 / |r|^3.
    static constexpr double SINE[] = {-0x1.275efdfb3f368p-57, 0x1.9507fd43389a8p-49,  -0x1.ae7ee3a0f8421p-41,
                                      0x1.612460b69da84p-33,  -0x1.ae64567e731ecp-26, 0x1.71de3a556b9b4p-19,
                                      -0x1.a01a01a01a00dp-13, 0x1.1111111111111p-7,   -0x1.5555555555555p-3};
    static constexpr double PER_PI = 0x1.45f306dc9c883p-2, PI_HIGH = 0x1.921fb54442d18p+1,
                            PI_LOW = 0x1.1a62633145c07p-53;
};

}  // namespace
}  // namespace treadle
