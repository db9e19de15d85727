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
// Numbers of a category's table that are updated together: whole cache lines.
constexpr int64_t TABLE_UNIT = 8192;

}  // namespace

template <typename Real>
StepNumbers TrainingState<Real>::numbers_of(int64_t number, double learning_rate, double fade) const {
    const Optimizer& o = problem.optimizer;
    if (o.update != Update::adam) return {learning_rate, fade};
    return {learning_rate, fade, 1 - decayed(o.beta_1, number), 1 - decayed(o.beta_2, number)};
}

template <typename Real>
Step<Real> TrainingState<Real>::rule_of(const StepNumbers& numbers, const Pace& pace) const {
    const Optimizer& o = problem.optimizer;
    const double rate = numbers.rate * pace.rate;
    Step<Real> rule{};
    rule.update = o.update;
    rule.l2 = Real(problem.l2 * pace.decay);
    rule.shrink = 1;
    rule.momentum = Real(o.momentum);
    rule.rate = Real(rate);
    if (o.update == Update::adam) {
        rule.beta_1 = Real(o.beta_1);
        rule.rest_1 = Real(1 - o.beta_1);
        rule.beta_2 = Real(o.beta_2);
        rule.rest_2 = Real(1 - o.beta_2);
        rule.epsilon = Real(o.epsilon * std::sqrt(numbers.c_2) * pace.epsilon);
        rule.rate = Real(rate * std::sqrt(numbers.c_2) / numbers.c_1);
        rule.shrink = Real(1 - rate * (o.weight_decay * numbers.fade) * pace.decay);
    }
    return rule;
}

// Rows, moved pixels and dropout of batch s, whose rows of X are `rows`.
template <typename Real>
void TrainingState<Real>::prepare(const int64_t* rows, int64_t begin, int64_t end, int64_t s, double fade) {
    Real* input = inputs[s & 1].data() + begin * input_stride;
    kernels.gather(problem.X, rows + begin, end - begin, input, input_stride);
    const uint64_t number = uint64_t(step + s);
    if (problem.augmentation.height > 0) {
        const Words words(problem.noise_seed, Noise::augmentation, 0, number);
        for (int64_t i = begin; i < end; ++i, input += input_stride)
            move_image(problem.augmentation, words, i, Real(problem.X.offset), input);
    }
    const int64_t columns = problem.X.columns;
    if (!has_stage())
        round(inputs[s & 1].data(), input_stride, columns, left_inputs[s & 1],
              {0, treadle::panels(columns, kernels.panel), begin, end});
    for (size_t l = 0; l < hidden(); ++l) {
        LayerState<Real>& layer = layers[l];
        if (layer.shape.dropout == 0) continue;
        const Words words(problem.noise_seed, Noise::dropout, l, number);
        // A byte is of the unit that its first bit is of.
        draw_kept(words, layer.shape.dropout * fade, ceil_divide(begin * layer.shape.n_out, 8),
                  ceil_divide(end * layer.shape.n_out, 8), layer.kept[s & 1].data());
    }
}

template <typename Real>
void TrainingState<Real>::forward_stage(int64_t s, int64_t begin, int64_t end) {
    pass_input_stage(problem.stage, kernels, stage.values(), inputs[s & 1].data() + begin * input_stride, input_stride,
                     end - begin, stage.codes.data() + begin * problem.stage.categories(),
                     stage.joined.data() + begin * stage.stride, stage.output.data() + begin * stage.stride,
                     stage.stride);
    round(stage.output.data(), stage.stride, problem.stage.width(), stage.left_output, {0, stage.panels, begin, end});
}

template <typename Real>
void TrainingState<Real>::forward(size_t l, int64_t n, int64_t s, double fade, const Grid::Unit& unit) {
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
    kernels.activate(layer.shape.activation, layer.z.data() + at, layer.output() + at, layer.parametric(at, begin),
                     layer.dropout(s, fade, unit.begin, begin), rows, columns, stride);
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
    if (hidden() > 0 || has_stage())
        round(layer.d.data(), layer.stride, layer.shape.n_out, layer.left_d, {0, layer.panels, begin, end});
}

// dJ/dz of hidden layer l from that of the layer above.
template <typename Real>
void TrainingState<Real>::backward(size_t l, int64_t n, int64_t s, double fade, const Grid::Unit& unit) {
    const LayerState<Real>&layer = layers[l], &above = layers[l + 1];
    const ptrdiff_t stride = layer.stride, row = unit.begin * stride;
    const int64_t rows = unit.end - unit.begin, begin = unit.panel_begin * kernels.panel;
    const int64_t columns = (unit.panel_end - unit.panel_begin) * kernels.panel, at = row + begin;
    Real* d = layer.d.data() + at;
    const Factor<Real> D = factor(above.d.data(), above.stride, above.left_d, unit.begin);
    kernels.multiply(D.data, D.stride, rows, above.shape.n_out, above.backward.data(), nullptr, unit.panel_begin,
                     unit.panel_end, layer.d.data() + row, stride);
    if (layer.a.size())
        kernels.multiply_by_derivatives(d, layer.z.data() + at, layer.parametric(at, begin).differences,
                                        layer.dropout(s, fade, unit.begin, begin), rows, columns, stride);
    else
        kernels.activate_backward(layer.shape.activation, d, layer.output() + at, rows, columns, stride);
    if (layer.shape.batch_norm)
        kernels.normalise_backward(layer.d.data() + begin, layer.u.data() + begin, n, columns, stride,
                                   layer.scales.value.data() + begin, layer.inverse.data() + begin,
                                   layer.scale_gradient.data() + begin, layer.bias_gradient.data() + begin);
    if (l > 0 || has_stage()) round(layer.d.data(), stride, layer.shape.n_out, layer.left_d, unit);
}

