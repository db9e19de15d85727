// A step, by phases. All threads go through each phase together; a barrier closes it.
//
//     forward l     for each hidden layer: z_l and a_l, each thread some of the layer's panels        (all rows)
//     loss          logits, losses and dJ/dlogits, each thread some of the rows
//     backward l    dJ/dz_l for each hidden layer, last to first, each thread some of its panels      (all rows)
//     update        every layer's weights, moments and transposed weights: the gradient exists in registers only;
//                   and the rows, masks and pixels of the next batch
//
// A thread always has the same panels of a layer, so that weights and moments stay in its processor's cache. Where a
// layer's panels cannot be shared out evenly, its forward and backward phases cut the rows as well; batch
// normalisation needs all rows of a column on one thread.
#include "trainer.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "buffer.h"
#include "layout.h"
#include "noise.h"
#include "threads.h"

namespace treadle {

namespace {

constexpr int64_t PAST_THE_END = 16;  // what update_weights may read behind a batch's last row
constexpr float BATCH_NORM_EPSILON = 1e-5f;
constexpr float BATCH_NORM_MOMENTUM = 0.1f;

// Values and moments, of the sizes that the optimizer asks for.
struct TrainedArray {
    Buffer value, first, second;

    TrainedArray() = default;
    TrainedArray(Arena& arena, int64_t n, int moments)
        : value(arena.floats(n)),
          first(moments > 0 ? arena.floats(n, 17) : Buffer()),
          second(moments > 1 ? arena.floats(n, 17) : Buffer()) {}

    Trained from(int64_t at) const { return Trained{value.data(), first.data(), second.data()}.from(at); }
};

int moments_of(Update update) {
    switch (update) {
        case Update::adam: return 2;
        case Update::plain: return 0;
        default: return 1;
    }
}

// A layer with weights: its parameters, and its values for one batch.
struct LayerState {
    Layer shape;
    int64_t panels, stride, tiles;  // tiles: of one panel
    TrainedArray weights, biases, scales;
    Buffer transposed;                                // of every layer but the first
    Buffer running_mean, running_variance;            // with batch normalisation
    Buffer inverse, scale_gradient, bias_gradient;    // with batch normalisation
    Buffer u, z, h, a, d;                             // (rows, stride); see `outputs`
    Buffer masks[2];                                  // with dropout: this batch's and the next one's
    std::vector<double> squares;                      // with an L2 penalty: of each tile

    // What the next layer sees; h and a are z's memory where nothing needs the earlier of them again.
    float* pre_activation() const { return z.data(); }
    float* activation() const { return h.size() ? h.data() : z.data(); }
    float* output() const { return a.size() ? a.data() : activation(); }
};

bool in_place(Activation f) { return f != Activation::gelu && f != Activation::silu; }

// Part of a layer's (rows x panels): what one thread computes in a phase.
struct Part {
    int64_t row_begin, row_end, panel_begin, panel_end;
};

}  // namespace

struct Trainer::State {
    const Problem problem;
    const Kernels& kernels;
    Arena arena;
    std::vector<LayerState> layers;
    int64_t input_stride;
    Buffer inputs[2];  // this batch's and the next one's
    std::vector<Buffer> scratch;  // of each thread
    std::vector<double> losses;
    int64_t step = 0;

    State(const Problem& given, const Kernels& kernels);

    LayerState& last() { return layers.back(); }
    size_t hidden() const { return layers.size() - 1; }
    const float* below(size_t l, int64_t s) const { return l ? layers[l - 1].output() : inputs[s & 1].data(); }
    ptrdiff_t below_stride(size_t l) const { return l ? layers[l - 1].stride : input_stride; }

    template <typename Work>
    void for_parts(const LayerState& layer, int64_t rows, int t, const Work& work) const;
    Step rule_of(int64_t step, double learning_rate) const;

