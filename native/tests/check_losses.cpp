// Losses, their derivatives and softmax against loops in double precision.
#include <algorithm>

#include "checks.h"

namespace treadle {

namespace {

constexpr Loss LOSSES[] = {Loss::cross_entropy,        Loss::squared, Loss::absolute, Loss::huber, Loss::cross_entropy,
                           Loss::binary_cross_entropy, Loss::poisson, Loss::huber};

// A row's loss and derivatives, and what rounding may do to them.
struct Row {
    double loss = 0, loss_tolerance = 0;
    std::vector<double> d, d_tolerance;
};

// -sum_k y_k log softmax(z)_k with y = (1 - s) t + s / K, and softmax(z) sum_k y_k - y. Rounding: K terms in the sum
// of exponentials, each shifted logit, and a few operations after that.
template <typename Real>
Row cross_entropy(const std::vector<double>& z, const std::vector<double>& t, double smoothing) {
    const double K = double(z.size()), top = *std::max_element(z.begin(), z.end());
    double sum = 0, targets = 0, depth = 0;
    for (const double logit : z) sum += std::exp(logit - top);
    for (const double part : t) targets += (1 - smoothing) * part + smoothing / K;
    Row row;
    for (size_t k = 0; k < z.size(); ++k) {
        const double shifted = z[k] - top, share = std::exp(shifted) / sum, y = (1 - smoothing) * t[k] + smoothing / K;
        if (y != 0) row.loss += y * (std::log(sum) - shifted);
        if (y != 0) depth = std::max(depth, std::abs(shifted));
        row.d.push_back(share * targets - y);
        const double exponent = share > 0 ? std::abs(shifted) : 0;
        row.d_tolerance.push_back(ROUNDING<Real> * ((K + 24 + exponent) * share * targets + 8 * y));
    }
    row.loss_tolerance = ROUNDING<Real> * (K + 16) * (1 + std::log(K) + depth) * targets;
    return row;
}

template <typename Real>
Row regression(Loss loss, const std::vector<double>& prediction, const std::vector<double>& target, double delta) {
    Row row;
    for (size_t k = 0; k < prediction.size(); ++k) {
        const double r = prediction[k] - target[k], size = std::abs(r);
        double value = r * r / 2, slope = r;
        if (loss == Loss::absolute) value = size, slope = double(r > 0) - double(r < 0);
        if (loss == Loss::huber && size > delta) value = delta * (size - delta / 2), slope = r > 0 ? delta : -delta;
        row.loss += value;
        row.d.push_back(slope);
        row.d_tolerance.push_back(4 * ROUNDING<Real> * std::abs(slope));
    }
    row.loss_tolerance = 16 * ROUNDING<Real> * row.loss;
    return row;
}

// log(1 + e^z), to the precision of double for every z.
double softplus(double z) { return std::max(z, 0.0) + std::log1p(std::exp(-std::abs(z))); }

// t softplus(-z) + (1 - t) softplus(z) and logistic(z) - t, or t log t - t - t z + e^z and e^z - t. Rounding: what an
// exponential's argument loses is relative to the result, and the terms of a Poisson loss may cancel.
template <typename Real>
Row likelihood(Loss loss, const std::vector<double>& z, const std::vector<double>& target, double smoothing) {
    Row row;
    for (size_t k = 0; k < z.size(); ++k) {
        if (loss == Loss::poisson) {
            const double t = target[k], mean = std::exp(z[k]), entropy = t > 0 ? t * std::log(t) : 0;
            row.loss += mean - t * z[k] + entropy - t;
            row.loss_tolerance += 8 * ROUNDING<Real> * (mean + std::abs(t * z[k]) + std::abs(entropy) + t);
            row.d.push_back(mean - t);
            row.d_tolerance.push_back(8 * ROUNDING<Real> * (mean + t));
        } else {
            const double t = (1 - smoothing) * target[k] + smoothing / 2;
            const double terms = t * softplus(-z[k]) + (1 - t) * softplus(z[k]);
            row.loss += terms;
            // The target is rounded once, and 1 minus it again.
            row.loss_tolerance += ROUNDING<Real> * (16 * terms + 4 * std::abs(z[k]) + 4);
            const double p = 1 / (1 + std::exp(-z[k]));
            row.d.push_back(p - t);
            row.d_tolerance.push_back(8 * ROUNDING<Real> * (p + t));
        }
    }
    return row;
}

}  // namespace

template <typename Real>
void check_loss(const Kernels<Real>& kernels, Random& random, Comparison& comparison) {
    for (int trial = 0; trial < 120; ++trial) {
        const int64_t K = trial % 5 < 4 ? random.integer(1, 70) : 1, rows = random.integer(1, 12 + 24 * (K == 1));
        const int64_t users_rows = rows + 3;
        const bool labelled = trial % 8 == 0, soft = trial % 8 == 4;
        std::vector<int64_t> labels, order;
        for (int64_t i = 0; i < users_rows; ++i) labels.push_back(random.integer(0, K - 1));
        const Loss kind = LOSSES[trial % 8];
        const bool binary = kind == Loss::binary_cross_entropy, counts = kind == Loss::poisson;
        std::vector<Real> targets = random.numbers<Real>(users_rows * K, soft ? 0.01 : -3, 3);
        for (Real& t : targets) {
            if (counts) t = std::max(t, Real(0));  // half of them 0
            if (binary) t = t < -1 ? 0.0f : t > 1 ? 1.0f : (t + 1) / 2;
        }
        std::vector<Real> weights = random.numbers<Real>(users_rows, 0.1, 2);
        if (soft) {  // probabilities, to rounding; some are 0
            for (Real* t = targets.data(); t < targets.data() + targets.size(); t += K) {
                for (int64_t k = 1; k < K; ++k)
                    if (random.integer(0, 2) == 0) t[k] = 0;
                Real sum = 0;
                for (int64_t k = 0; k < K; ++k) sum += t[k];
                for (int64_t k = 0; k < K; ++k) t[k] /= sum;
            }
        }
        for (int64_t i = 0; i < rows; ++i) order.push_back(random.integer(0, users_rows - 1));
        weights[size_t(order[0])] = trial % 3 == 0 ? 0.0f : 1.5f;
        const bool weighted = trial % 3 != 2;
        const Objective<Real> objective{kind,
                                        trial % 16 < 8 ? 0 : 0.1,
                                        double(random.number<Real>(0.3, 2)),
                                        K,
                                        labelled ? labels.data() : nullptr,
                                        labelled ? nullptr : targets.data(),
                                        weighted ? weights.data() : nullptr};
        Block<Real> z(random, rows, K, kernels.panel, -8, 8), d(rows, K, kernels.panel);
        for (int64_t i = 0; i < rows; ++i) std::fill(z.row(i) + K, z.row(i) + z.stride, NOT_WRITTEN<Real>);
        const bool first_takes_no_part = weighted && weights[size_t(order[0])] == 0;
        if (first_takes_no_part) z.row(0)[0] = NAN;
        std::fill(d.values.begin(), d.values.end(), NOT_WRITTEN<Real>);
        const Block<Real> untouched = d;
        const bool last_is_not_finite = trial % 7 == 0 && rows > 1;
        if (last_is_not_finite) z.row(rows - 1)[K - 1] = NAN;
        std::vector<double> losses(size_t(rows), -1.0);
        const double total = double(rows) * 1.25;
        const int64_t begin = rows > 2 && random.coin() ? 1 : 0, end = random.integer(begin + 1, rows);
        kernels.loss(objective, order.data(), total, begin, end, z.data(), d.data(), z.stride, losses.data());
        for (int64_t i = 0; i < rows; ++i) {
            if (i < begin || i >= end) {
                comparison.near(losses[size_t(i)], -1, 0);
                comparison.same(d.row(i), untouched.values.data(), size_t(d.stride));
                continue;
            }
            const int64_t row = order[size_t(i)];
            std::vector<double> logits, target;
            for (int64_t k = 0; k < K; ++k) {
                logits.push_back(z.at(i, k));
                target.push_back(labelled ? double(k == labels[size_t(row)]) : double(targets[size_t(row * K + k)]));
            }
            if (last_is_not_finite && i == rows - 1 && !(weighted && weights[size_t(row)] == 0)) {
                comparison.near(losses[size_t(i)], NAN, 0);
                comparison.near(d.at(i, K - 1), NAN, 0);
                continue;
            }
            const double weight = weighted ? double(weights[size_t(row)]) : 1.0, share = weight / total;
            Row expected;
            if (weight == 0) {
                expected.d = expected.d_tolerance = std::vector<double>(size_t(K), 0.0);
            } else if (binary || counts) {
                expected = likelihood<Real>(kind, logits, target, objective.label_smoothing);
            } else if (objective.loss == Loss::cross_entropy) {
                expected = cross_entropy<Real>(logits, target, objective.label_smoothing);
            } else {
                expected = regression<Real>(objective.loss, logits, target, double(Real(objective.huber_delta)));
            }
            comparison.near(losses[size_t(i)], weight * expected.loss, weight * expected.loss_tolerance);
            for (int64_t k = 0; k < K; ++k) {
                const double slope = expected.d[size_t(k)], rounded = 2 * ROUNDING<Real> * std::abs(slope);
                comparison.near(d.at(i, k), share * slope, share * (expected.d_tolerance[size_t(k)] + rounded));
            }
            for (int64_t k = K; k < d.padded; ++k) comparison.near(d.at(i, k), 0, 0);
        }
    }
}

template <typename Real>
void check_softmax(const Kernels<Real>& kernels, Random& random, Comparison& comparison) {
    for (int trial = 0; trial < 30; ++trial) {
        const int64_t rows = random.integer(1, 8), K = random.integer(1, 70);
        Block<Real> z(random, rows, K, kernels.panel, -30, 30);
        for (int64_t i = 0; i < rows; ++i) std::fill(z.row(i) + K, z.row(i) + z.stride, NOT_WRITTEN<Real>);
        if (K > 1 && random.coin()) z.row(0)[random.integer(0, K - 1)] = -INFINITY;
        if (trial % 5 == 4) z.row(rows - 1)[0] = NAN;
        const Block<Real> before = z;
        kernels.softmax(z.data(), rows, K, z.stride);
        for (int64_t i = 0; i < rows; ++i) {
            double top = -INFINITY, sum = 0;
            for (int64_t k = 0; k < K; ++k) top = std::max(top, before.at(i, k));
            for (int64_t k = 0; k < K; ++k) sum += std::exp(before.at(i, k) - top);
            for (int64_t k = 0; k < K; ++k) {
                const double shifted = before.at(i, k) - top, y = std::exp(shifted) / sum;
                const double exponent = std::isinf(shifted) ? 0 : std::abs(shifted);
                comparison.near(z.at(i, k), y, ROUNDING<Real> * (double(K) + 24 + exponent) * y);
            }
        }
    }
}

template void check_loss(const Kernels<float>&, Random&, Comparison&);
template void check_loss(const Kernels<double>&, Random&, Comparison&);
template void check_softmax(const Kernels<float>&, Random&, Comparison&);
template void check_softmax(const Kernels<double>&, Random&, Comparison&);

}  // namespace treadle
