// The activations of hidden units, f(z), and their derivatives f'(z): treadle/maths/activations.py on blocks of rows.
//
// Values and derivatives are right to a few units of rounding of the larger of 1 and the value; at +-inf they are
// their limits, and NaN stays NaN, except that ReLU's slope there is 0, as h > 0 is false.
#pragma once

#include "kernels/elementary.h"
#include "kernels/kernels.h"
#include "kernels/vector.h"

namespace treadle {
namespace {

// Each activation has value(z) = f(z), and slope(z, h) = f'(z) for h = f(z), of which NEEDS_Z tells whether z is read.

struct Identity {
    static constexpr bool NEEDS_Z = false;
    static TREADLE_INLINE vec value(vec z) { return z; }
    static TREADLE_INLINE vec slope(vec, vec) { return all(1); }
};

struct Relu {
    static constexpr bool NEEDS_Z = false;
    static TREADLE_INLINE vec value(vec z) { return maximum(zero(), z); }
    static TREADLE_INLINE vec slope(vec, vec h) { return h > 0 ? all(1) : zero(); }
};

struct Tanh {
    static constexpr bool NEEDS_Z = false;
    static TREADLE_INLINE vec value(vec z) { return tanh(z); }
    static TREADLE_INLINE vec slope(vec, vec h) { return fma(-h, h, all(1)); }
};

struct Logistic {
    static constexpr bool NEEDS_Z = false;
    static TREADLE_INLINE vec value(vec z) { return logistic(z); }
    static TREADLE_INLINE vec slope(vec, vec h) { return (1 - h) * h; }
};

// z Phi(z), and Phi(z) + z phi(z). Beyond the bounds Phi and phi are 0 or 1: z moves to them, so that no product is inf
// times 0.
struct Gelu {
    static constexpr bool NEEDS_Z = true;
    static constexpr real TAIL = Fits::NORMAL_TAIL;

    static TREADLE_INLINE vec value(vec z) {
        z = maximum(all(-TAIL), z);
        return z * normal(z).distribution;
    }

    static TREADLE_INLINE vec slope(vec z, vec) {
        z = maximum(all(-TAIL), minimum(all(TAIL), z));
        const Normal at = normal(z);
        return fma(z, at.density, at.distribution);
    }
};

// z s(z), and s(z) (1 + z s(-z)), s being the logistic function.
struct Silu {
    static constexpr bool NEEDS_Z = true;

    static TREADLE_INLINE vec value(vec z) {
        z = maximum(all(-LARGEST), z);  // not -inf / inf
        return z / (1 + exp(-z));
    }

    static TREADLE_INLINE vec slope(vec z, vec) {
        z = maximum(all(-LARGEST), minimum(all(LARGEST), z));
        const vec e = exp(-absolute(z));
        const vec near_one = 1 / (1 + e), near_zero = e * near_one;  // s(|z|) and s(-|z|)
        const vec s = z > 0 ? near_one : near_zero, opposite = z > 0 ? near_zero : near_one;
        return s * fma(z, opposite, all(1));
    }
};

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
    }
}

void activate(Activation f, const real* z, real* h, int64_t rows, int64_t columns, ptrdiff_t stride) {
    with_activation(f, [&](auto activation) {
        for (int64_t i = 0; i < rows; ++i) {
            for (int64_t j = 0; j < columns; j += LANES) {
                const ptrdiff_t at = i * stride + j;
                store(h + at, activation.value(load(z + at)));
            }
        }
    });
}

void activate_backward(Activation f, real* d, const real* z, const real* h, int64_t rows, int64_t columns,
                       ptrdiff_t stride) {
    if (f == Activation::identity) return;  // d times 1
    with_activation(f, [&](auto activation) {
        for (int64_t i = 0; i < rows; ++i) {
            for (int64_t j = 0; j < columns; j += LANES) {
                const ptrdiff_t at = i * stride + j;
                vec before = zero();
                if constexpr (activation.NEEDS_Z) before = load(z + at);
                store(d + at, load(d + at) * activation.slope(before, load(h + at)));
            }
        }
    });
}

}  // namespace
}  // namespace treadle
