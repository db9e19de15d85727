// The losses of a batch's rows and their derivatives by the logits: treadle/maths/losses.py and likelihoods.py; and
// softmax.
//
// Each loss is a sum over a row's outputs, in the order of lane_sums.h and to more than the numbers' precision. A row
// of weight 0 takes no part, even where its logits are not finite; otherwise infinities and NaN show in the row's loss
// and derivative. What the logits' padding holds does not matter. d must not overlap the logits, and labels, weights
// and targets are not checked.
#pragma once

#include "kernels/elementary.h"
#include "kernels/kernels.h"
#include "kernels/lane_sums.h"
#include "kernels/likelihoods.h"
#include "kernels/vector.h"

namespace treadle {
namespace {

// The numbers of the columns from j on.
TREADLE_INLINE ivec columns_from(int64_t j) {
    ivec column;
    TREADLE_UNROLL
    for (int lane = 0; lane < LANES; ++lane) column[lane] = lane;
    return column + integer(j);
}

// All bits set in the lanes of columns from j on that are among the first `columns`, none in the padding's.
TREADLE_INLINE ivec within(int64_t j, int64_t columns) { return columns_from(j) < integer(columns); }

// The user's row of `columns` numbers from j on, which lie unpadded, with 0 for what is beyond them.
TREADLE_INLINE vec load_unpadded(const real* row, int64_t j, int64_t columns) {
    if (j + LANES <= columns) return load(row + j);
    real lanes[LANES] = {};
    for (int64_t lane = 0; lane < columns - j; ++lane) lanes[lane] = row[j + lane];
    return load(lanes);
}

// A row of logits minus their largest, which changes no softmax: maths/softmax.py, shift_by_max. The largest become
// 0; but NaN where there is no limit, that is, where all are -inf or several are +inf. With a NaN among the logits
// the largest may be any, and the NaN itself remains.
struct ShiftedLogits {
    const real* logits;
    int64_t columns;
    real top, at_top;

    TREADLE_INLINE ShiftedLogits(const real* row, int64_t count) : logits(row), columns(count) {
        vec largest = all(-INF);
        for (int64_t j = 0; j < columns; j += LANES)
            largest = maximum(largest, within(j, columns) ? load(row + j) : all(-INF));
        top = largest_of(largest);
        int64_t infinities = 0;
        if (top == INF) {
            for (int64_t j = 0; j < columns; ++j) infinities += row[j] == INF;
        }
        at_top = top == -INF || infinities > 1 ? NOT_A_NUMBER : 0;
    }

    // From column j on; -inf in the padding, unless all is NaN.
    TREADLE_INLINE vec from(int64_t j) const {
        const vec z = within(j, columns) ? load(logits + j) : all(-INF);
        return z == all(top) ? all(at_top) : z - all(top);
    }

    TREADLE_INLINE real at(int64_t k) const { return logits[k] == top ? at_top : logits[k] - top; }
};

// Writes exp(z - max z) to `out`, which may be where the logits lie, and returns its sum over the outputs.
TREADLE_INLINE real exponentials(const ShiftedLogits& z, real* out) {
    LaneSums sum;
    for (int64_t j = 0; j < z.columns; j += LANES) {
        const vec e = exp(z.from(j));
        store(out + j, e);
        sum.add(e);
    }
    return real(sum.total());
}

void softmax(real* logits, int64_t rows, int64_t columns, ptrdiff_t stride) {
    for (int64_t i = 0; i < rows; ++i, logits += stride) {
        const vec sum = all(exponentials(ShiftedLogits(logits, columns), logits));
        for (int64_t j = 0; j < columns; j += LANES) store(logits + j, load(logits + j) / sum);
    }
}

// The target t of a row of K outputs, K numbers t_k: 1 for one label and 0 for the others, or as given.
//
//     from(j)             t from column j on, 0 in the padding
//     sum()               sum_k t_k
//     loss(z, log_sum)    sum_k t_k (log_sum - z_k), z being shifted; a term with t_k = 0 is 0, even for z_k = -inf

struct Label {
    int64_t label;

    TREADLE_INLINE vec from(int64_t j) const { return columns_from(j) == integer(label) ? all(1) : zero(); }
    TREADLE_INLINE double sum() const { return 1; }
    TREADLE_INLINE double loss(const ShiftedLogits& z, real log_sum) const { return log_sum - z.at(label); }
};

struct SoftTarget {
    const real* t;
    int64_t outputs;

    TREADLE_INLINE vec from(int64_t j) const { return load_unpadded(t, j, outputs); }

