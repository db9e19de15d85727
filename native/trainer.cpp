// A step, by phases (threads.h), each cut into units:
//
//     forward l     for each hidden layer: z_l and a_l; a unit is some of the layer's panels      (all rows)
//     loss          logits, losses and dJ/dlogits; a unit is some of the rows
//     backward l    dJ/dz_l for each hidden layer, last to first; a unit is some of its panels    (all rows)
//     update        every layer's weights, moments and operands: the gradient exists in registers only;
//                   and the rows, masks and pixels of the next batch
//
// A thread's share has the same panels of a layer in every phase, so that weights and moments stay in its processor's
// cache. Where a layer's panels cannot be shared out evenly, a unit is part of the rows, or of the weights, of a panel;
// batch normalisation needs all rows of a column in one unit.
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

constexpr int64_t PAST_THE_END = 32;  // what update_weights may read behind a batch's last row
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
    Buffer forward, backward;                         // the weights as operands; backward, but of the first layer
    Buffer running_mean, running_variance;            // with batch normalisation
    Buffer moved_mean, moved_variance;                // as they will be, if the step is made
    Buffer inverse, scale_gradient, bias_gradient;    // with batch normalisation
    Buffer u, z, h, a, d;                             // (rows, stride); see `outputs`
    Buffer masks[2];                                  // with dropout: this batch's and the next one's
    Buffer left_output, left_d;                           // output and d as operands, unless the kernels are direct
    std::vector<double> squares;                      // with an L2 penalty: of each tile

    const float* operand() const { return forward.size() ? forward.data() : weights.value.data(); }
    Operands operands() const { return {forward.data(), backward.data()}; }

    // What the next layer sees; h and a are z's memory where nothing needs the earlier of them again.
    float* pre_activation() const { return z.data(); }
    float* activation() const { return h.size() ? h.data() : z.data(); }
    float* output() const { return a.size() ? a.data() : activation(); }
};

bool in_place(Activation f) { return f != Activation::gelu && f != Activation::silu; }

// Rows of a batch as `multiply` takes them.
struct Factor {
    const float* data;
    ptrdiff_t stride;
};

// A layer's panels, and something that each panel's work is cut along (rows of a batch, tiles of weights), as units.
struct Grid {
    int64_t panels, group;  // panels of a unit, at most
    int64_t length, cuts;   // 0 .. length is cut into so many nearly equal pieces
    bool by_panel;          // whole panels in every share; or units in order of panel and piece, shared out evenly

    // Panels go to threads in whole where that is fair within a quarter, in at least so many groups, if there are.
    // `separable`: pieces are allowed.
    Grid(int64_t panels, int64_t largest_group, int64_t least_groups, int64_t length, int64_t threads, bool separable)
        : panels(panels), length(length) {
        by_panel = !separable || panels % threads == 0 || panels >= 4 * threads;
        group = by_panel ? std::clamp(panels / least_groups, int64_t(1), largest_group) : 1;
        const int64_t groups = ceil_divide(panels, group);
        const int64_t wanted = by_panel ? ceil_divide(4 * threads, groups) : 2 * threads / std::gcd(panels, threads);
        cuts = separable ? std::clamp(wanted, int64_t(1), std::max(length, int64_t(1))) : 1;
    }

    int64_t units(int t, int threads) const {
        return by_panel ? ceil_divide(share(panels, t, threads).size(), group) * cuts
                        : share(panels * cuts, t, threads).size();
    }

    struct Unit {
        int64_t panel_begin, panel_end, begin, end;
    };

    // Unit k of thread t's share.
    Unit unit(int64_t k, int t, int threads) const {
        const Share mine = share(by_panel ? panels : panels * cuts, t, threads);
        const int64_t cut = by_panel ? k % cuts : (mine.begin + k) % cuts;
        const int64_t panel = by_panel ? mine.begin + k / cuts * group : (mine.begin + k) / cuts;
        return {panel, by_panel ? std::min(panel + group, mine.end) : panel + 1, length * cut / cuts,
                length * (cut + 1) / cuts};
    }
};

}  // namespace

struct Trainer::State {
    const Problem problem;
    const Kernels& kernels;
    Arena arena;
    std::vector<LayerState> layers;
    int64_t input_stride;
    Buffer inputs[2], left_inputs[2];  // this batch's and the next one's
    std::vector<Buffer> scratch;  // of each thread
    std::vector<double> losses;
    int64_t step = 0;

