// The four passes of an interior-point step, over some rows and over all on several threads, against loops in double
// precision that know how far rounding may take each number; and the same bits with any number of threads.
//
// Rows outside a pass's range are NaN.
#include <algorithm>
#include <initializer_list>

#include "l1/l1_passes.h"
#include "bounded.h"
#include "checks.h"

namespace treadle {

namespace {

constexpr double BEFORE = 0.25;  // in sums that a pass over some rows adds to

enum class Pass { normal, predict, correct, step };

// The rows of an interior point, of which begin <= i < end are gone over.
struct Interior {
    int64_t n, p, stride, begin, end;
    double primal, dual, mu;
    std::vector<double> Z, dw, state;

    Interior(Random& random, int64_t n, int64_t p, int64_t begin, int64_t end)
        : n(n), p(p), stride(8 * (ceil_divide(p, 8) + random.integer(0, 1))), begin(begin), end(end),
          primal(random.number<double>(0, 1)), dual(random.number<double>(0, 1)), mu(random.number<double>(0.01, 1)),
          Z(size_t(n * stride), NOT_WRITTEN<double>), dw(size_t(stride), 0.0),
          state(size_t(STATES * n), NOT_WRITTEN<double>) {
        for (int64_t j = 0; j < p; ++j) dw[size_t(j)] = random.number<double>(-1, 1);
        for (int64_t i = begin; i < end; ++i) {
            for (int64_t j = 0; j < stride; ++j) Z[size_t(i * stride + j)] = j < p ? random.number<double>(-1, 1) : 0;
            for (int which = 0; which < STATES; ++which) {
                // Slacks, multipliers and D are positive, and stay so in a step.
                const bool any = which == LOW || which == TARGET, change = which >= DU;
                state[size_t(which * n + i)] = any      ? random.number<double>(-1, 1)
                                               : change ? random.number<double>(-0.09, 0.09)
                                                        : random.number<double>(0.1, 2);
            }
        }
    }
    InteriorRows rows() { return {Z.data(), n, p, stride, state.data()}; }
};

// What a pass leaves behind. Over all rows the sums are overwritten, over some they are added to.
struct Outcome {
    std::vector<double> state, M, b, sums;
};

Outcome run(const Kernels<double>& kernels, Pass pass, Interior rows, int threads) {
    const L1Kernels& l1 = *kernels.l1;
    const double before = threads ? NOT_WRITTEN<double> : BEFORE;
    std::vector<double> M(size_t(rows.stride * rows.stride), before), b(size_t(rows.stride), before), sums(5, before);
    std::vector<double> scratch;
    const InteriorRows all = rows.rows();
    const double* dw = rows.dw.data();
    if (pass == Pass::normal) {
        if (threads)
            sums[0] = interior_normal(all, rows.primal, rows.dual, M.data(), b.data(), threads, l1, scratch);
        else
            l1.normal(all, rows.begin, rows.end, rows.primal, rows.dual, M.data(), b.data(), sums.data());
    } else if (pass == Pass::predict) {
        if (threads)
            interior_predict(all, dw, sums.data(), threads, l1);
        else
            l1.predict(all, rows.begin, rows.end, dw, sums.data());
    } else if (pass == Pass::correct) {
        if (threads)
            interior_correct(all, rows.mu, b.data(), threads, l1);
        else
            l1.correct(all, rows.begin, rows.end, rows.mu, b.data());
    } else {
        if (threads)
            interior_step(all, dw, sums.data(), threads, l1);
        else
            l1.step(all, rows.begin, rows.end, dw, sums.data());
    }
    return {rows.state, M, b, sums};
}

void compare_pass(Pass pass, const Interior& rows, const Outcome& got, double before, Comparison& comparison) {
    const int64_t n = rows.n, p = rows.p, stride = rows.stride;
    std::vector<double> expected = rows.state;  // of what is not compared below
    const Sum nothing(before);
    std::vector<Sum> M(size_t(p * p), nothing), b(size_t(p), nothing), sums(5, nothing);
    Bounded most[2] = {{before}, {before}};
    for (int64_t i = rows.begin; i < rows.end; ++i) {
        const double* x = rows.Z.data() + i * stride;
        Bounded s[STATES] = {};
        for (int which = 0; which < STATES; ++which) s[which].value = rows.state[size_t(which * n + i)];
        const auto leaves = [&](State which, Bounded value) {
            compare(got.state[size_t(which * n + i)], value, comparison);
            expected[size_t(which * n + i)] = got.state[size_t(which * n + i)];
            s[which] = value;
        };
        const auto goes_to = [&](int k, Bounded value) {
            if (value.value > most[k].value) most[k] = value;
        };
        Sum prediction;
        for (int64_t j = 0; j < p; ++j) prediction.add(Bounded{x[j]} * Bounded{rows.dw[size_t(j)]});
        if (pass == Pass::normal) {
            leaves(BELOW, s[BELOW] + Bounded{rows.primal} * s[DU]);
            leaves(ABOVE, s[ABOVE] - Bounded{rows.primal} * s[DU]);
            leaves(LOWER_MULTIPLIER, s[LOWER_MULTIPLIER] + Bounded{rows.dual} * s[DZ]);
            leaves(UPPER_MULTIPLIER, s[UPPER_MULTIPLIER] + Bounded{rows.dual} * s[DV]);
        }
        const Bounded u = s[LOW] + s[BELOW], z = s[LOWER_MULTIPLIER], v = s[UPPER_MULTIPLIER];
        const Bounded below = s[BELOW], above = s[ABOVE];
        Bounded sought{0};
        if (pass == Pass::normal) {
            leaves(WEIGHT, Bounded{1} / (z / below + v / above));
            sums[0].add(z * below);
            sums[0].add(v * above);
            sought = s[WEIGHT] * (v - z) + u;
            for (int64_t j = 0; j < p; ++j)
                for (int64_t k = 0; k <= j; ++k) M[size_t(j * p + k)].add(s[WEIGHT] * Bounded{x[j]} * Bounded{x[k]});
        } else if (pass == Pass::correct) {
            const Bounded dz = -z - z * s[DU] / below, dv = v * s[DU] / above - v;
            leaves(LOWER_AIM, (Bounded{rows.mu} - s[DU] * dz) / below);
            leaves(UPPER_AIM, (Bounded{rows.mu} + s[DU] * dv) / above);
            leaves(TARGET, v - z - (s[UPPER_AIM] - s[LOWER_AIM]));
            sought = s[WEIGHT] * s[TARGET] + u;
        } else {
            const bool predicts = pass == Pass::predict;
            leaves(DU, s[WEIGHT] * ((predicts ? v - z : s[TARGET]) - prediction.total()));
            const Bounded dz = (predicts ? Bounded{0} : s[LOWER_AIM]) - z - z * s[DU] / below;
            const Bounded dv = (predicts ? Bounded{0} : s[UPPER_AIM]) - v + v * s[DU] / above;
            if (!predicts) leaves(DZ, dz), leaves(DV, dv);
            goes_to(0, -s[DU] / below), goes_to(0, s[DU] / above), goes_to(1, -dz / z), goes_to(1, -dv / v);
            sums[2].add((z - v) * s[DU]);
            sums[3].add(dz * below), sums[3].add(dv * above);
            sums[4].add(dz * s[DU]), sums[4].add(-dv * s[DU]);
        }
        for (int64_t j = 0; j < p; ++j) b[size_t(j)].add(sought * Bounded{x[j]});
    }
    same(got.state, expected, comparison);
    for (int64_t j = 0; j < p && pass == Pass::normal; ++j)
        for (int64_t k = 0; k <= j; ++k)
            compare(got.M[size_t(j * stride + k)], M[size_t(j * p + k)].total(), comparison);
    const bool has_b = pass == Pass::normal || pass == Pass::correct;
    for (int64_t j = 0; j < stride && has_b; ++j)
        compare(got.b[size_t(j)], j < p ? b[size_t(j)].total() : Bounded{before}, comparison);
    if (pass == Pass::normal) compare(got.sums[0], sums[0].total(), comparison);
    for (int k = 0; k < 5 && !has_b; ++k) {
        if (k < 2)
            compare(got.sums[size_t(k)], most[k], comparison);
        else if (pass == Pass::predict)
            compare(got.sums[size_t(k)], sums[size_t(k)].total(), comparison);
    }
}

struct Shape {
    int64_t n, p;
};

void check_pass(const Kernels<double>& kernels, Random& random, Comparison& comparison, Pass pass) {
    for_columns(1, [&](int64_t p) {
        for (int trial = 0; trial < 8; ++trial) {
            const int64_t groups = random.integer(0, 25), first = trial % 2 ? 0 : random.integer(0, groups);
            const int64_t last = trial % 2 ? groups : random.integer(first, groups);
            const Interior rows(random, 8 * groups, p, 8 * first, 8 * last);
            compare_pass(pass, rows, run(kernels, pass, rows, 0), BEFORE, comparison);
        }
    });
    // Rows enough for several threads, and few of them, and none.
    for (const auto& [n, p] : {Shape{32776, 9}, Shape{4104, 37}, Shape{8, 3}, Shape{0, 2}}) {
        const Interior rows(random, n, p, 0, n);
        const Outcome one = run(kernels, pass, rows, 1);
        compare_pass(pass, rows, one, 0, comparison);
        for (const int threads : {2, 3, 5}) {
            const Outcome many = run(kernels, pass, rows, threads);
            same(many.state, one.state, comparison), same(many.M, one.M, comparison);
            same(many.b, one.b, comparison), same(many.sums, one.sums, comparison);
        }
    }
}

}  // namespace

void check_l1_normal(const Kernels<double>& kernels, Random& random, Comparison& comparison) {
    check_pass(kernels, random, comparison, Pass::normal);
}

void check_l1_predict(const Kernels<double>& kernels, Random& random, Comparison& comparison) {
    check_pass(kernels, random, comparison, Pass::predict);
}

void check_l1_correct(const Kernels<double>& kernels, Random& random, Comparison& comparison) {
    check_pass(kernels, random, comparison, Pass::correct);
}

void check_l1_step(const Kernels<double>& kernels, Random& random, Comparison& comparison) {
    check_pass(kernels, random, comparison, Pass::step);
}

}  // namespace treadle
