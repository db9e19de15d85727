// Whole steps and predictions: against the portable table and loops, and the same bits with any number of threads.
#include <algorithm>
#include <atomic>
#include <thread>
#include <utility>

#include "training/predictor.h"
#include "threads.h"
#include "training/trainer.h"
#include "checks.h"

namespace treadle {

namespace {

constexpr Activation LINEAR = Activation::identity;
constexpr int THREADS = 3;

struct Case {
    std::vector<Layer> layers;
    Loss loss;
    double label_smoothing, l2;
    Optimizer optimizer;
    int64_t rows, batch_size;
    Augmentation augmentation;
    bool weighted;
    InputStage stage = {};
};

const Case CASES[] = {
    {{{12, 17, Activation::relu, false, 0.3}, {17, 5, LINEAR, false, 0}},
     Loss::cross_entropy,
     0.1,
     0,
     {Update::adam, 0.9, 0.99, 1e-3, 0.01, 0},
     23,
     7,
     {3, 4, true, 1},
     false},
    {{{9, 33, Activation::gelu, true, 0}, {33, 20, Activation::tanh, false, 0}, {20, 3, LINEAR, false, 0}},
     Loss::squared,
     0,
     0.01,
     {Update::momentum, 0, 0, 0, 0, 0.9},
     37,
     10,
     {0, 0, false, 0},
     true},
    {{{1, 1, LINEAR, false, 0}}, Loss::huber, 0, 0, {Update::plain, 0, 0, 0, 0, 0}, 5, 2, {0, 0, false, 0}, false},
    {{{40, 100, Activation::silu, true, 0.2}, {100, 70, Activation::logistic, false, 0.1}, {70, 11, LINEAR, false, 0}},
     Loss::absolute,
     0,
     0.001,
     {Update::nesterov, 0, 0, 0, 0, 0.8},
     90,
     32,
     {0, 0, false, 0},
     true},
    {{{32, 40, Activation::mish, false, 0.2, true, {0.2, 5, 5}, {0.1}}, {40, 4, LINEAR, false, 0}},
     Loss::squared,
     0,
     0,
     {Update::adam, 0.9, 0.95, 1e-4, 0.02, 0},
     70,
     32,
     {0, 0, false, 0},
     false,
     {3, 4, {200, 200}, 16, 3, 8, {0.1, 0.1}, {1, 1}, {6, 6}}},
};
static_assert(3 * 3 + 7 + 2 * 8 == 32);

// All that training leaves behind, in one array: parameters, moments, statistics, and the loss of every step.
template <typename Real>
struct Trail {
    std::vector<Real> state;
    std::vector<double> losses;
};

int64_t count_parameters(const std::vector<Layer>& layers, const InputStage& stage = {}) {
    int64_t n = 0;
    for (const Layer& layer : layers) n += (layer.n_in + 1 + layer.batch_norm + layer.parametric) * layer.n_out;
    stage.walk(
        0, [&](int64_t some, int64_t, int64_t, int64_t) { n += some; },
        [&](int64_t, int64_t some, int64_t) { n += some; }, [&](int64_t some, int64_t) { n += some; });
    return n;
}

int64_t count_statistics(const std::vector<Layer>& layers) {
    int64_t n = 0;
    for (const Layer& layer : layers) n += layer.batch_norm ? 2 * layer.n_out : 0;
    return n;
}

// The same data and first parameters whatever the table and the number of threads.
template <typename Real>
Trail<Real> train(const Case& what, Update update, const Kernels<Real>& kernels, int threads, int at_once = 1) {
    constexpr int EPOCHS = 3;
    Random random(11);
    const bool staged = what.stage.is_there();
    const int64_t n_in = staged ? what.stage.columns() : what.layers.front().n_in, outputs = what.layers.back().n_out;
    const int64_t P = count_parameters(what.layers, what.stage), S = count_statistics(what.layers);
    std::vector<uint8_t> X;
    std::vector<int64_t> labels, order;
    for (int64_t i = 0; i < what.rows * n_in; ++i) X.push_back(uint8_t(random.integer(0, 255)));
    for (int64_t i = 0; i < what.rows; ++i) {
        labels.push_back(random.integer(0, outputs - 1));
        order.push_back((7 * i + 3) % what.rows);
    }
    const std::vector<Real> targets = random.numbers<Real>(what.rows * outputs, -1, 1);
    const std::vector<Real> weights = random.numbers<Real>(what.rows, 0.5, 2);
    const bool labelled = what.loss == Loss::cross_entropy;
    Optimizer optimizer = what.optimizer;
    optimizer.update = update;
    const Problem<Real> problem{
        what.layers,
        {X.data(), Number::uint8, ptrdiff_t(n_in), 1, n_in, staged ? 1 : 1 / 255.0, staged ? 0 : -0.3},
        what.augmentation,
        {what.loss, what.label_smoothing, 0.7, outputs, labelled ? labels.data() : nullptr,
         labelled ? nullptr : targets.data(), what.weighted ? weights.data() : nullptr},
        what.l2,
        optimizer,
        what.batch_size,
        5,
        threads,
        what.stage};
    Trainer<Real> trainer(problem, kernels);
    const std::vector<Real> parameters = random.numbers<Real>(P, -0.3, 0.3), zeros(size_t(P + S), Real(0));
    trainer.write(parameters.data(), zeros.data(), zeros.data(), zeros.data(), 0);
    const int64_t steps = ceil_divide(what.rows, what.batch_size);
    const std::vector<double> rates(size_t(at_once * steps), 0.01);
    std::vector<double> fades(rates.size());
    for (size_t step = 0; step < fades.size(); ++step) fades[step] = step % size_t(steps) == 0 ? 1 : 0.6;
    std::vector<int64_t> orders;
    for (int epoch = 0; epoch < at_once; ++epoch) orders.insert(orders.end(), order.begin(), order.end());
    const std::atomic<bool> cancel{false};
    Trail<Real> trail;
    trail.losses.resize(size_t(EPOCHS * steps));
    int64_t taken = 0;
    for (int epoch = 0; epoch < EPOCHS; epoch += at_once)
        trainer.run_epochs(orders.data(), at_once, what.rows, rates.data(), fades.data(),
                           trail.losses.data() + epoch * steps, cancel, &taken);
    trail.state.resize(size_t(3 * P + S));
    Real* state = trail.state.data();
    trainer.read(state, state + P, state + 2 * P, state + 3 * P);
    return trail;
}

// What rounding may do to a network's values on the whole, relative to them: each is a sum over a layer's inputs or the
// batch's rows. With products in bfloat16 the rounding of their factors exceeds that, and turns the sign of some
// derivatives of the absolute loss.
template <typename Real>
double network_tolerance(const Kernels<Real>& kernels, const std::vector<Layer>& layers, int64_t rows) {
    if (!kernels.direct) return 0x1p-5;
    int64_t terms = rows;
    for (const Layer& layer : layers) terms += layer.n_in + 8;
    return ROUNDING<Real> * double(terms);
}

}  // namespace

template <typename Real>
void check_training(const Kernels<Real>& kernels, Random&, Comparison& comparison) {
    // In float64 the portable table rounds a multiply-add twice.
    const bool same_bits = kernels.direct && sizeof(Real) == sizeof(float);
    for (const Case& what : CASES) {
        const double tolerance = network_tolerance(kernels, what.layers, what.batch_size);
        for (const Update update : {what.optimizer.update, Update::keep_gradient}) {
            const Trail<Real> one = train(what, update, kernels, 1), many = train(what, update, kernels, THREADS);
            const Trail<Real> in_one_go = train(what, update, kernels, THREADS, 3);
            comparison.same(one.state.data(), in_one_go.state.data(), one.state.size());
            comparison.same(one.losses.data(), in_one_go.losses.data(), one.losses.size());
            const Trail<Real> portable = train(what, update, *kernels_portable<Real>(), 1);
            comparison.same(one.state.data(), many.state.data(), one.state.size());
            for (size_t s = 0; s < one.losses.size(); ++s) {
                comparison.near(one.losses[s], many.losses[s], 0);
                comparison.near(one.losses[s], portable.losses[s],
                                same_bits ? 0 : tolerance * (1 + std::abs(portable.losses[s])));
            }
            if (same_bits) {
                comparison.same(one.state.data(), portable.state.data(), one.state.size());
                continue;
            }
            double difference = 0, size = 0;
            for (size_t i = 0; i < one.state.size(); ++i) {
                const auto got = double(one.state[i]), expected = double(portable.state[i]);
                difference += (got - expected) * (got - expected);
                size += expected * expected;
            }
            comparison.near(std::sqrt(difference), 0, tolerance * std::sqrt(size));
        }
    }
}

// Few rows go through the weights as they lie, many through panels: both against loops in double precision.
template <typename Real>
void check_predict(const Kernels<Real>& kernels, Random& random, Comparison& comparison) {
    if (!kernels.direct) return;  // there are no predictions in bfloat16
    const std::atomic<bool> cancel{false};
    for (const int64_t rows : {1, 3, 8, 300}) {
        const std::vector<Layer> layers = {{30, 45, Activation::relu, false, 0}, {45, 9, LINEAR, false, 0}};
        const std::vector<Real> parameters = random.numbers<Real>(count_parameters(layers), -0.5, 0.5);
        const std::vector<Real> X = random.numbers<Real>(rows * 30, -1, 1);
        std::vector<Real> one(size_t(rows * 9), NOT_WRITTEN<Real>), many = one;
        const Rows given{X.data(),
                         std::is_same_v<Real, float> ? Number::float32 : Number::float64,
                         30 * sizeof(Real),
                         sizeof(Real),
                         30,
                         1,
                         0};
        predict({}, layers, parameters.data(), given, rows, false, one.data(), 1, kernels, cancel);
        predict({}, layers, parameters.data(), given, rows, false, many.data(), THREADS, kernels, cancel);
        comparison.same(one.data(), many.data(), one.size());
        for (int64_t i = 0; i < rows; ++i) {
            std::vector<double> a(X.begin() + i * 30, X.begin() + (i + 1) * 30);
            const Real *W = parameters.data(), *b = W + 30 * 45 + 45 * 9;
            for (const Layer& layer : layers) {
                std::vector<double> z(b, b + layer.n_out);
                for (int64_t k = 0; k < layer.n_in; ++k)
                    for (int64_t j = 0; j < layer.n_out; ++j) z[size_t(j)] += a[size_t(k)] * double(*W++);
                if (layer.activation == Activation::relu)
                    for (double& x : z) x = std::max(x, 0.0);
                a = z;
                b += layer.n_out;
            }
            for (size_t j = 0; j < 9; ++j)
                comparison.near(one[size_t(i * 9) + j], a[j],
                                network_tolerance(kernels, layers, 0) * (1 + std::abs(a[j])));
        }
    }
}

template <typename Real>
void check_flush(const Kernels<Real>&, Random&, Comparison& comparison) {
    const auto subnormal_is_kept = [] {
        volatile Real least = std::numeric_limits<Real>::min(), half = least / 2;
        return half > 0;
    };
    comparison.near(subnormal_is_kept(), true, 0);
    {
        const FlushSubnormals flush;
        comparison.near(subnormal_is_kept(), false, 0);
    }
    comparison.near(subnormal_is_kept(), true, 0);
    // One unit for each thread, which some of them may do for others.
    const std::vector<int64_t> units(THREADS, 1);
    std::vector<int> kept(THREADS, -1);
    bool open = true;
    run_phases(
        THREADS, [&] { return std::exchange(open, false) ? units.data() : nullptr; },
        [&](int owner, int64_t, int) { kept[size_t(owner)] = subnormal_is_kept(); });
    for (const int in_thread : kept) comparison.near(in_thread, 0, 0);
    comparison.near(subnormal_is_kept(), true, 0);
}

// Two callers at once, each of many short calls: every unit of every phase is done once, and before the next phase.
// A thread that is late for a call finds its arrays gone.
template <typename Real>
void check_phases(const Kernels<Real>&, Random&, Comparison& comparison) {
    constexpr int CALLS = 300, PHASES = 5;
    std::atomic<int64_t> wrong[2] = {0, 0};
    const auto call_often = [&wrong](int caller) {
        for (int call = 0; call < CALLS; ++call) {
            std::vector<int64_t> units(THREADS), times(THREADS * PHASES, 0);
            int phase = -1;
            run_phases(
                THREADS,
                [&]() -> const int64_t* {
                    for (int t = 0; phase >= 0 && t < THREADS; ++t)
                        wrong[caller] += times[size_t(t * PHASES)] != (units[size_t(t)] > 0);
                    std::fill(times.begin(), times.end(), 0);
                    if (++phase == PHASES) return nullptr;
                    for (int t = 0; t < THREADS; ++t) units[size_t(t)] = (call + phase + t) % PHASES;
                    return units.data();
                },
                [&](int owner, int64_t k, int thread) {
                    wrong[caller] += thread < 0 || thread >= THREADS || ++times[size_t(owner * PHASES + k)] != 1;
                });
        }
    };
    std::thread other(call_often, 1);
    call_often(0);
    other.join();
    for (const std::atomic<int64_t>& w : wrong) comparison.near(double(w), 0, 0);
}

template void check_training(const Kernels<float>&, Random&, Comparison&);
template void check_training(const Kernels<double>&, Random&, Comparison&);
template void check_predict(const Kernels<float>&, Random&, Comparison&);
template void check_predict(const Kernels<double>&, Random&, Comparison&);
template void check_flush(const Kernels<float>&, Random&, Comparison&);
template void check_flush(const Kernels<double>&, Random&, Comparison&);
template void check_phases(const Kernels<float>&, Random&, Comparison&);
template void check_phases(const Kernels<double>&, Random&, Comparison&);

}  // namespace treadle