    State(const Problem& given, const Kernels& kernels);

    LayerState& last() { return layers.back(); }
    size_t hidden() const { return layers.size() - 1; }
    const float* below(size_t l, int64_t s) const { return l ? layers[l - 1].output() : inputs[s & 1].data(); }
    ptrdiff_t below_stride(size_t l) const { return l ? layers[l - 1].stride : input_stride; }
    const Buffer& left_below(size_t l, int64_t s) const { return l ? layers[l - 1].left_output : left_inputs[s & 1]; }

    // Values (rows, stride) from a row on, or `left`, their operand, as `multiply` takes them.
    Factor factor(const float* values, ptrdiff_t stride, const Buffer& left, int64_t row) const {
        return kernels.direct ? Factor{values + row * stride, stride}
                              : Factor{left.data() + row * kernels.left_row, problem.batch_size};
    }
    // Keeps such an operand of a unit's values, unless the kernels are direct.
    void round(const float* values, ptrdiff_t stride, int64_t columns, const Buffer& left, const Grid::Unit& unit) const {
        if (!kernels.direct)
            kernels.round_rows(values + unit.begin * stride, stride, unit.end - unit.begin,
                               unit.panel_begin * kernels.panel, unit.panel_end * kernels.panel, columns,
                               left.data() + unit.begin * kernels.left_row, problem.batch_size);
    }

    Step rule_of(int64_t step, double learning_rate) const;

    // What the units of the phases do; `s` is the number of the step in its epoch, n the rows of its batch.
    void prepare(const int64_t* rows, int64_t begin, int64_t end, int64_t s);
    void forward(size_t l, int64_t n, int64_t s, const Grid::Unit& unit);
    void output_and_loss(const int64_t* rows, int64_t begin, int64_t end, double total, int64_t s);
    void backward(size_t l, int64_t n, int64_t s, const Grid::Unit& unit);
    void update(size_t l, const Step& rule, int64_t n, int64_t s, const Grid::Unit& unit, float* scratch);
    double total_weight(const int64_t* rows, int64_t n) const;
    double penalty() const;
};

Trainer::State::State(const Problem& given, const Kernels& kernels) : problem(given), kernels(kernels) {
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
            for (Buffer* columnwise : {&layer.running_mean, &layer.running_variance, &layer.moved_mean,
                                       &layer.moved_variance, &layer.inverse,
                                       &layer.scale_gradient, &layer.bias_gradient})
                *columnwise = arena.floats(columns);
        }
        if (problem.l2 != 0) layer.squares.resize(size_t(layer.panels * layer.tiles));
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

// Has the rows that the next batch takes on their way from main memory: they lie all over X.
void fetch_early(const Rows& X, const int64_t* rows, int64_t n) {
    for (int64_t i = 0; i < n; ++i) {
        const char* row = static_cast<const char*>(X.data) + rows[i] * X.row_bytes;
        for (int64_t byte = 0; byte < X.columns * X.column_bytes; byte += 64) __builtin_prefetch(row + byte, 0, 2);
    }
}

// Rows, moved pixels and masks of batch s, whose rows of X are `rows`.
void Trainer::State::prepare(const int64_t* rows, int64_t begin, int64_t end, int64_t s) {
    float* input = inputs[s & 1].data() + begin * input_stride;
    kernels.gather(problem.X, rows + begin, end - begin, input, input_stride);
    const uint64_t number = uint64_t(step + s);
    if (problem.augmentation.height > 0) {
        const Words words(problem.noise_seed, Noise::augmentation, 0, number);
        for (int64_t i = begin; i < end; ++i, input += input_stride)
            move_image(problem.augmentation, words, i, float(problem.X.offset), input);
    }
    const int64_t n_in = layers[0].shape.n_in;
    round(inputs[s & 1].data(), input_stride, n_in, left_inputs[s & 1],
          {0, treadle::panels(n_in, kernels.panel), begin, end});
    for (size_t l = 0; l < hidden(); ++l) {
        const LayerState& layer = layers[l];
        if (layer.shape.dropout == 0) continue;
        const Words words(problem.noise_seed, Noise::dropout, l, number);
        draw_mask(words, layer.shape.dropout, layer.shape.n_out, begin, end, layer.masks[s & 1].data(), layer.stride);
    }
}