    void prepare(const int64_t* rows, int64_t n, int64_t s, int t);
    void forward(size_t l, int64_t n, int64_t s, int t);
    void output_and_loss(const int64_t* rows, int64_t n, double total, int64_t s, int t);
    void backward(size_t l, int64_t n, int64_t s, int t);
    void update(const Step& rule, int64_t n, int64_t s, int t);
    double total_weight(const int64_t* rows, int64_t n) const;
    double penalty() const;
};

Trainer::State::State(const Problem& given, const Kernels& kernels) : problem(given), kernels(kernels) {
    const int64_t panel = kernels.panel, rows = problem.batch_size;
    const int moments = moments_of(problem.optimizer.update);
    input_stride = treadle::stride(problem.layers.front().n_in, panel);
    for (Buffer& input : inputs) input = arena.floats(rows * input_stride + PAST_THE_END);
    for (int t = 0; t < problem.threads; ++t) scratch.push_back(arena.floats(rows * kernels.scratch_columns));
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
        if (l > 0) layer.transposed = arena.floats(shape.n_out * treadle::panels(shape.n_in, panel) * panel);
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
            for (Buffer* columnwise : {&layer.running_mean, &layer.running_variance, &layer.inverse,
                                       &layer.scale_gradient, &layer.bias_gradient})
                *columnwise = arena.floats(columns);
        }
        if (problem.l2 != 0) layer.squares.resize(size_t(layer.panels * layer.tiles));
    }
}

// Calls work(part) for each part of the layer that thread t has: some of its panels with all rows, or, where panels
// cannot be shared out evenly, some of the (panel, block of rows).
template <typename Work>
void Trainer::State::for_parts(const LayerState& layer, int64_t rows, int t, const Work& work) const {
    const int64_t threads = problem.threads, panels = layer.panels;
    int64_t blocks = 1;
    if (!layer.shape.batch_norm && panels < 4 * threads) blocks = threads / std::gcd(panels, threads);
    if (blocks > rows) blocks = rows;
    if (blocks == 1) {
        const Share mine = share(panels, t, problem.threads);
        if (mine.begin < mine.end) work(Part{0, rows, mine.begin, mine.end});
        return;
    }
    const Share mine = share(panels * blocks, t, problem.threads);
    for (int64_t unit = mine.begin; unit < mine.end; ++unit) {
        const int64_t panel = unit / blocks, block = unit % blocks;
        work(Part{rows * block / blocks, rows * (block + 1) / blocks, panel, panel + 1});
    }
}

Step Trainer::State::rule_of(int64_t step, double learning_rate) const {
    const Optimizer& o = problem.optimizer;
    Step rule{};
    rule.update = o.update;
    rule.l2 = float(problem.l2);
    rule.shrink = 1;
    rule.momentum = float(o.momentum);
    rule.rate = float(learning_rate);
    if (o.update == Update::adam) {
        const double c_1 = 1 - std::pow(o.beta_1, double(step)), c_2 = 1 - std::pow(o.beta_2, double(step));
        rule.beta_1 = float(o.beta_1);
        rule.rest_1 = float(1 - o.beta_1);
        rule.beta_2 = float(o.beta_2);
        rule.rest_2 = float(1 - o.beta_2);
        rule.epsilon = float(o.epsilon * std::sqrt(c_2));
        rule.rate = float(learning_rate * std::sqrt(c_2) / c_1);
        rule.shrink = float(1 - learning_rate * o.weight_decay);
    }
    return rule;
}

// Rows, moved pixels and masks of batch s, whose rows of X are `rows`: thread t's share.
void Trainer::State::prepare(const int64_t* rows, int64_t n, int64_t s, int t) {
    const Share mine = share(n, t, problem.threads);
    float* input = inputs[s & 1].data() + mine.begin * input_stride;
    kernels.gather(problem.X, rows + mine.begin, mine.end - mine.begin, input, input_stride);
    const uint64_t number = uint64_t(step + s);
    if (problem.augmentation.height > 0) {
        const Words words(problem.noise_seed, Noise::augmentation, 0, number);
        for (int64_t i = mine.begin; i < mine.end; ++i, input += input_stride)
            move_image(problem.augmentation, words, i, float(problem.X.offset), input);
    }
    for (size_t l = 0; l < hidden(); ++l) {
        const LayerState& layer = layers[l];
        if (layer.shape.dropout == 0) continue;
        const Words words(problem.noise_seed, Noise::dropout, l, number);
        draw_mask(words, layer.shape.dropout, layer.shape.n_out, mine.begin, mine.end, layer.masks[s & 1].data(),
                  layer.stride);
    }
}

