// The update rules of treadle/optimizers on one vector, applied as soon as its gradient is known.
//
// Each rule is a function object made once for many vectors; its operator() takes where the values and moments lie,
// and their gradient. The gradient itself is never stored.
//
// A moment that fades is 0 from 2^-100 on, of float64 from 2^-996 on: further down it would come to where x86 flushes
// subnormal numbers after they are rounded and Arm before (drop_remnants of optimizers/optimizer.py).
#pragma once

#include "kernels/elementary.h"
#include "kernels/kernels.h"
#include "kernels/vector.h"

namespace treadle {
namespace {

constexpr real REMNANT = FLOAT64 ? real(0x1p-996) : real(0x1p-100);
TREADLE_INLINE vec without_remnants(vec moment) { return absolute(moment) < all(REMNANT) ? zero() : moment; }
TREADLE_INLINE vec without_remnants_of_squares(vec moment) { return moment < all(REMNANT) ? zero() : moment; }

// m <- beta_1 m + (1 - beta_1) g,  v <- beta_2 v + (1 - beta_2) g^2,  w <- shrink w - rate m / (sqrt(v) + epsilon),
// where rate = eta sqrt(c_2) / c_1 and epsilon is the user's times sqrt(c_2): equation (5) of optimizers/adam.py.
struct AdamRule {
    vec beta_1, rest_1, beta_2, rest_2, epsilon, rate, shrink;

    explicit AdamRule(const Step<real>& step)
        : beta_1(all(step.beta_1)), rest_1(all(step.rest_1)), beta_2(all(step.beta_2)), rest_2(all(step.rest_2)),
          epsilon(all(step.epsilon)), rate(all(step.rate)), shrink(all(step.shrink)) {}

    TREADLE_INLINE void operator()(real* w, real* first, real* second, vec g) const {
        const vec m = without_remnants(fma(load(first), beta_1, g * rest_1));
        const vec v = without_remnants_of_squares(fma(load(second), beta_2, g * g * rest_2));
        store(first, m);
        store(second, v);
        store(w, load(w) * shrink - rate * (m / (sqrt(v) + epsilon)));
    }
};

// u <- mu u + g,  w <- w - eta u.
struct MomentumRule {
    vec momentum, rate;

    explicit MomentumRule(const Step<real>& step) : momentum(all(step.momentum)), rate(all(step.rate)) {}

    TREADLE_INLINE void operator()(real* w, real* first, real*, vec g) const {
        const vec u = without_remnants(fma(load(first), momentum, g));
        store(first, u);
        store(w, load(w) - rate * u);
    }
};

// u <- mu u + g,  w <- w - eta (g + mu u).
struct NesterovRule {
    vec momentum, rate;

    explicit NesterovRule(const Step<real>& step) : momentum(all(step.momentum)), rate(all(step.rate)) {}

    TREADLE_INLINE void operator()(real* w, real* first, real*, vec g) const {
        const vec u = without_remnants(fma(load(first), momentum, g));
        store(first, u);
        store(w, load(w) - rate * fma(u, momentum, g));
    }
};

// w <- w - eta g.
struct PlainRule {
    vec rate;

    explicit PlainRule(const Step<real>& step) : rate(all(step.rate)) {}

    TREADLE_INLINE void operator()(real* w, real*, real*, vec g) const { store(w, load(w) - rate * g); }
};

// Nothing is learnt: the gradient goes where a first moment would be.
struct KeepGradientRule {
    explicit KeepGradientRule(const Step<real>&) {}

    TREADLE_INLINE void operator()(real*, real* first, real*, vec g) const { store(first, g); }
};

// Calls work(rule) with the rule that the step asks for.
template <typename Work>
TREADLE_INLINE void with_rule(const Step<real>& step, const Work& work) {
    switch (step.update) {
        case Update::adam: work(AdamRule(step)); break;
        case Update::momentum: work(MomentumRule(step)); break;
        case Update::nesterov: work(NesterovRule(step)); break;
        case Update::plain: work(PlainRule(step)); break;
        case Update::keep_gradient: work(KeepGradientRule(step)); break;
    }
}

}  // namespace
}  // namespace treadle