void Trainer::State::forward(size_t l, int64_t n, int64_t s, const Grid::Unit& unit) {
    const LayerState& layer = layers[l];
    const ptrdiff_t stride = layer.stride, row = unit.begin * stride;
    const int64_t rows = unit.end - unit.begin, begin = unit.panel_begin * kernels.panel;
    const int64_t columns = (unit.panel_end - unit.panel_begin) * kernels.panel, at = row + begin;
    const bool normalised = layer.shape.batch_norm;
    const Factor A = factor(below(l, s), below_stride(l), left_below(l, s), unit.begin);
    kernels.multiply(A.data, A.stride, rows, layer.shape.n_in, layer.operand(),
                     normalised ? nullptr : layer.biases.value.data(), unit.panel_begin, unit.panel_end,
                     (normalised ? layer.u : layer.z).data() + row, stride);
    if (normalised) {
        std::copy_n(layer.running_mean.data() + begin, columns, layer.moved_mean.data() + begin);
        std::copy_n(layer.running_variance.data() + begin, columns, layer.moved_variance.data() + begin);
        for (int64_t c = begin; c < begin + columns; c += kernels.panel)
            kernels.normalise(layer.u.data() + c, layer.z.data() + c, n, stride, layer.scales.value.data() + c,
                              layer.biases.value.data() + c, BATCH_NORM_EPSILON, BATCH_NORM_MOMENTUM,
                              layer.inverse.data() + c, layer.moved_mean.data() + c,
                              layer.moved_variance.data() + c);
    }
    kernels.activate(layer.shape.activation, layer.pre_activation() + at, layer.activation() + at, rows, columns,
                     stride);
    if (layer.shape.dropout > 0)
        kernels.multiply_elements(layer.activation() + at, layer.masks[s & 1].data() + at, layer.output() + at, rows,
                                  columns, stride);
    round(layer.output(), stride, layer.shape.n_out, layer.left_output, unit);
}

void Trainer::State::output_and_loss(const int64_t* rows, int64_t begin, int64_t end, double total, int64_t s) {
    const LayerState& layer = last();
    const Factor A = factor(below(hidden(), s), below_stride(hidden()), left_below(hidden(), s), begin);
    kernels.multiply(A.data, A.stride, end - begin, layer.shape.n_in, layer.operand(), layer.biases.value.data(), 0,
                     layer.panels, layer.z.data() + begin * layer.stride, layer.stride);
    kernels.loss(problem.objective, rows, total, begin, end, layer.z.data(), layer.d.data(), layer.stride,
                 losses.data());
    if (hidden() > 0)
        round(layer.d.data(), layer.stride, layer.shape.n_out, layer.left_d, {0, layer.panels, begin, end});
}

// dJ/dz of hidden layer l from that of the layer above.
void Trainer::State::backward(size_t l, int64_t n, int64_t s, const Grid::Unit& unit) {
    const LayerState &layer = layers[l], &above = layers[l + 1];
    const ptrdiff_t stride = layer.stride, row = unit.begin * stride;
    const int64_t rows = unit.end - unit.begin, begin = unit.panel_begin * kernels.panel;
    const int64_t columns = (unit.panel_end - unit.panel_begin) * kernels.panel, at = row + begin;
    float* d = layer.d.data() + at;
    const Factor D = factor(above.d.data(), above.stride, above.left_d, unit.begin);
    kernels.multiply(D.data, D.stride, rows, above.shape.n_out, above.backward.data(), nullptr, unit.panel_begin,
                     unit.panel_end, layer.d.data() + row, stride);
    if (layer.shape.dropout > 0)
        kernels.multiply_elements(d, layer.masks[s & 1].data() + at, d, rows, columns, stride);
    kernels.activate_backward(layer.shape.activation, d, layer.pre_activation() + at, layer.activation() + at, rows,
                              columns, stride);
    if (layer.shape.batch_norm) {
        for (int64_t c = begin; c < begin + columns; c += kernels.panel)
            kernels.normalise_backward(layer.d.data() + c, layer.u.data() + c, n, stride,
                                       layer.scales.value.data() + c, layer.inverse.data() + c,
                                       layer.scale_gradient.data() + c, layer.bias_gradient.data() + c);
    }
    if (l > 0) round(layer.d.data(), stride, layer.shape.n_out, layer.left_d, unit);
}