void Trainer::State::forward(size_t l, int64_t n, int64_t s, int t) {
    const LayerState& layer = layers[l];
    const ptrdiff_t stride = layer.stride;
    for_parts(layer, n, t, [&](const Part& part) {
        const int64_t rows = part.row_end - part.row_begin, begin = part.panel_begin * kernels.panel;
        const int64_t columns = (part.panel_end - part.panel_begin) * kernels.panel;
        const int64_t at = part.row_begin * stride + begin;
        const float* A = below(l, s) + part.row_begin * below_stride(l);
        const bool normalised = layer.shape.batch_norm;
        kernels.multiply(A, below_stride(l), rows, layer.shape.n_in, layer.weights.value.data(),
                         normalised ? nullptr : layer.biases.value.data(), part.panel_begin, part.panel_end,
                         (normalised ? layer.u : layer.z).data() + part.row_begin * stride, stride);
        if (normalised) {
            for (int64_t c = begin; c < begin + columns; c += kernels.panel)
                kernels.normalise(layer.u.data() + c, layer.z.data() + c, n, stride, layer.scales.value.data() + c,
                                  layer.biases.value.data() + c, BATCH_NORM_EPSILON, BATCH_NORM_MOMENTUM,
                                  layer.inverse.data() + c, layer.running_mean.data() + c,
                                  layer.running_variance.data() + c);
        }
        kernels.activate(layer.shape.activation, layer.pre_activation() + at, layer.activation() + at, rows, columns,
                         stride);
        if (layer.shape.dropout > 0)
            kernels.multiply_elements(layer.activation() + at, layer.masks[s & 1].data() + at, layer.output() + at,
                                      rows, columns, stride);
    });
}

void Trainer::State::output_and_loss(const int64_t* rows, int64_t n, double total, int64_t s, int t) {
    const LayerState& layer = last();
    const Share mine = share(n, t, problem.threads);
    const ptrdiff_t stride = layer.stride, in_stride = below_stride(hidden());
    if (mine.begin == mine.end) return;
    float* logits = layer.z.data() + mine.begin * stride;
    kernels.multiply(below(hidden(), s) + mine.begin * in_stride, in_stride, mine.end - mine.begin, layer.shape.n_in,
                     layer.weights.value.data(), layer.biases.value.data(), 0, layer.panels, logits, stride);
    kernels.loss(problem.objective, rows, total, mine.begin, mine.end, layer.z.data(), layer.d.data(), stride,
                 losses.data());
}

// dJ/dz of hidden layer l from that of the layer above.
void Trainer::State::backward(size_t l, int64_t n, int64_t s, int t) {
    const LayerState &layer = layers[l], &above = layers[l + 1];
    const ptrdiff_t stride = layer.stride;
    for_parts(layer, n, t, [&](const Part& part) {
        const int64_t rows = part.row_end - part.row_begin, begin = part.panel_begin * kernels.panel;
        const int64_t columns = (part.panel_end - part.panel_begin) * kernels.panel;
        const int64_t at = part.row_begin * stride + begin;
        float* d = layer.d.data() + at;
        kernels.multiply(above.d.data() + part.row_begin * above.stride, above.stride, rows, above.shape.n_out,
                         above.transposed.data(), nullptr, part.panel_begin, part.panel_end,
                         layer.d.data() + part.row_begin * stride, stride);
        if (layer.shape.dropout > 0)
            kernels.multiply_elements(d, layer.masks[s & 1].data() + at, d, rows, columns, stride);
        kernels.activate_backward(layer.shape.activation, d, layer.pre_activation() + at, layer.activation() + at,
                                  rows, columns, stride);
        if (layer.shape.batch_norm) {
            for (int64_t c = begin; c < begin + columns; c += kernels.panel)
                kernels.normalise_backward(layer.d.data() + c, layer.u.data() + c, n, stride,
                                           layer.scales.value.data() + c, layer.inverse.data() + c,
                                           layer.scale_gradient.data() + c, layer.bias_gradient.data() + c);
        }
    });
}

