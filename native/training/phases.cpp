// Computes the units of a step's phases, by the equations of kernels.h.
#include <algorithm>
#include <cmath>

#include "training/decay.h"
#include "training/noise.h"
#include "training/training_state.h"

namespace treadle {

namespace {

constexpr double BATCH_NORM_EPSILON = 1e-5;
constexpr double BATCH_NORM_MOMENTUM = 0.1;

}  // namespace

template <typename Real>
Step<Real> TrainingState<Real>::rule_of(int64_t step, double learning_rate) const {
    const Optimizer& o = problem.optimizer;
    Step<Real> rule{};
    rule.update = o.update;
    rule.l2 = Real(problem.l2);
    rule.shrink = 1;
    rule.momentum = Real(o.momentum);
    rule.rate = Real(learning_rate);
    if (o.update == Update::adam) {
        const double c_1 = 1 - decayed(o.beta_1, step), c_2 = 1 - decayed(o.beta_2, step);
        rule.beta_1 = Real(o.beta_1);
        rule.rest_1 = Real(1 - o.beta_1);
        rule.beta_2 = Real(o.beta_2);
        rule.rest_2 = Real(1 - o.beta_2);
        rule.epsilon = Real(o.epsilon * std::sqrt(c_2));
        rule.rate = Real(learning_rate * std::sqrt(c_2) / c_1);
        rule.shrink = Real(1 - learning_rate * o.weight_decay);
    }
    return rule;
}

// Rows, moved pixels and masks of batch s, whose rows of X are `rows`.
template <typename Real>
void TrainingState<Real>::prepare(const int64_t* rows, int64_t begin, int64_t end, int64_t s) {
    Real* input = inputs[s & 1].data() + begin * input_stride;
    kernels.gather(problem.X, rows + begin, end - begin, input, input_stride);
    const uint64_t number = uint64_t(step + s);
    if (problem.augmentation.height > 0) {
        const Words words(problem.noise_seed, Noise::augmentation, 0, number);
        for (int64_t i = begin; i < end; ++i, input += input_stride)
            move_image(problem.augmentation, words, i, Real(problem.X.offset), input);
    }
    const int64_t n_in = layers[0].shape.n_in;
    round(inputs[s & 1].data(), input_stride, n_in, left_inputs[s & 1],
          {0, treadle::panels(n_in, kernels.panel), begin, end});
    for (size_t l = 0; l < hidden(); ++l) {
        LayerState<Real>& layer = layers[l];
        if (layer.shape.dropout == 0) continue;
        const Words words(problem.noise_seed, Noise::dropout, l, number);
        // A byte is of the unit that its first bit is of.
        draw_kept(words, layer.shape.dropout, ceil_divide(begin * layer.shape.n_out, 8),
                  ceil_divide(end * layer.shape.n_out, 8), layer.kept[s & 1].data());
    }
}

template <typename Real>
void TrainingState<Real>::forward(size_t l, int64_t n, int64_t s, const Grid::Unit& unit) {
    const LayerState<Real>& layer = layers[l];
    const ptrdiff_t stride = layer.stride, row = unit.begin * stride;
    const int64_t rows = unit.end - unit.begin, begin = unit.panel_begin * kernels.panel;
    const int64_t columns = (unit.panel_end - unit.panel_begin) * kernels.panel, at = row + begin;
    const bool normalised = layer.shape.batch_norm;
    const Factor<Real> A = factor(below(l, s), below_stride(l), left_below(l, s), unit.begin);
    kernels.multiply(A.data, A.stride, rows, layer.shape.n_in, layer.operand(),
                     normalised ? nullptr : layer.biases.value.data(), unit.panel_begin, unit.panel_end,
                     (normalised ? layer.u : layer.z).data() + row, stride);
    if (normalised) {
        std::copy_n(layer.running_mean.data() + begin, columns, layer.moved_mean.data() + begin);
        std::copy_n(layer.running_variance.data() + begin, columns, layer.moved_variance.data() + begin);
        kernels.normalise(layer.u.data() + begin, layer.z.data() + begin, n, columns, stride,
                          layer.scales.value.data() + begin, layer.biases.value.data() + begin,
                          Real(BATCH_NORM_EPSILON), Real(BATCH_NORM_MOMENTUM), layer.inverse.data() + begin,
                          layer.moved_mean.data() + begin, layer.moved_variance.data() + begin);
    }
    kernels.activate(layer.shape.activation, layer.z.data() + at, layer.output() + at,
                     layer.dropout(s, unit.begin, begin), rows, columns, stride);
    round(layer.output(), stride, layer.shape.n_out, layer.left_output, unit);
}

template <typename Real>
void TrainingState<Real>::output_and_loss(const int64_t* rows, int64_t begin, int64_t end, double total, int64_t s) {
    const LayerState<Real>& layer = last();
    const Factor<Real> A = factor(below(hidden(), s), below_stride(hidden()), left_below(hidden(), s), begin);
    kernels.multiply(A.data, A.stride, end - begin, layer.shape.n_in, layer.operand(), layer.biases.value.data(), 0,
                     layer.panels, layer.z.data() + begin * layer.stride, layer.stride);
    kernels.loss(problem.objective, rows, total, begin, end, layer.z.data(), layer.d.data(), layer.stride,
                 losses.data());
    if (hidden() > 0)
        round(layer.d.data(), layer.stride, layer.shape.n_out, layer.left_d, {0, layer.panels, begin, end});
}

// dJ/dz of hidden layer l from that of the layer above.
template <typename Real>
void TrainingState<Real>::backward(size_t l, int64_t n, int64_t s, const Grid::Unit& unit) {
    const LayerState<Real>&layer = layers[l], &above = layers[l + 1];
    const ptrdiff_t stride = layer.stride, row = unit.begin * stride;
    const int64_t rows = unit.end - unit.begin, begin = unit.panel_begin * kernels.panel;
    const int64_t columns = (unit.panel_end - unit.panel_begin) * kernels.panel, at = row + begin;
    Real* d = layer.d.data() + at;
    const Factor<Real> D = factor(above.d.data(), above.stride, above.left_d, unit.begin);
    kernels.multiply(D.data, D.stride, rows, above.shape.n_out, above.backward.data(), nullptr, unit.panel_begin,
                     unit.panel_end, layer.d.data() + row, stride);
    if (layer.a.size())
        kernels.multiply_by_slopes(d, layer.z.data() + at, layer.dropout(s, unit.begin, begin), rows, columns, stride);
    else
        kernels.activate_backward(layer.shape.activation, d, layer.output() + at, rows, columns, stride);
    if (layer.shape.batch_norm)
        kernels.normalise_backward(layer.d.data() + begin, layer.u.data() + begin, n, columns, stride,
                                   layer.scales.value.data() + begin, layer.inverse.data() + begin,
                                   layer.scale_gradient.data() + begin, layer.bias_gradient.data() + begin);
    if (l > 0) round(layer.d.data(), stride, layer.shape.n_out, layer.left_d, unit);
}

// Tiles unit.begin .. unit.end of each of the unit's panels; what there is one of for each column goes with the first.
template <typename Real>
void TrainingState<Real>::update(size_t l, const Step<Real>& rule, int64_t n, int64_t s, const Grid::Unit& unit,
                                 Real* scratch) {
    const LayerState<Real>& layer = layers[l];
    const int64_t panel = kernels.panel, n_in = layer.shape.n_in;
    const bool learns = rule.update != Update::keep_gradient;
    kernels.update_weights(rule, below(l, s), below_stride(l), layer.d.data(), layer.stride, n, n_in, layer.shape.n_out,
                           unit.panel_begin, unit.panel_end, unit.begin, unit.end, layer.weights.from(0),
                           learns ? layer.operands() : Operands{}, problem.l2 != 0 ? layers[l].squares.data() : nullptr,
                           scratch);
    if (unit.begin > 0) return;
    Step<Real> plain = rule;  // what is not a weight has neither decay nor penalty
    plain.l2 = 0;
    plain.shrink = 1;
    const int64_t begin = unit.panel_begin * panel, columns = (unit.panel_end - unit.panel_begin) * panel;
    if (layer.shape.batch_norm) {
        kernels.update_columns(plain, layer.bias_gradient.data() + begin, columns, layer.biases.from(begin));
        kernels.update_columns(plain, layer.scale_gradient.data() + begin, columns, layer.scales.from(begin));
        std::copy_n(layer.moved_mean.data() + begin, columns, layer.running_mean.data() + begin);
        std::copy_n(layer.moved_variance.data() + begin, columns, layer.running_variance.data() + begin);
    } else {
        kernels.update_biases(plain, layer.d.data() + begin, layer.stride, n, columns, layer.biases.from(begin));
    }
}

template <typename Real>
double TrainingState<Real>::total_weight(const int64_t* rows, int64_t n) const {
    if (!problem.objective.weights) return double(n);
    double total = 0;
    for (int64_t i = 0; i < n; ++i) total += double(problem.objective.weights[rows[i]]);
    return total;
}

template <typename Real>
double TrainingState<Real>::penalty() const {
    double squares = 0;
    for (const LayerState<Real>& layer : layers) {
        double chains[4] = {};  // an addition waits for the one before
        for (size_t i = 0; i < layer.squares.size(); ++i) chains[i % 4] += layer.squares[i];
        squares += (chains[0] + chains[1]) + (chains[2] + chains[3]);
    }
    return 0.5 * problem.l2 * squares;
}

template struct TrainingState<float>;
template struct TrainingState<double>;

}  // namespace treadle