// Tiles unit.begin .. unit.end of each of the unit's panels; what there is one of for each column goes with the first.
void Trainer::State::update(size_t l, const Step& rule, int64_t n, int64_t s, const Grid::Unit& unit, float* scratch) {
    const LayerState& layer = layers[l];
    const int64_t panel = kernels.panel, n_in = layer.shape.n_in;
    const bool learns = rule.update != Update::keep_gradient;
    kernels.update_weights(rule, below(l, s), below_stride(l), layer.d.data(), layer.stride, n, n_in,
                           layer.shape.n_out, unit.panel_begin, unit.panel_end, unit.begin, unit.end,
                           layer.weights.from(0), learns ? layer.operands() : Operands{},
                           problem.l2 != 0 ? layers[l].squares.data() : nullptr, scratch);
    if (unit.begin > 0) return;
    Step plain = rule;  // what is not a weight has neither decay nor penalty
    plain.l2 = 0;
    plain.shrink = 1;
    for (int64_t c = unit.panel_begin * panel; c < unit.panel_end * panel; c += panel) {
        if (layer.shape.batch_norm) {
            kernels.update_columns(plain, layer.bias_gradient.data() + c, layer.biases.from(c));
            kernels.update_columns(plain, layer.scale_gradient.data() + c, layer.scales.from(c));
            std::copy_n(layer.moved_mean.data() + c, panel, layer.running_mean.data() + c);
            std::copy_n(layer.moved_variance.data() + c, panel, layer.running_variance.data() + c);
        } else {
            kernels.update_biases(plain, layer.d.data() + c, layer.stride, n, layer.biases.from(c));
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

// An epoch in progress: which phase of which step it is at.
class Trainer::Epoch {
public:
    Epoch(State& state, const int64_t* order, int64_t n_rows, const double* learning_rates, double* losses,
          const std::atomic<bool>& cancel)
        : state_(state), order_(order), n_rows_(n_rows), rates_(learning_rates), losses_(losses), cancel_(cancel),
          threads_(state.problem.threads), hidden_(state.hidden()),
          batch_(state.problem.batch_size), steps_(ceil_divide(n_rows, batch_)), counts_(size_t(threads_)) {}

    int64_t steps_taken() const { return step_; }
    Outcome outcome() const { return outcome_; }

    // Closes the phase that is done and opens the next one; null where the epoch is over.
    const int64_t* next() {
        switch (phase_) {
            case Phase::start:
                if (steps_ == 0) return nullptr;
                phase_ = Phase::prepare;
                break;
            case Phase::prepare: open_step(); break;
            case Phase::forward:
                if (++layer_ == hidden_) phase_ = Phase::loss;
                break;
            case Phase::loss:
                losses_[step_] = loss();
                if (!std::isfinite(losses_[step_])) {
                    outcome_ = Outcome::diverged;
                    return nullptr;
                }
                phase_ = layer_ > 0 ? Phase::backward : Phase::update;
                if (layer_ > 0) --layer_;
                break;
            case Phase::backward:
                if (layer_-- == 0) phase_ = Phase::update;
                break;
            case Phase::update:
                if (state_.problem.l2 != 0) losses_[step_] += state_.penalty();
                if (++step_ == steps_) return nullptr;
                if (cancel_.load(std::memory_order_relaxed)) {
                    outcome_ = Outcome::cancelled;
                    return nullptr;
                }
                open_step();
                break;
        }
        count_units();
        return counts_.data();
    }

    void work(int owner, int64_t k, int thread) {
        const int64_t* rows = order_ + step_ * batch_;
        switch (phase_) {
            case Phase::start: break;
            case Phase::prepare: prepare(step_, owner, k); break;
            case Phase::forward: state_.forward(layer_, n_, step_, grids_[0].unit(k, owner, threads_)); break;
            case Phase::loss: {
                const Grid::Unit unit = grids_[0].unit(k, owner, threads_);
                state_.output_and_loss(rows, unit.begin, unit.end, total_, step_);
                break;
            }
            case Phase::backward: state_.backward(layer_, n_, step_, grids_[0].unit(k, owner, threads_)); break;
            case Phase::update:
                for (size_t l = 0; l < grids_.size(); ++l) {
                    const int64_t units = grids_[l].units(owner, threads_);
                    if (k < units)
                        return state_.update(l, rule_, n_, step_, grids_[l].unit(k, owner, threads_),
                                             state_.scratch[size_t(thread)].data());
                    k -= units;
                }
                prepare(step_ + 1, owner, k);
                break;
        }
    }

private:
    enum class Phase { start, prepare, forward, loss, backward, update };

    int64_t rows_of(int64_t step) const { return std::min(batch_, n_rows_ - step * batch_); }

    // Rows of a batch as units: pieces of one panel.
    Grid grid_of_rows(int64_t n) const { return Grid(1, 1, 1, n, threads_, true); }

    void open_step() {
        n_ = rows_of(step_);
        total_ = state_.total_weight(order_ + step_ * batch_, n_);
        rule_ = state_.rule_of(state_.step + step_ + 1, rates_[step_]);
        layer_ = 0;
        phase_ = hidden_ > 0 ? Phase::forward : Phase::loss;
    }

    double loss() const {
        const double sum = std::accumulate(state_.losses.begin(), state_.losses.begin() + n_, 0.0);
        return total_ > 0 ? sum / total_ : 0.0;
    }

    void prepare(int64_t step, int owner, int64_t k) {
        const Grid::Unit unit = grid_of_rows(rows_of(step)).unit(k, owner, threads_);
        state_.prepare(order_ + step * batch_, unit.begin, unit.end, step);
        const int64_t later = (step + 1) * batch_ + unit.begin;
        if (later < n_rows_)
            fetch_early(state_.problem.X, order_ + later, std::min(unit.end - unit.begin, n_rows_ - later));
    }

    void count_units() {
        grids_.clear();
        switch (phase_) {
            case Phase::start: break;
            case Phase::prepare: break;
            case Phase::loss: grids_.push_back(grid_of_rows(n_)); break;
            case Phase::forward:
            case Phase::backward: {
                const LayerState& layer = state_.layers[layer_];
                grids_.emplace_back(layer.panels, LARGEST_GROUP, 4 * threads_, n_, threads_,
                                    !layer.shape.batch_norm);
                break;
            }
            case Phase::update:
                // Where columns of A must be rounded for each group, the fewest groups.
                for (const LayerState& layer : state_.layers)
                    grids_.emplace_back(layer.panels, LARGEST_GROUP, (state_.kernels.direct ? 4 : 1) * threads_,
                                        layer.tiles, threads_, true);
                break;
        }
        const int64_t prepared = phase_ == Phase::prepare ? step_ : phase_ == Phase::update ? step_ + 1 : steps_;
        for (int t = 0; t < threads_; ++t) {
            counts_[size_t(t)] = prepared < steps_ ? grid_of_rows(rows_of(prepared)).units(t, threads_) : 0;
            for (const Grid& grid : grids_) counts_[size_t(t)] += grid.units(t, threads_);
        }
    }

    // Panels of a unit: enough for a tile's columns to be used several times, few enough to be shared out.
    static constexpr int64_t LARGEST_GROUP = 8;

    State& state_;
    const int64_t* const order_;
    const int64_t n_rows_;
    const double* const rates_;
    double* const losses_;
    const std::atomic<bool>& cancel_;
    const int threads_;
    const size_t hidden_;
    const int64_t batch_, steps_;

    Phase phase_ = Phase::start;
    size_t layer_ = 0;
    int64_t step_ = 0, n_ = 0;
    double total_ = 0;
    Step rule_{};
    Outcome outcome_ = Outcome::finished;
    std::vector<Grid> grids_;
    std::vector<int64_t> counts_;
};

Outcome Trainer::run_epoch(const int64_t* order, int64_t n_rows, const double* learning_rates, double* losses,
                           const std::atomic<bool>& cancel, int64_t* steps_taken) {
    Epoch epoch(*state_, order, n_rows, learning_rates, losses, cancel);
    run_phases(
        state_->problem.threads, [&] { return epoch.next(); },
        [&](int owner, int64_t k, int thread) { epoch.work(owner, k, thread); });
    *steps_taken = epoch.steps_taken();
    state_->step += *steps_taken;
    return epoch.outcome();
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
    for (const LayerState& layer : state.layers)
        state.kernels.write_operands(layer.weights.value.data(), layer.shape.n_in, layer.shape.n_out, 0, layer.panels, 0,
                                     layer.tiles, layer.operands());
    for (const auto running : {&LayerState::running_mean, &LayerState::running_variance}) {
        for (LayerState& layer : state.layers) {
            if (!layer.shape.batch_norm || !statistics) continue;
            std::memcpy((layer.*running).data(), statistics, size_t(layer.shape.n_out) * sizeof(float));
            statistics += layer.shape.n_out;
        }
    }
}

}  // namespace treadle