void Trainer::State::update(const Step& rule, int64_t n, int64_t s, int t) {
    Step plain = rule;  // what is not a weight has neither decay nor penalty
    plain.l2 = 0;
    plain.shrink = 1;
    for (size_t l = 0; l < layers.size(); ++l) {
        LayerState& layer = layers[l];
        const int64_t panel = kernels.panel, n_in = layer.shape.n_in;
        const Share tiles = share(layer.panels * layer.tiles, t, problem.threads);
        kernels.update_weights(rule, below(l, s), below_stride(l), layer.d.data(), layer.stride, n, n_in, tiles.begin,
                               tiles.end, layer.weights.from(0), layer.squares.empty() ? nullptr : layer.squares.data(),
                               scratch[size_t(t)].data());
        if (l > 0 && rule.update != Update::keep_gradient) {
            for (int64_t p = tiles.begin / layer.tiles; p * layer.tiles < tiles.end; ++p) {
                const int64_t begin = std::max(tiles.begin - p * layer.tiles, int64_t(0)) * kernels.tile_rows;
                const int64_t end = std::min((tiles.end - p * layer.tiles) * kernels.tile_rows, n_in);
                kernels.transpose(layer.weights.value.data(), n_in, layer.shape.n_out, p, begin, end,
                                  layer.transposed.data());
            }
        }
        const Share columns = share(layer.panels, t, problem.threads);
        for (int64_t c = columns.begin * panel; c < columns.end * panel; c += panel) {
            if (layer.shape.batch_norm) {
                kernels.update_columns(plain, layer.bias_gradient.data() + c, layer.biases.from(c));
                kernels.update_columns(plain, layer.scale_gradient.data() + c, layer.scales.from(c));
            } else {
                kernels.update_biases(plain, layer.d.data() + c, layer.stride, n, layer.biases.from(c));
            }
        }
    }
}

double Trainer::State::total_weight(const int64_t* rows, int64_t n) const {
    if (!problem.objective.weights) return double(n);
    double total = 0;
    for (int64_t i = 0; i < n; ++i) total += double(problem.objective.weights[rows[i]]);
    return total;
}

double Trainer::State::penalty() const {
    double squares = 0;
    for (const LayerState& layer : layers) squares = std::accumulate(layer.squares.begin(), layer.squares.end(), squares);
    return 0.5 * problem.l2 * squares;
}

Trainer::Trainer(const Problem& problem, const Kernels& kernels)
    : state_(std::make_unique<State>(problem, kernels)) {}

Trainer::~Trainer() = default;

int64_t Trainer::step() const { return state_->step; }

Outcome Trainer::run_epoch(const int64_t* order, int64_t n_rows, const double* learning_rates, double* losses,
                           const std::atomic<bool>& cancel, int64_t* steps_taken) {
    State& state = *state_;
    const int64_t batch = state.problem.batch_size, steps = ceil_divide(n_rows, batch);
    const size_t hidden = state.hidden();
    Barrier barrier(state.problem.threads);
    // Written by thread 0 before the barrier that ends a step, read by all after it.
    Outcome outcome = Outcome::finished;
    *steps_taken = 0;
    run_team(state.problem.threads, [&](int t) {
        const auto rows_of = [&](int64_t s) { return std::min(batch, n_rows - s * batch); };
        state.prepare(order, rows_of(0), 0, t);
        barrier.wait();
        for (int64_t s = 0; s < steps; ++s) {
            const int64_t* rows = order + s * batch;
            const int64_t n = rows_of(s);
            const double total = state.total_weight(rows, n);
            for (size_t l = 0; l < hidden; ++l) {
                state.forward(l, n, s, t);
                barrier.wait();
            }
            state.output_and_loss(rows, n, total, s, t);
            barrier.wait();
            const double sum = std::accumulate(state.losses.begin(), state.losses.begin() + n, 0.0);
            const double loss = total > 0 ? sum / total : 0.0;
            if (t == 0) losses[s] = loss;
            if (!std::isfinite(loss)) {  // every thread sees the same sum
                if (t == 0) outcome = Outcome::diverged;
                return;
            }
            for (size_t l = hidden; l-- > 0;) {
                state.backward(l, n, s, t);
                barrier.wait();
            }
            state.update(state.rule_of(state.step + s + 1, learning_rates[s]), n, s, t);
            if (s + 1 < steps) state.prepare(rows + batch, rows_of(s + 1), s + 1, t);
            if (t == 0 && s + 1 < steps && cancel.load(std::memory_order_relaxed)) outcome = Outcome::cancelled;
            barrier.wait();
            if (t == 0) {
                if (state.problem.l2 != 0) losses[s] += state.penalty();
                *steps_taken = s + 1;
            }
            if (outcome == Outcome::cancelled) return;
        }
    });
    state.step += *steps_taken;
    return outcome;
}

