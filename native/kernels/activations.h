// The activations of hidden units, f(z), and their derivatives f'(z): treadle/maths/activations.py on blocks of rows;
// and dropout behind them.
//
// Values and derivatives are right to a few units of rounding of the larger of 1 and the value; at +-inf they are
// their limits, and NaN stays NaN, except that ReLU's slope there is 0, as h > 0 is false.
#pragma once

#include "kernels/elementary.h"
#include "kernels/kernels.h"
#include "kernels/vector.h"

namespace treadle {
namespace {

struct ValueAndSlope {
    vec value, slope;
};

// Each activation has value(z) = f(z); and slope(h) = f'(z) for h = f(z), or, where that does not tell it, both(z).

struct Identity {
    static TREADLE_INLINE vec value(vec z) { return z; }
    static TREADLE_INLINE vec slope(vec) { return all(1); }
};

struct Relu {
    static TREADLE_INLINE vec value(vec z) { return maximum(zero(), z); }
    static TREADLE_INLINE vec slope(vec h) { return h > 0 ? all(1) : zero(); }
};

struct Tanh {
    static TREADLE_INLINE vec value(vec z) { return tanh(z); }
    static TREADLE_INLINE vec slope(vec h) { return fma(-h, h, all(1)); }
};

struct Logistic {
    static TREADLE_INLINE vec value(vec z) { return logistic(z); }
    static TREADLE_INLINE vec slope(vec h) { return (1 - h) * h; }
};

// z Phi(z), and Phi(z) + z phi(z). Beyond the bounds Phi and phi are 0 or 1: z moves to them, so that no product is inf
// times 0.
struct Gelu {
    static constexpr real TAIL = Fits::NORMAL_TAIL;

    static TREADLE_INLINE vec value(vec z) {
        z = maximum(all(-TAIL), z);
        return z * normal(z).distribution;
    }

    static TREADLE_INLINE ValueAndSlope both(vec z) {
        z = maximum(all(-TAIL), z);
        const Normal at = normal(z);
        return {z * at.distribution, fma(minimum(all(TAIL), z), at.density, at.distribution)};
    }
};

// z s(z), and s(z) (1 + z s(-z)), s being the logistic function.
struct Silu {
    static TREADLE_INLINE vec value(vec z) {
        z = maximum(all(-LARGEST), z);  // not -inf / inf
        return z / (1 + exp(-z));
    }

    static TREADLE_INLINE ValueAndSlope both(vec z) {
        z = maximum(all(-LARGEST), z);
        const Exponentials e = exponentials(absolute(z));
        const vec near_one = 1 / (1 + e.fading), near_zero = e.fading * near_one;  // s(|z|) and s(-|z|)
        const auto positive = z > 0;
        const vec s = positive ? near_one : near_zero, opposite = positive ? near_zero : near_one;
        const vec slope = s * fma(minimum(all(LARGEST), z), opposite, all(1));
        return {z / (1 + (positive ? e.fading : e.growing)), slope};
    }
};

// SCALE z for z > 0, else FALL (e^z - 1); the slope at 0 is FALL (Klambauer et al. 2017).
struct Selu {
    static constexpr real SCALE = real(1.0507009873554804934), FALL = real(1.7580993408473768599);

    static TREADLE_INLINE vec value(vec z) {
        const vec fallen = exp_minus_one(minimum(zero(), z)) * FALL;
        return z > 0 ? z * SCALE : fallen;
    }

    static TREADLE_INLINE vec slope(vec h) { return h > 0 ? all(SCALE) : h + FALL; }
};

// z tanh(log(1 + e^z)) = z n / (n + 2) with n = e^z (e^z + 2) (Misra 2019). Beyond LINEAR that is z.
struct Mish {
    static constexpr real LINEAR = 20;

    static TREADLE_INLINE vec value(vec z) {
        z = maximum(all(-LARGEST), z);  // not -inf times 0
        const vec e = exp(minimum(all(LINEAR), z)), n = e * (e + 2);
        return z * (n / (n + 2));
    }

    static TREADLE_INLINE ValueAndSlope both(vec z) {
        z = maximum(all(-LARGEST), z);
        const vec low = minimum(all(LINEAR), z), e = exp(low), n = e * (e + 2);
        const vec part = 1 / (n + 2), tangent = n * part;
        return {z * (n / (n + 2)), fma(low * (2 * part), 2 * e * (e + 1) * part, tangent)};
    }
};

template <typename Activation>
TREADLE_INLINE ValueAndSlope value_and_slope(vec z) {
    if constexpr (requires { Activation::both(z); }) {
        return Activation::both(z);
    } else {
        const vec h = Activation::value(z);
        return {h, Activation::slope(h)};
    }
}

// Calls work(activation) with the one that f names.
template <typename Work>
TREADLE_INLINE void with_activation(Activation f, const Work& work) {
    switch (f) {
        case Activation::identity: work(Identity()); break;
        case Activation::relu: work(Relu()); break;
        case Activation::tanh: work(Tanh()); break;
        case Activation::logistic: work(Logistic()); break;
        case Activation::gelu: work(Gelu()); break;
        case Activation::silu: work(Silu()); break;
        case Activation::selu: work(Selu()); break;
        case Activation::mish: work(Mish()); break;
    }
}

// The factors that dropout has for the values of a row of the block.
class NoDropout {
public:
    explicit NoDropout(const Dropout<real>&) {}
    void begin_row(int64_t) {}
    TREADLE_INLINE vec at(int64_t, vec x) const { return x; }
};

class DrawnDropout {
    const Dropout<real> dropout_;
    int64_t row_ = 0;

public:
    explicit DrawnDropout(const Dropout<real>& dropout) : dropout_(dropout) {}
    void begin_row(int64_t i) { row_ = dropout_.first + i * dropout_.row_bits; }

