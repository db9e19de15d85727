// Losses of each output for itself, taken of the logit z: treadle/maths/likelihoods.py. Included by losses.h.
//
//     value(z, t)    the loss of one output; a term whose factor t, or 1 - t, is 0 is 0, even for an infinite z
//     slope(z, t)    its derivative by z
#pragma once

#include "kernels/elementary.h"
#include "kernels/kernels.h"
#include "kernels/vector.h"

namespace treadle {
namespace {

// a b, and 0 where a is 0 whatever b is
TREADLE_INLINE vec unless_zero(vec a, vec b) { return a == zero() ? zero() : a * b; }

// log(1 + x) for x from 0 to 1: what 1 + x lost in rounding is made good to first order (Kahan).
TREADLE_INLINE vec log_of_one_plus(vec x) {
    const vec sum = 1 + x, kept = sum - 1;
    return kept == zero() ? x : log(sum) * (x / kept);
}

// log(1 + e^z) = max(z, 0) + log(1 + e^-|z|)
TREADLE_INLINE vec softplus(vec z) {
    const vec y = (z > zero() ? z : zero()) + log_of_one_plus(exp(-absolute(z)));
    return z == z ? y : z;
}

// t softplus(-z) + (1 - t) softplus(z), logistic(z) - t; label smoothing s makes the target (1 - s) t + s / 2.
struct BinaryCrossEntropy {
    vec kept, added;
    explicit BinaryCrossEntropy(const Objective<real>& objective)
        : kept(all(real(1 - objective.label_smoothing))), added(all(real(objective.label_smoothing / 2))) {}
    TREADLE_INLINE vec value(vec z, vec t) const {
        const vec y = fma(kept, t, added);
        return unless_zero(y, softplus(-z)) + unless_zero(1 - y, softplus(z));
    }
    TREADLE_INLINE vec slope(vec z, vec t) const { return logistic(z) - fma(kept, t, added); }
};

// t log t - t - t z + e^z, e^z - t
struct Poisson {
    explicit Poisson(const Objective<real>&) {}
    TREADLE_INLINE vec value(vec z, vec t) const { return exp(z) - unless_zero(t, z) + (unless_zero(t, log(t)) - t); }
    TREADLE_INLINE vec slope(vec z, vec t) const { return exp(z) - t; }
};

}  // namespace
}  // namespace treadle