namespace {

// Calls copy(array, length) for each of the flat array's pieces that are columns, in the order of
// treadle.network.Parameters: biases of every layer, then scales of the normalised ones.
template <typename Layers, typename Copy>
void for_columns(Layers& layers, const Copy& copy) {
    for (auto& layer : layers) copy(layer.biases, layer.shape.n_out);
    for (auto& layer : layers)
        if (layer.shape.batch_norm) copy(layer.scales, layer.shape.n_out);
}

}  // namespace

void Trainer::read(float* values, float* first, float* second, float* statistics) const {
    const State& state = *state_;
    const int64_t panel = state.kernels.panel;
    float* const flats[] = {values, first, second};
    constexpr Buffer TrainedArray::*members[] = {&TrainedArray::value, &TrainedArray::first, &TrainedArray::second};
    for (int m = 0; m < 3; ++m) {
        float* flat = flats[m];
        if (!flat || !(state.layers[0].weights.*members[m]).size()) continue;
        for (const LayerState& layer : state.layers) {
            from_panels((layer.weights.*members[m]).data(), layer.shape.n_in, layer.shape.n_out, panel, flat);
            flat += layer.shape.n_in * layer.shape.n_out;
        }
        for_columns(state.layers, [&](const TrainedArray& array, int64_t n) {
            std::memcpy(flat, (array.*members[m]).data(), size_t(n) * sizeof(float));
            flat += n;
        });
    }
    for (const auto running : {&LayerState::running_mean, &LayerState::running_variance}) {
        for (const LayerState& layer : state.layers) {
            if (!layer.shape.batch_norm || !statistics) continue;
            std::memcpy(statistics, (layer.*running).data(), size_t(layer.shape.n_out) * sizeof(float));
            statistics += layer.shape.n_out;
        }
    }
}

void Trainer::write(const float* values, const float* first, const float* second, const float* statistics,
                    int64_t step) {
    State& state = *state_;
    const int64_t panel = state.kernels.panel;
    state.step = step;
    const float* const flats[] = {values, first, second};
    constexpr Buffer TrainedArray::*members[] = {&TrainedArray::value, &TrainedArray::first, &TrainedArray::second};
    for (int m = 0; m < 3; ++m) {
        const float* flat = flats[m];
        if (!flat || !(state.layers[0].weights.*members[m]).size()) continue;
        for (LayerState& layer : state.layers) {
            to_panels(flat, layer.shape.n_in, layer.shape.n_out, panel, (layer.weights.*members[m]).data());
            flat += layer.shape.n_in * layer.shape.n_out;
        }
        for_columns(state.layers, [&](TrainedArray& array, int64_t n) {
            std::memcpy((array.*members[m]).data(), flat, size_t(n) * sizeof(float));
            flat += n;
        });
    }
    for (size_t l = 1; l < state.layers.size(); ++l) {
        const LayerState& layer = state.layers[l];
        for (int64_t p = 0; p < layer.panels; ++p)
            state.kernels.transpose(layer.weights.value.data(), layer.shape.n_in, layer.shape.n_out, p, 0,
                                    layer.shape.n_in, layer.transposed.data());
    }
    for (const auto running : {&LayerState::running_mean, &LayerState::running_variance}) {
        for (LayerState& layer : state.layers) {
            if (!layer.shape.batch_norm || !statistics) continue;
            std::memcpy((layer.*running).data(), statistics, size_t(layer.shape.n_out) * sizeof(float));
            statistics += layer.shape.n_out;
        }
    }
}

}  // namespace treadle
