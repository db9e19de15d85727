// Allocates the memory of training, and copies its state in and out.
#include "training/training_state.h"

#include <cstring>

namespace treadle {

namespace {

constexpr int64_t PAST_THE_END = 32;  // what update_weights may read behind a batch's last row

int moments_of(Update update) {
    switch (update) {
        case Update::adam: return 2;
        case Update::plain: return 0;
        default: return 1;
    }
}

// Whether f(z) tells f'(z), and nothing more is made of it.
bool in_place(const Layer& layer) {
    switch (layer.activation) {
        case Activation::gelu:
        case Activation::silu:
        case Activation::mish: return false;
        default: return layer.dropout == 0 && !layer.parametric;
    }
}

template <typename Real>
constexpr Buffer<Real> TrainedArray<Real>::* MEMBERS[] = {&TrainedArray<Real>::value, &TrainedArray<Real>::first,
                                                          &TrainedArray<Real>::second};

// Walks through a flat array of treadle.network.Parameters: calls weights(buffer, layer, at) for each layer's, and then
// columns(data, n, at) for the biases of every layer, the scales of the normalised ones, the slopes of the parametric
// ones, and what the input stage has.
template <typename Real, typename Weights, typename Columns>
void walk(const TrainingState<Real>& state, Buffer<Real> TrainedArray<Real>::* member, const Weights& weights,
          const Columns& columns) {
    int64_t at = 0;
    for (const LayerState<Real>& layer : state.layers) {
        weights(layer.weights.*member, layer.shape, at);
        at += layer.shape.n_in * layer.shape.n_out;
    }
    for (const auto array : {&LayerState<Real>::biases, &LayerState<Real>::scales, &LayerState<Real>::slopes}) {
        for (const LayerState<Real>& layer : state.layers) {
            if (array == &LayerState<Real>::scales && !layer.shape.batch_norm) continue;
            if (array == &LayerState<Real>::slopes && !layer.shape.parametric) continue;
            columns((layer.*array.*member).data(), layer.shape.n_out, at);
            at += layer.shape.n_out;
        }
    }
    const int64_t block = state.problem.stage.cosines().block;
    state.problem.stage.walk(
        at,
        [&](int64_t n, int64_t j, int64_t offset, int64_t from) {
            columns((state.stage.cosines.*member).data() + j * block + offset, n, from);
        },
        [&](int64_t k, int64_t n, int64_t from) { columns((state.stage.tables[size_t(k)].*member).data(), n, from); },
        [&](int64_t n, int64_t from) { columns((state.stage.scales.*member).data(), n, from); });
}

// The same for its statistics: running means, then running variances.
template <typename Real, typename Columns>
void walk_statistics(const std::vector<LayerState<Real>>& layers, const Columns& columns) {
    int64_t at = 0;
    for (const auto running : {&LayerState<Real>::running_mean, &LayerState<Real>::running_variance}) {
        for (const LayerState<Real>& layer : layers) {
            if (!layer.shape.batch_norm) continue;
            columns((layer.*running).data(), layer.shape.n_out, at);
            at += layer.shape.n_out;
        }
    }
}

}  // namespace

template <typename Real>
TrainingState<Real>::TrainingState(const Problem<Real>& given, const Kernels<Real>& kernels)
    : problem(given), kernels(kernels) {
    const int64_t panel = kernels.panel, rows = problem.batch_size;
    const int moments = moments_of(problem.optimizer.update);
    input_stride = treadle::stride<Real>(problem.X.columns, panel);
    for (Buffer<Real>& input : inputs) input = arena.numbers(rows * input_stride + PAST_THE_END);
    if (!kernels.direct && !has_stage()) {
        for (Buffer<Real>& left : left_inputs) left = arena.numbers(kernels.left_size(rows, problem.X.columns));
    }
    for (int t = 0; t < problem.threads; ++t) scratch.push_back(arena.numbers(kernels.scratch_size(rows)));
    losses.resize(size_t(rows));
    for (size_t l = 0; l < problem.layers.size(); ++l) {
        const Layer& shape = problem.layers[l];
        LayerState<Real>& layer = layers.emplace_back();
        layer.shape = shape;
        layer.panels = treadle::panels(shape.n_out, panel);
        layer.stride = treadle::stride<Real>(shape.n_out, panel);
        layer.tiles = ceil_divide(shape.n_in, kernels.tile_rows);
        const int64_t columns = layer.panels * panel, values = rows * layer.stride + PAST_THE_END;
        layer.weights = TrainedArray<Real>(arena, shape.n_in * columns, moments);
        layer.biases = TrainedArray<Real>(arena, columns, moments);
        const bool has_below = l > 0 || has_stage();
        if (has_below) layer.backward = arena.numbers(kernels.right_size(shape.n_out, shape.n_in));
        if (!kernels.direct) {
            layer.forward = arena.numbers(kernels.right_size(shape.n_in, shape.n_out));
            if (l + 1 < problem.layers.size()) layer.left_output = arena.numbers(kernels.left_size(rows, shape.n_out));
            if (has_below) layer.left_d = arena.numbers(kernels.left_size(rows, shape.n_out));
        }
        layer.z = arena.numbers(values);
        layer.d = arena.numbers(values);
        if (!in_place(shape)) layer.a = arena.numbers(values);
        if (shape.dropout > 0) {
            for (std::vector<uint8_t>& kept : layer.kept) kept.resize(size_t((rows * shape.n_out + panel) / 8 + 8));
        }
        if (shape.parametric) {
            layer.differences = arena.numbers(values);
            layer.slopes = TrainedArray<Real>(arena, columns, moments);
        }
        if (shape.batch_norm) {
            layer.u = arena.numbers(values);
            layer.scales = TrainedArray<Real>(arena, columns, moments);
            for (Buffer<Real>* columnwise :
                 {&layer.running_mean, &layer.running_variance, &layer.moved_mean, &layer.moved_variance,
                  &layer.inverse, &layer.scale_gradient, &layer.bias_gradient})
                *columnwise = arena.numbers(columns);
        }
        if (problem.l2 != 0)
            layer.squares.resize(
                size_t(columns / kernels.square_columns * ceil_divide(shape.n_in, kernels.square_rows)));
    }
    if (has_stage()) allocate_stage(moments);
}

template <typename Real>
void TrainingState<Real>::allocate_stage(int moments) {
    const InputStage& shape = problem.stage;
    const int64_t rows = problem.batch_size, panel = kernels.panel;
    stage.panels = treadle::panels(shape.width(), panel);
    stage.stride = treadle::stride<Real>(shape.width(), panel);
    const int64_t values = rows * stage.stride + PAST_THE_END, block = shape.cosines().block;
    stage.cosines = TrainedArray<Real>(arena, shape.numbers * block, moments);
    stage.scales = TrainedArray<Real>(arena, stage.panels * panel, moments);
    for (int64_t k = 0; k < shape.categories(); ++k) {
        stage.tables.emplace_back(arena, shape.table(k), moments);
        stage.table_gradients.push_back(arena.numbers(shape.table(k)));
    }
    for (Buffer<Real>* batch : {&stage.joined, &stage.output, &stage.d}) *batch = arena.numbers(values);
    if (!kernels.direct) stage.left_output = arena.numbers(kernels.left_size(rows, shape.width()));
    stage.codes.resize(size_t(rows * shape.categories()));
    for (int t = 0; t < problem.threads; ++t)
        stage.scratch.push_back(arena.numbers(block + (1 + shape.combinations) * (rows + 16)));
}

template <typename Real>
void TrainingState<Real>::read(Real* values, Real* first, Real* second, Real* statistics) const {
    Real* const flats[] = {values, first, second};
    const auto copy_to = [](Real* flat) {
        return
            [flat](const Real* data, int64_t n, int64_t at) { std::memcpy(flat + at, data, size_t(n) * sizeof(Real)); };
    };
    for (int m = 0; m < 3; ++m) {
        Real* const flat = flats[m];
        if (!flat || !(layers[0].weights.*MEMBERS<Real>[m]).size()) continue;
        walk(
            *this, MEMBERS<Real>[m],
            [&](const Buffer<Real>& buffer, const Layer& shape, int64_t at) {
                from_panels(buffer.data(), shape.n_in, shape.n_out, kernels.panel, flat + at);
            },
            copy_to(flat));
    }
    if (statistics) walk_statistics(layers, copy_to(statistics));
}

template <typename Real>
void TrainingState<Real>::write(const Real* values, const Real* first, const Real* second, const Real* statistics,
                                int64_t steps_taken) {
    const Real* const flats[] = {values, first, second};
    const auto copy_from = [](const Real* flat) {
        return [flat](Real* data, int64_t n, int64_t at) { std::memcpy(data, flat + at, size_t(n) * sizeof(Real)); };
    };
    step = steps_taken;
    for (int m = 0; m < 3; ++m) {
        const Real* const flat = flats[m];
        if (!flat || !(layers[0].weights.*MEMBERS<Real>[m]).size()) continue;
        walk(
            *this, MEMBERS<Real>[m],
            [&](const Buffer<Real>& buffer, const Layer& shape, int64_t at) {
                to_panels(flat + at, shape.n_in, shape.n_out, kernels.panel, buffer.data());
            },
            copy_from(flat));
    }
    if (statistics) walk_statistics(layers, copy_from(statistics));
    for (const LayerState<Real>& layer : layers)
        kernels.write_operands(layer.weights.value.data(), layer.shape.n_in, layer.shape.n_out, 0, layer.panels, 0,
                               layer.tiles, layer.operands());
}

template void TrainingState<float>::allocate_stage(int);
template void TrainingState<double>::allocate_stage(int);
template TrainingState<float>::TrainingState(const Problem<float>&, const Kernels<float>&);
template TrainingState<double>::TrainingState(const Problem<double>&, const Kernels<double>&);
template void TrainingState<float>::read(float*, float*, float*, float*) const;
template void TrainingState<double>::read(double*, double*, double*, double*) const;
template void TrainingState<float>::write(const float*, const float*, const float*, const float*, int64_t);
template void TrainingState<double>::write(const double*, const double*, const double*, const double*, int64_t);

}  // namespace treadle