    // x times the factors from column j on.
    TREADLE_INLINE vec at(int64_t j, vec x) const {
        uint32_t bits;
        std::memcpy(&bits, dropout_.kept + ((row_ + j) >> 3), sizeof bits);
        ivec lanes;
        TREADLE_UNROLL
        for (int lane = 0; lane < LANES; ++lane) lanes[lane] = integer(1) << lane;
        const ivec kept = ((ivec{} + integer(bits >> ((row_ + j) & 7))) & lanes) != 0;
        return x * (kept ? all(dropout_.factor) : zero());
    }
};

template <typename Work>
TREADLE_INLINE void with_dropout(const Dropout<real>& dropout, const Work& work) {
    if (dropout.kept)
        work(DrawnDropout(dropout));
    else
        work(NoDropout(dropout));
}

// The activation itself, or its mean with z: see Parametric.
class Unmixed {
public:
    explicit Unmixed(const Parametric<real>&) {}
    void begin_row(ptrdiff_t) {}
    TREADLE_INLINE vec value(int64_t, vec, vec h) const { return h; }
    TREADLE_INLINE ValueAndSlope both(int64_t, vec, ValueAndSlope at) const { return at; }
};

class Mixed {
    const Parametric<real> parametric_;
    real* row_ = nullptr;

public:
    explicit Mixed(const Parametric<real>& parametric) : parametric_(parametric) {}
    void begin_row(ptrdiff_t at) { row_ = parametric_.differences + at; }

    TREADLE_INLINE vec value(int64_t j, vec z, vec h) const { return fma(load(parametric_.slopes + j), h - z, z); }

    TREADLE_INLINE ValueAndSlope both(int64_t j, vec z, ValueAndSlope at) const {
        const vec slope = load(parametric_.slopes + j), difference = at.value - z;
        store(row_ + j, difference);
        return {fma(slope, difference, z), fma(slope, at.slope - 1, all(1))};
    }
};

template <typename Work>
TREADLE_INLINE void with_mixing(const Parametric<real>& parametric, const Work& work) {
    if (parametric.slopes)
        work(Mixed(parametric));
    else
        work(Unmixed(parametric));
}

void activate(Activation f, real* z, real* out, const Parametric<real>& parametric, const Dropout<real>& dropout,
              int64_t rows, int64_t columns, ptrdiff_t stride) {
    with_activation(f, [&](auto activation) {
        with_mixing(parametric, [&](auto mixing) {
            if (out == z) {
                for (int64_t i = 0; i < rows; ++i) {
                    for (int64_t j = 0; j < columns; j += LANES) {
                        const vec before = load(z + i * stride + j);
                        store(z + i * stride + j, mixing.value(j, before, activation.value(before)));
                    }
                }
                return;
            }
            with_dropout(dropout, [&](auto factors) {
                for (int64_t i = 0; i < rows; ++i) {
                    const ptrdiff_t row = i * stride;
                    factors.begin_row(i);
                    mixing.begin_row(row);
                    for (int64_t j = 0; j < columns; j += LANES) {
                        const vec before = load(z + row + j);
                        const ValueAndSlope at = mixing.both(j, before, value_and_slope<decltype(activation)>(before));
                        store(z + row + j, at.slope);
                        store(out + row + j, factors.at(j, at.value));
                    }
                }
            });
        });
    });
}

void activate_backward(Activation f, real* d, const real* h, int64_t rows, int64_t columns, ptrdiff_t stride) {
    if (f == Activation::identity) return;  // d times 1
    with_activation(f, [&](auto activation) {
        if constexpr (requires { activation.slope(vec{}); }) {
            for (int64_t i = 0; i < rows; ++i, d += stride, h += stride)
                for (int64_t j = 0; j < columns; j += LANES) store(d + j, load(d + j) * activation.slope(load(h + j)));
        }
    });
}

void multiply_by_derivatives(real* d, const real* derivatives, real* differences, const Dropout<real>& dropout,
                             int64_t rows, int64_t columns, ptrdiff_t stride) {
    with_dropout(dropout, [&](auto factors) {
        for (int64_t i = 0; i < rows; ++i) {
            factors.begin_row(i);
            for (int64_t at = i * stride, j = 0; j < columns; j += LANES, at += LANES) {
                const vec of_value = factors.at(j, load(d + at));
                if (differences) store(differences + at, of_value * load(differences + at));
                store(d + at, of_value * load(derivatives + at));
            }
        }
    });
}

}  // namespace
}  // namespace treadle