    TREADLE_INLINE double sum() const {
        LaneSums sum;
        for (int64_t j = 0; j < outputs; j += LANES) sum.add(from(j));
        return sum.total();
    }

    TREADLE_INLINE double loss(const ShiftedLogits& z, real log_sum) const {
        LaneSums sum;
        for (int64_t j = 0; j < outputs; j += LANES) {
            const vec part = from(j), shifted = z.from(j);
            sum.add(((part == zero()) & (shifted == all(-INF))) ? zero() : part * (all(log_sum) - shifted));
        }
        return sum.total();
    }
};

// sum_k t_k (log sum_j e^(z_j - m) - (z_k - m)), m the largest logit, and its derivative by z times `share`, in d.
// Label smoothing s makes the target (1 - s) t + s / K.
template <typename Target>
TREADLE_INLINE double cross_entropy(const Objective<real>& objective, const Target& target, const real* logits,
                                    real share, real* d) {
    const int64_t K = objective.outputs;
    const double smoothing = objective.label_smoothing;
    const ShiftedLogits z(logits, K);
    const real sum = exponentials(z, d), log_sum = log(all(sum))[0];
    // The target's sum is 1 to within a tolerance; the factor makes this the gradient of the loss as computed.
    const vec factor = all(real((1 - smoothing) * target.sum() + smoothing));
    const vec rest = all(real(1 - smoothing)), everywhere = all(real(smoothing / double(K)));
    for (int64_t j = 0; j < K; j += LANES) {
        const vec y = load(d + j) / all(sum), gradient = y * factor - everywhere - rest * target.from(j);
        store(d + j, within(j, K) ? gradient * all(share) : zero());
    }
    const double loss = target.loss(z, log_sum);
    if (!(smoothing > 0)) return loss;
    LaneSums shifted;
    for (int64_t j = 0; j < K; j += LANES) shifted.add(within(j, K) ? z.from(j) : zero());
    return (1 - smoothing) * loss + smoothing * (log_sum - shifted.total() / double(K));
}

// The losses of a residual r, and their derivatives by it.

// r^2 / 2, r
struct Squared {
    explicit Squared(const Objective<real>&) {}
    TREADLE_INLINE vec value(vec r) const { return 0.5 * (r * r); }
    TREADLE_INLINE vec slope(vec r) const { return r; }
};

// |r|, the sign of r
struct Absolute {
    explicit Absolute(const Objective<real>&) {}
    TREADLE_INLINE vec value(vec r) const { return absolute(r); }
    TREADLE_INLINE vec slope(vec r) const { return r > zero() ? all(1) : r < zero() ? all(-1) : r; }
};

// r^2 / 2 where |r| <= delta, else delta (|r| - delta / 2); r moved into [-delta, delta]
struct Huber {
    vec delta;
    explicit Huber(const Objective<real>& objective) : delta(all(real(objective.huber_delta))) {}
    TREADLE_INLINE vec value(vec r) const {
        const vec s = slope(r);
        return s * (r - 0.5 * s);
    }
    TREADLE_INLINE vec slope(vec r) const { return minimum(delta, maximum(-delta, r)); }
};

template <typename Residual>
TREADLE_INLINE double regression(const Residual& rule, int64_t outputs, const real* targets, const real* prediction,
                                 real share, real* d) {
    LaneSums loss;
    for (int64_t j = 0; j < outputs; j += LANES) {
        const vec p = within(j, outputs) ? load(prediction + j) : zero();
        const vec r = p - load_unpadded(targets, j, outputs);  // 0 in the padding, and so are loss and slope
        loss.add(rule.value(r));
        store(d + j, rule.slope(r) * all(share));
    }
    return loss.total();
}

template <typename Likelihood>
TREADLE_INLINE double likelihood(const Likelihood& rule, int64_t outputs, const real* targets, const real* logits,
                                 real share, real* d) {
    LaneSums loss;
    for (int64_t j = 0; j < outputs; j += LANES) {
        const ivec inside = within(j, outputs);
        const vec z = inside ? load(logits + j) : zero(), t = load_unpadded(targets, j, outputs);
        loss.add(inside ? rule.value(z, t) : zero());
        store(d + j, inside ? rule.slope(z, t) * all(share) : zero());
    }
    return loss.total();
}

// Rows of one output each, as many at a time as a vector has lanes: each row's bits are those of `regression` or
// `likelihood`, which would fill one lane with it.
template <typename Rule>
TREADLE_INLINE void losses_of_one_output(const Rule& rule, const Objective<real>& objective, const int64_t* order,
                                         double total, int64_t row_begin, int64_t row_end, const real* logits, real* d,
                                         ptrdiff_t stride, double* losses) {
    for (int64_t first = row_begin; first < row_end; first += LANES) {
        const int64_t n = row_end - first < LANES ? row_end - first : LANES;
        real z[LANES] = {}, t[LANES] = {}, share[LANES] = {}, slope[LANES], value[LANES];
        double weight[LANES] = {};
        for (int64_t i = 0; i < n; ++i) {
            const int64_t row = order[first + i];
            weight[i] = objective.weights == nullptr ? 1 : double(objective.weights[row]);
            if (weight[i] == 0) continue;
            z[i] = logits[(first + i) * stride];
            t[i] = objective.targets[row];
            share[i] = real(weight[i] / total);
        }
        store(value, rule.value(load(z), load(t)));
        store(slope, rule.slope(load(z), load(t)) * load(share));
        for (int64_t i = 0; i < n; ++i) {
            const bool counts = weight[i] != 0;
            real* const row_d = d + (first + i) * stride;
            for (int j = 0; j < PANEL; j += LANES) store(row_d + j, zero());
            if (counts) row_d[0] = slope[i];
            losses[first + i] = counts ? weight[i] * double(value[i]) : 0;
        }
    }
}

// The loss of a residual, as a function of prediction and target.
template <typename Residual>
struct OfResidual {
    Residual residual;
    TREADLE_INLINE vec value(vec z, vec t) const { return residual.value(z - t); }
    TREADLE_INLINE vec slope(vec z, vec t) const { return residual.slope(z - t); }
};

// The loss of one row, and d's outputs.
double row_loss(const Objective<real>& objective, int64_t row, const real* logits, real share, real* d) {
    const int64_t outputs = objective.outputs;
    const real* targets = objective.targets == nullptr ? nullptr : objective.targets + row * outputs;
    switch (objective.loss) {
        case Loss::cross_entropy:
            if (targets == nullptr) return cross_entropy(objective, Label{objective.labels[row]}, logits, share, d);
            return cross_entropy(objective, SoftTarget{targets, outputs}, logits, share, d);
        case Loss::binary_cross_entropy:
            return likelihood(BinaryCrossEntropy(objective), outputs, targets, logits, share, d);
        case Loss::poisson: return likelihood(Poisson(objective), outputs, targets, logits, share, d);
        case Loss::squared: return regression(Squared(objective), outputs, targets, logits, share, d);
        case Loss::absolute: return regression(Absolute(objective), outputs, targets, logits, share, d);
        case Loss::huber: return regression(Huber(objective), outputs, targets, logits, share, d);
    }
    return 0;  // there is no other
}

void loss(const Objective<real>& objective, const int64_t* order, double total, int64_t row_begin, int64_t row_end,
          const real* logits, real* d, ptrdiff_t stride, double* losses) {
    const int64_t outputs = objective.outputs, padded = (outputs + PANEL - 1) / PANEL * PANEL;
    if (outputs == 1 && objective.targets != nullptr) {
        const auto all_rows = [&](const auto& rule) {
            losses_of_one_output(rule, objective, order, total, row_begin, row_end, logits, d, stride, losses);
        };
        switch (objective.loss) {
            case Loss::cross_entropy: break;  // of one class: row by row, as of several
            case Loss::binary_cross_entropy: return all_rows(BinaryCrossEntropy(objective));
            case Loss::poisson: return all_rows(Poisson(objective));
            case Loss::squared: return all_rows(OfResidual<Squared>{Squared(objective)});
            case Loss::absolute: return all_rows(OfResidual<Absolute>{Absolute(objective)});
            case Loss::huber: return all_rows(OfResidual<Huber>{Huber(objective)});
        }
    }
    for (int64_t i = row_begin; i < row_end; ++i) {
        const int64_t row = order[i];
        const real weight = objective.weights == nullptr ? 1 : objective.weights[row];
        real* row_d = d + i * stride;
        int64_t filled = 0;
        losses[i] = 0;
        if (weight != 0) {
            const real share = real(double(weight) / total);
            losses[i] = double(weight) * row_loss(objective, row, logits + i * stride, share, row_d);
            filled = (outputs + LANES - 1) / LANES * LANES;
        }
        for (int64_t j = filled; j < padded; j += LANES) store(row_d + j, zero());
    }
}

}  // namespace
}  // namespace treadle
