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

bool in_place(Activation f) { return f != Activation::gelu && f != Activation::silu; }

constexpr Buffer TrainedArray::* MEMBERS[] = {&TrainedArray::value, &TrainedArray::first, &TrainedArray::second};

// Walks through a flat array of treadle.network.Parameters: calls weights(buffer, layer, at) for each layer's, and then
// columns(buffer, n, at) for the biases of every layer and the scales of the normalised ones.
template <typename Weights, typename Columns>
void walk(const std::vector<LayerState>& layers, Buffer TrainedArray::* member, const Weights& weights,
          const Columns& columns) {
    int64_t at = 0;
    for (const LayerState& layer : layers) {
        weights(layer.weights.*member, layer.shape, at);
        at += layer.shape.n_in * layer.shape.n_out;
    }
    for (const auto array : {&LayerState::biases, &LayerState::scales}) {
        for (const LayerState& layer : layers) {
            if (array == &LayerState::scales && !layer.shape.batch_norm) continue;
            columns(layer.*array.*member, layer.shape.n_out, at);
            at += layer.shape.n_out;
        }
    }
}

// The same for its statistics: running means, then running variances.
template <typename Columns>
void walk_statistics(const std::vector<LayerState>& layers, const Columns& columns) {
    int64_t at = 0;
    for (const auto running : {&LayerState::running_mean, &LayerState::running_variance}) {
        for (const LayerState& layer : layers) {
            if (!layer.shape.batch_norm) continue;
            columns(layer.*running, layer.shape.n_out, at);
            at += layer.shape.n_out;
        }
    }
}

}  // namespace

TrainingState::TrainingState(const Problem& given, const Kernels& kernels) : problem(given), kernels(kernels) {
    const int64_t panel = kernels.panel, rows = problem.batch_size;
    const int moments = moments_of(problem.optimizer.update);
    input_stride = treadle::stride(problem.layers.front().n_in, panel);
    for (Buffer& input : inputs) input = arena.floats(rows * input_stride + PAST_THE_END);
    if (!kernels.direct) {
        for (Buffer& left : left_inputs) left = arena.floats(kernels.left_size(rows, problem.layers.front().n_in));
    }
    for (int t = 0; t < problem.threads; ++t) scratch.push_back(arena.floats(kernels.scratch_size(rows)));
    losses.resize(size_t(rows));
    for (size_t l = 0; l < problem.layers.size(); ++l) {
        const Layer& shape = problem.layers[l];
        LayerState& layer = layers.emplace_back();
        layer.shape = shape;
        layer.panels = treadle::panels(shape.n_out, panel);
        layer.stride = treadle::stride(shape.n_out, panel);
        layer.tiles = ceil_divide(shape.n_in, kernels.tile_rows);
        const int64_t columns = layer.panels * panel, values = rows * layer.stride + PAST_THE_END;
        layer.weights = TrainedArray(arena, shape.n_in * columns, moments);
        layer.biases = TrainedArray(arena, columns, moments);
        if (l > 0) layer.backward = arena.floats(kernels.right_size(shape.n_out, shape.n_in));
        if (!kernels.direct) {
            layer.forward = arena.floats(kernels.right_size(shape.n_in, shape.n_out));
            if (l + 1 < problem.layers.size()) layer.left_output = arena.floats(kernels.left_size(rows, shape.n_out));
            if (l > 0) layer.left_d = arena.floats(kernels.left_size(rows, shape.n_out));
        }
        layer.z = arena.floats(values);
        layer.d = arena.floats(values);
        if (!in_place(shape.activation)) layer.h = arena.floats(values);
        if (shape.dropout > 0) {
            layer.a = arena.floats(values);
            for (Buffer& mask : layer.masks) mask = arena.floats(values);
        }
        if (shape.batch_norm) {
            layer.u = arena.floats(values);
            layer.scales = TrainedArray(arena, columns, moments);
            for (Buffer* columnwise :
                 {&layer.running_mean, &layer.running_variance, &layer.moved_mean, &layer.moved_variance,
                  &layer.inverse, &layer.scale_gradient, &layer.bias_gradient})
                *columnwise = arena.floats(columns);
        }
        if (problem.l2 != 0)
            layer.squares.resize(
                size_t(columns / kernels.square_columns * ceil_divide(shape.n_in, kernels.square_rows)));
    }
}

void TrainingState::read(float* values, float* first, float* second, float* statistics) const {
    float* const flats[] = {values, first, second};
    const auto copy_to = [](float* flat) {
        return [flat](const Buffer& buffer, int64_t n, int64_t at) {
            std::memcpy(flat + at, buffer.data(), size_t(n) * sizeof(float));
        };
    };
    for (int m = 0; m < 3; ++m) {
        float* const flat = flats[m];
        if (!flat || !(layers[0].weights.*MEMBERS[m]).size()) continue;
        walk(
            layers, MEMBERS[m],
            [&](const Buffer& buffer, const Layer& shape, int64_t at) {
                from_panels(buffer.data(), shape.n_in, shape.n_out, kernels.panel, flat + at);
            },
            copy_to(flat));
    }
    if (statistics) walk_statistics(layers, copy_to(statistics));
}

void TrainingState::write(const float* values, const float* first, const float* second, const float* statistics,
                          int64_t steps_taken) {
    const float* const flats[] = {values, first, second};
    const auto copy_from = [](const float* flat) {
        return [flat](const Buffer& buffer, int64_t n, int64_t at) {
            std::memcpy(buffer.data(), flat + at, size_t(n) * sizeof(float));
        };
    };
    step = steps_taken;
    for (int m = 0; m < 3; ++m) {
        const float* const flat = flats[m];
        if (!flat || !(layers[0].weights.*MEMBERS[m]).size()) continue;
        walk(
            layers, MEMBERS[m],
            [&](const Buffer& buffer, const Layer& shape, int64_t at) {
                to_panels(flat + at, shape.n_in, shape.n_out, kernels.panel, buffer.data());
            },
            copy_from(flat));
    }
    if (statistics) walk_statistics(layers, copy_from(statistics));
    for (const LayerState& layer : layers)
        kernels.write_operands(layer.weights.value.data(), layer.shape.n_in, layer.shape.n_out, 0, layer.panels, 0,
                               layer.tiles, layer.operands());
}

}  // namespace treadle
