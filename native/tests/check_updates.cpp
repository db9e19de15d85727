// The updates of weights and of columns against loops in double precision.
#include <algorithm>

#include "checks.h"
#include "weights.h"

namespace treadle {

namespace {

constexpr Update UPDATES[] = {Update::adam, Update::momentum, Update::nesterov, Update::plain, Update::keep_gradient};

template <typename Real>
Step<Real> a_step(Random& random, Update update) {
    Step<Real> step{};
    step.update = update;
    step.beta_1 = random.number<Real>(0.5, 0.95);
    step.rest_1 = 1 - step.beta_1;
    step.beta_2 = random.number<Real>(0.9, 0.999);
    step.rest_2 = 1 - step.beta_2;
    step.epsilon = Real(1e-6);
    step.momentum = random.number<Real>(0.5, 0.95);
    step.rate = random.number<Real>(0.001, 0.1);
    step.shrink = random.coin() ? Real(1) : Real(0.99);
    step.l2 = random.coin() ? Real(0) : Real(0.05);
    return step;
}

// The equations of optimizers.h for a gradient g that is known exactly; a few roundings of each term are allowed.
template <typename Real>
void compare_update(const Step<Real>& step, const Element& before, double g, const Element& after,
                    Comparison& comparison) {
    const double unit = 4 * ROUNDING<Real>;
    const auto w_is = [&](double kept, double change, double more) {
        comparison.near(after.value, kept - change, unit * (std::abs(kept) + std::abs(change)) + more);
    };
    const auto velocity = [&] {
        const double kept = step.momentum * before.first;
        comparison.near(after.first, kept + g, unit * (std::abs(kept) + std::abs(g)));
        return kept + g;
    };
    const double rate = step.rate;
    switch (step.update) {
        case Update::adam: {
            const double kept = step.beta_1 * before.first, added = step.rest_1 * g;
            const double m = kept + added, v = step.beta_2 * before.second + step.rest_2 * g * g;
            const double m_tolerance = unit * (std::abs(kept) + std::abs(added)), root = std::sqrt(v) + step.epsilon;
            comparison.near(after.first, m, m_tolerance);
            comparison.near(after.second, v, unit * v);
            w_is(step.shrink * before.value, rate * m / root, rate * (m_tolerance + unit * std::abs(m)) / root);
            break;
        }
        case Update::momentum: w_is(before.value, rate * velocity(), rate * unit * std::abs(before.first)); break;
        case Update::nesterov: {
            const double u = velocity();
            w_is(before.value, rate * (g + step.momentum * u), rate * unit * (std::abs(before.first) + std::abs(g)));
            break;
        }
        case Update::plain: w_is(before.value, rate * g, 0); break;
        case Update::keep_gradient:
            comparison.near(after.first, g, 0);
            comparison.near(after.value, before.value, 0);
            break;
    }
}

}  // namespace

template <typename Real>
void check_update_weights(const Kernels<Real>& kernels, Random& random, Comparison& comparison) {
    for (int trial = 0; trial < 40; ++trial) {
        const int64_t rows = random.integer(1, 70), n_in = random.integer(1, 60), n_out = random.integer(1, 150);
        Block<Real> A(random, rows, n_in, kernels.panel, -1, 1), D(random, rows, n_out, kernels.panel, -1, 1);
        for (int64_t i = 0; i < rows; ++i) std::fill(A.row(i) + n_in, A.row(i) + A.stride, NOT_WRITTEN<Real>);
        const Step<Real> step = a_step<Real>(random, UPDATES[trial % 5]);
        Step<Real> keep = step;
        keep.update = Update::keep_gradient;
        const Weights<Real> before(random, n_in, n_out, kernels.panel);
        Weights<Real> gradient = before, after = before;
        const Part part(kernels, random, n_in, n_out);
        std::vector<Real> scratch(size_t(kernels.scratch_size(rows)), NOT_WRITTEN<Real>);
        // Of blocks of weights, all from the top down, and then those of the columns beside them.
        const int64_t height = kernels.square_rows, width = kernels.square_columns, blocks = ceil_divide(n_in, height);
        std::vector<double> squares(size_t(D.padded / width * blocks), -1.0), expected_squares(squares.size(), 0.0);
        Right<Real> operands(kernels, before);
        const auto update = [&](const Step<Real>& how, Weights<Real>& weights) {
            kernels.update_weights(how, A.data(), A.stride, D.data(), D.stride, rows, n_in, n_out, part.first_panel,
                                   part.end_panel, part.first_tile, part.end_tile, weights.pointers(how.update),
                                   operands.pointers(), how.l2 == 0 ? nullptr : squares.data(), scratch.data());
        };
        update(keep, gradient);
        update(step, after);
        operands.compare(Right<Real>(kernels, after), comparison);
        for (int64_t j = 0; j < D.padded; ++j) {
            for (int64_t k = 0; k < n_in; ++k) {
                const size_t at = before.at(k, j);
                const int64_t panel = j / kernels.panel, tile = k / kernels.tile_rows;
                const Element old = before.element(at);
                expected_squares[size_t(j / width * blocks + k / height)] += old.value * old.value;
                if (!part.has(panel, tile)) {
                    comparison.same(&after.value[at], &before.value[at], 1);
                    comparison.same(&after.first[at], &before.first[at], 1);
                    comparison.same(&after.second[at], &before.second[at], 1);
                    continue;
                }
                double sum = double(step.l2) * old.value, magnitude = std::abs(sum);
                for (int64_t i = 0; i < rows; ++i) {
                    const double term = factor(kernels, A.row(i)[k]) * factor(kernels, D.row(i)[j]);
                    sum += term;
                    magnitude += std::abs(term);
                }
                const double g = gradient.first[at];
                comparison.near(g, sum, product_tolerance<Real>(rows, magnitude));
                compare_update(step, old, g, after.element(at), comparison);
            }
        }
        for (int64_t block = 0; block < D.padded / width * blocks; ++block) {
            const bool written = step.l2 != 0 && part.has_element(block % blocks * height, block / blocks * width);
            const double sum = written ? expected_squares[size_t(block)] : -1;
            comparison.near(squares[size_t(block)], sum, written ? product_tolerance<Real>(height * width, sum) : 0);
        }
    }
}

template <typename Real>
void check_update_biases(const Kernels<Real>& kernels, Random& random, Comparison& comparison) {
    for (int trial = 0; trial < 25; ++trial) {
        const int64_t rows = random.integer(1, 90), panel = kernels.panel, columns = random.integer(1, 5) * panel;
        Block<Real> D(random, rows, panel + columns, panel, -1, 1);
        const Step<Real> step = a_step<Real>(random, UPDATES[trial % 5]);
        Step<Real> keep = step;
        keep.update = Update::keep_gradient;
        const Values<Real> before(random, columns);
        Values<Real> gradient = before, after = before;
        kernels.update_biases(keep, D.data() + panel, D.stride, rows, columns, gradient.pointers(keep.update));
        kernels.update_biases(step, D.data() + panel, D.stride, rows, columns, after.pointers(step.update));
        for (int64_t j = 0; j < columns; ++j) {
            double sum = 0, magnitude = 0;
            for (int64_t i = 0; i < rows; ++i) {
                sum += D.at(i, panel + j);
                magnitude += std::abs(D.at(i, panel + j));
            }
            const double g = gradient.first[size_t(j)];
            comparison.near(g, sum, product_tolerance<Real>(rows, magnitude));
            compare_update(step, before.element(size_t(j)), g, after.element(size_t(j)), comparison);
        }
    }
}

template <typename Real>
void check_update_columns(const Kernels<Real>& kernels, Random& random, Comparison& comparison) {
    for (int trial = 0; trial < 25; ++trial) {
        const int64_t columns = random.integer(1, 3) * kernels.panel;
        const std::vector<Real> g = random.numbers<Real>(columns, -1, 1);
        const Step<Real> step = a_step<Real>(random, UPDATES[trial % 5]);
        const Values<Real> before(random, columns);
        Values<Real> after = before;
        kernels.update_columns(step, g.data(), columns, after.pointers(step.update));
        for (size_t j = 0; j < g.size(); ++j)
            compare_update(step, before.element(j), g[j], after.element(j), comparison);
    }
}

template void check_update_weights(const Kernels<float>&, Random&, Comparison&);
template void check_update_weights(const Kernels<double>&, Random&, Comparison&);
template void check_update_biases(const Kernels<float>&, Random&, Comparison&);
template void check_update_biases(const Kernels<double>&, Random&, Comparison&);
template void check_update_columns(const Kernels<float>&, Random&, Comparison&);
template void check_update_columns(const Kernels<double>&, Random&, Comparison&);

}  // namespace treadle