// dJ by what the stage's factors are multiplied with, and by these, summed in `update_stage`.
template <typename Real>
void TrainingState<Real>::backward_stage(const Grid::Unit& unit) {
    const LayerState<Real>& above = layers[0];
    const ptrdiff_t row = unit.begin * stage.stride;
    const int64_t rows = unit.end - unit.begin, begin = unit.panel_begin * kernels.panel;
    const int64_t columns = (unit.panel_end - unit.panel_begin) * kernels.panel;
    const Factor<Real> D = factor(above.d.data(), above.stride, above.left_d, unit.begin);
    kernels.multiply(D.data, D.stride, rows, above.shape.n_out, above.backward.data(), nullptr, unit.panel_begin,
                     unit.panel_end, stage.d.data() + row, stage.stride);
    kernels.scale_columns_backward(stage.d.data() + row + begin, stage.joined.data() + row + begin,
                                   stage.scales.value.data() + begin, rows, columns, stage.stride);
}

// Tiles unit.begin .. unit.end of each of the unit's panels; what there is one of for each column goes with the first.
template <typename Real>
void TrainingState<Real>::update(size_t l, const StepNumbers& numbers, int64_t n, int64_t s, const Grid::Unit& unit,
                                 Real* scratch) {
    const LayerState<Real>& layer = layers[l];
    const Layer& shape = layer.shape;
    const bool learns = problem.optimizer.update != Update::keep_gradient;
    kernels.update_weights(rule_of(numbers, shape.weights), below(l, s), below_stride(l), layer.d.data(), layer.stride,
                           n, shape.n_in, shape.n_out, unit.panel_begin, unit.panel_end, unit.begin, unit.end,
                           layer.weights.from(0), learns ? layer.operands() : Operands{},
                           problem.l2 != 0 ? layers[l].squares.data() : nullptr, scratch);
    if (unit.begin > 0) return;
    const Step<Real> of_biases = rule_of(numbers, shape.biases);
    const int64_t begin = unit.panel_begin * kernels.panel, columns = unit.panel_end * kernels.panel - begin;
    if (shape.batch_norm) {
        kernels.update_columns(of_biases, layer.bias_gradient.data() + begin, columns, layer.biases.from(begin));
        kernels.update_columns(rule_of(numbers, shape.scales), layer.scale_gradient.data() + begin, columns,
                               layer.scales.from(begin));
        std::copy_n(layer.moved_mean.data() + begin, columns, layer.running_mean.data() + begin);
        std::copy_n(layer.moved_variance.data() + begin, columns, layer.running_variance.data() + begin);
    } else {
        kernels.update_biases(of_biases, layer.d.data() + begin, layer.stride, n, columns, layer.biases.from(begin));
    }
    if (shape.parametric)
        kernels.update_biases(rule_of(numbers, shape.slopes), layer.differences.data() + begin, layer.stride, n,
                              columns, layer.slopes.from(begin));
}

// A number's cosines are a unit, and so are a panel of factors, and some rows of a category's table.
template <typename Real>
int64_t TrainingState<Real>::stage_units() const {
    if (!has_stage()) return 0;
    int64_t units = problem.stage.numbers + stage.panels;
    for (int64_t k = 0; k < problem.stage.categories(); ++k) units += ceil_divide(problem.stage.table(k), TABLE_UNIT);
    return units;
}

template <typename Real>
void TrainingState<Real>::update_stage(int64_t unit, const StepNumbers& numbers, int64_t n, int64_t s, int thread) {
    const InputStage& shape = problem.stage;
    if (unit < shape.numbers) {
        const Cosines cosines = shape.cosines();
        Real* const gradient = stage.scratch[size_t(thread)].data();
        kernels.combine_cosines_backward(
            cosines, stage.cosines.value.data() + unit * cosines.block, inputs[s & 1].data() + unit, input_stride, n,
            stage.d.data() + unit * cosines.combinations, stage.stride, gradient, gradient + cosines.block);
        kernels.update_columns(rule_of(numbers, shape.of_cosines), gradient, cosines.block,
                               stage.cosines.from(unit * cosines.block));
        return;
    }
    unit -= shape.numbers;
    if (unit < stage.panels) {
        const int64_t begin = unit * kernels.panel;
        kernels.update_biases(rule_of(numbers, shape.of_scales), stage.joined.data() + begin, stage.stride, n,
                              kernels.panel, stage.scales.from(begin));
        return;
    }
    unit -= stage.panels;
    size_t k = 0;
    for (int64_t units; unit >= (units = ceil_divide(shape.table(int64_t(k)), TABLE_UNIT)); ++k) unit -= units;
    // Numbers begin <= i < end of the table, which cut a row perhaps.
    const int64_t begin = unit * TABLE_UNIT, end = std::min(begin + TABLE_UNIT, shape.table(int64_t(k)));
    const int64_t v = shape.embedding, m = shape.categories();
    Real* const gradient = stage.table_gradients[k].data();
    std::fill(gradient + begin, gradient + end, Real(0));
    const Real* d = stage.d.data() + shape.combinations * shape.numbers + shape.copied() + int64_t(k) * v;
    for (int64_t i = 0; i < n; ++i, d += stage.stride) {
        const int64_t first = stage.codes[size_t(i * m) + k] * v;
        for (int64_t at = std::max(first, begin); at < std::min(first + v, end); ++at) gradient[at] += d[at - first];
    }
    kernels.update_columns(rule_of(numbers, shape.of_embeddings), gradient + begin, end - begin,
                           stage.tables[k].from(begin));
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
