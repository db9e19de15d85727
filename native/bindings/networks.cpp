// Binds training and prediction, both of which Ctrl-C interrupts.
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "bindings/bindings.h"
#include "training/orders.h"
#include "training/predictor.h"
#include "training/trainer.h"

namespace treadle {
namespace {

// The value of an enumeration whose names are listed in its order.
template <typename Enum, size_t n>
Enum by_name(const char* const (&names)[n], const std::string& name) {
    for (size_t i = 0; i < n; ++i) {
        if (name == names[i]) return Enum(i);
    }
    throw std::invalid_argument("unknown name: " + name);
}

constexpr const char* ACTIVATIONS[] = {"identity", "relu", "tanh", "logistic", "gelu", "silu", "selu", "mish"};
constexpr const char* LOSSES[] = {"cross_entropy", "binary_cross_entropy", "squared", "absolute", "huber", "poisson"};
constexpr const char* UPDATES[] = {"adam", "momentum", "nesterov", "plain", "keep_gradient"};

// Multiplications that take some 50 milliseconds of one thread.
constexpr int64_t SHORT = 1'000'000'000;

// Runs work(cancel) on a thread of its own while this one, without the GIL, looks for signals 20 times a second.
// Where a handler raises, as that of Ctrl-C does, `cancel` becomes true, and once work has ended this raises too.
// Short work runs here: a signal can wait for it, and a thread more is not paid. Nor do the threads that it starts
// find the processor of this one idle a moment later, and the system's scheduler with two of them on another.
void answer_signals_during(int64_t multiplications, const std::function<void(const std::atomic<bool>&)>& work) {
    std::atomic<bool> cancel{false};
    if (multiplications <= SHORT) {
        const nb::gil_scoped_release released;
        return work(cancel);
    }
    std::exception_ptr error;
    {
        const nb::gil_scoped_release released;
        std::mutex mutex;
        std::condition_variable ended;
        bool has_ended = false;
        std::thread worker([&] {
            try {
                work(cancel);
            } catch (...) {
                error = std::current_exception();
            }
            const std::lock_guard lock(mutex);
            has_ended = true;
            ended.notify_one();
        });
        std::unique_lock lock(mutex);
        while (!ended.wait_for(lock, std::chrono::milliseconds(50), [&] { return has_ended; })) {
            lock.unlock();
            if (!cancel) {
                const nb::gil_scoped_acquire acquired;
                cancel = PyErr_CheckSignals() != 0;
            }
            lock.lock();
        }
        lock.unlock();
        worker.join();
    }
    if (cancel) throw nb::python_error();
    if (error) std::rethrow_exception(error);
}

struct Network {
    std::vector<Layer> layers;
    InputStage stage;
    int64_t n_weights = 0;  // and what the input stage has of cosines, each as long as some of them

    Network(std::vector<Layer> given, InputStage given_stage)
        : layers(std::move(given)), stage(std::move(given_stage)) {
        for (const Layer& layer : layers) n_weights += layer.n_in * layer.n_out;
        n_weights += stage.numbers * stage.frequencies * 8;
    }

    int64_t columns() const { return stage.is_there() ? stage.columns() : layers.front().n_in; }
};

// What a network sees of X (N, columns); or, given where compressed rows start and the columns of what they store, of
// those rows.
struct Inputs {
    Strides values;
    std::optional<Vector<const int64_t>> starts;
    std::optional<Vector<const int32_t>> indices;
    double scale, offset;

    Rows rows(const Network& network) const {
        return {.data = values.data(),
                .type = values.type(),
                .row_bytes = values.row_bytes(),
                .column_bytes = values.column_bytes(),
                .columns = network.columns(),
                .scale = scale,
                .offset = offset,
                .starts = memory(starts),
                .indices = memory(indices)};
    }
};

template <typename Real>
constexpr Number number_of = std::is_same_v<Real, float> ? Number::float32 : Number::float64;

// What is minimised, and the targets that it reads; targets and weights are of the parameters' type, in C's order.
struct Targets {
    Loss loss;
    double label_smoothing, huber_delta, l2;
    std::optional<Vector<const int64_t>> labels;
    std::optional<Strides> targets, sample_weight;

    template <typename Real>
    Objective<Real> objective(const Network& network) const {
        return {.loss = loss,
                .label_smoothing = label_smoothing,
                .huber_delta = huber_delta,
                .outputs = network.layers.back().n_out,
                .labels = memory(labels),
                .targets = numbers<Real>(targets),
                .weights = numbers<Real>(sample_weight)};
    }

private:
    template <typename Real>
    static const Real* numbers(const std::optional<Strides>& given) {
        if (!given) return nullptr;
        if (given->type() != number_of<Real>) throw nb::type_error("targets are of another type than the parameters");
        return reinterpret_cast<const Real*>(given->data());
    }
};

// A Problem with the arrays that it reads from.
struct BoundProblem {
    Network network;
    Inputs inputs;
    Targets targets;
    Augmentation augmentation;
    Optimizer optimizer;
    int64_t batch_size;
    uint64_t noise_seed;
    int threads;

    template <typename Real>
    Problem<Real> problem() const {
        return {.layers = network.layers,
                .X = inputs.rows(network),
                .augmentation = augmentation,
                .objective = targets.objective<Real>(network),
                .l2 = targets.l2,
                .optimizer = optimizer,
                .batch_size = batch_size,
                .noise_seed = noise_seed,
                .threads = threads,
                .stage = network.stage};
    }
};

template <typename Real>
class BoundTrainer {
public:
    using Written = std::optional<Vector<Real>>;
    using Read = std::optional<Vector<const Real>>;

    BoundTrainer(const BoundProblem& problem, const std::string& kernels)
        : problem_(problem), trainer_(problem_.problem<Real>(), kernels_by_name<Real>(kernels)) {}

    // Steps taken; fewer than there are losses where the next one's loss is not finite. Each row of `orders` is an
    // epoch's.
    int64_t run_epochs(Matrix<const int64_t> orders, Vector<const double> learning_rates,
                       std::optional<Vector<const double>> fades, Vector<double> losses) {
        const int64_t n_epochs = int64_t(orders.shape(0)), n_rows = int64_t(orders.shape(1));
        int64_t steps_taken = 0;
        // Three products forwards and back, and what the updates of small batches take.
        answer_signals_during(8 * n_epochs * n_rows * problem_.network.n_weights, [&](const std::atomic<bool>& cancel) {
            trainer_.run_epochs(orders.data(), n_epochs, n_rows, learning_rates.data(), memory(fades), losses.data(),
                                cancel, &steps_taken);
        });
        return steps_taken;
    }

    void read(Written values, Written first, Written second, Written statistics) const {
        trainer_.read(memory(values), memory(first), memory(second), memory(statistics));
    }

    void write(Vector<const Real> values, Read first, Read second, Vector<const Real> statistics, int64_t step) {
        trainer_.write(values.data(), memory(first), memory(second), statistics.data(), step);
    }

    int64_t step() const { return trainer_.step(); }

private:
    const BoundProblem problem_;
    Trainer<Real> trainer_;
};

template <typename Real>
void predict_into(const Network& network, Vector<const Real> parameters, const Inputs& inputs, bool softmax,
                  Matrix<Real> outputs, int threads, const std::string& kernels_name) {
    const Kernels<Real>& kernels = kernels_by_name<Real>(kernels_name);
    const int64_t n_rows = int64_t(outputs.shape(0));
    const Rows rows = inputs.rows(network);
    answer_signals_during(n_rows * network.n_weights, [&](const std::atomic<bool>& cancel) {
        predict(network.stage, network.layers, parameters.data(), rows, n_rows, softmax, outputs.data(), threads,
                kernels, cancel);
    });
}

// What there is for parameters of each type.
template <typename Real>
void bind_type(nb::module_& module, const char* trainer) {
    using Bound = BoundTrainer<Real>;
    nb::class_<Bound>(module, trainer)
        .def(nb::init<const BoundProblem&, const std::string&>(), "problem"_a, "kernels"_a)
        .def("run_epochs", &Bound::run_epochs, array("orders"), array("learning_rates"), array("fades"),
             array("losses"))
        .def("read", &Bound::read, array("values"), array("first"), array("second"), array("statistics"))
        .def("write", &Bound::write, array("values"), array("first"), array("second"), array("statistics"), "step"_a)
        .def_prop_ro("step", &Bound::step);
    module.def("predict", predict_into<Real>, "network"_a, array("parameters"), "inputs"_a, "softmax"_a,
               array("outputs"), "threads"_a, "kernels"_a);
}

}  // namespace

void bind_networks(nb::module_& module) {
    nb::class_<Pace>(module, "Pace")
        .def(
            "__init__",
            [](Pace* self, double rate, double decay, double epsilon) {
                new (self) Pace{.rate = rate, .decay = decay, .epsilon = epsilon};
            },
            nb::kw_only(), "rate"_a, "decay"_a, "epsilon"_a);
    nb::class_<Layer>(module, "Layer")
        .def(
            "__init__",
            [](Layer* self, int64_t n_in, int64_t n_out, const std::string& activation, bool batch_norm, double dropout,
               bool parametric, const Pace& weights, const Pace& biases, const Pace& scales, const Pace& slopes) {
                new (self) Layer{.n_in = n_in,
                                 .n_out = n_out,
                                 .activation = by_name<Activation>(ACTIVATIONS, activation),
                                 .batch_norm = batch_norm,
                                 .dropout = dropout,
                                 .parametric = parametric,
                                 .weights = weights,
                                 .biases = biases,
                                 .scales = scales,
                                 .slopes = slopes};
            },
            nb::kw_only(), "n_in"_a, "n_out"_a, "activation"_a, "batch_norm"_a, "dropout"_a, "parametric"_a,
            "weights"_a, "biases"_a, "scales"_a, "slopes"_a);
    nb::class_<InputStage>(module, "InputStage")
        .def(
            "__init__",
            [](InputStage* self, int64_t numbers, int64_t plain, const std::vector<int64_t>& counts,
               int64_t frequencies, int64_t combinations, int64_t embedding, const Pace& of_cosines,
               const Pace& of_embeddings, const Pace& of_scales) {
                new (self) InputStage{.numbers = numbers,
                                      .plain = plain,
                                      .counts = counts,
                                      .frequencies = frequencies,
                                      .combinations = combinations,
                                      .embedding = embedding,
                                      .of_cosines = of_cosines,
                                      .of_embeddings = of_embeddings,
                                      .of_scales = of_scales};
            },
            nb::kw_only(), "numbers"_a, "plain"_a, "counts"_a, "frequencies"_a, "combinations"_a, "embedding"_a,
            "of_cosines"_a, "of_embeddings"_a, "of_scales"_a);
    nb::class_<Network>(module, "Network")
        .def(
            "__init__",
            [](Network* self, const std::vector<Layer>& layers, std::optional<InputStage> stage) {
                new (self) Network(layers, stage.value_or(InputStage{}));
            },
            "layers"_a, "stage"_a.none());
    nb::class_<Inputs>(module, "Inputs")
        .def(
            "__init__",
            [](Inputs* self, nb::handle values, std::optional<Vector<const int64_t>> starts,
               std::optional<Vector<const int32_t>> indices, double scale,
               double offset) { new (self) Inputs{Strides(values), starts, indices, scale, offset}; },
            nb::kw_only(), "values"_a, array("starts"), array("indices"), "scale"_a, "offset"_a);
    nb::class_<Targets>(module, "Targets")
        .def(
            "__init__",
            [](Targets* self, const std::string& loss, double label_smoothing, double huber_delta, double l2,
               std::optional<Vector<const int64_t>> labels, nb::handle targets, nb::handle sample_weight) {
                new (self) Targets{by_name<Loss>(LOSSES, loss),
                                   label_smoothing,
                                   huber_delta,
                                   l2,
                                   labels,
                                   targets.is_none() ? std::nullopt : std::optional(Strides(targets)),
                                   sample_weight.is_none() ? std::nullopt : std::optional(Strides(sample_weight))};
            },
            nb::kw_only(), "loss"_a, "label_smoothing"_a, "huber_delta"_a, "l2"_a, array("labels"), "targets"_a.none(),
            "sample_weight"_a.none());
    nb::class_<Augmentation>(module, "Augmentation")
        .def(
            "__init__",
            [](Augmentation* self, int64_t height, int64_t width, bool flip, int64_t shift) {
                new (self) Augmentation{.height = height, .width = width, .flip = flip, .shift = shift};
            },
            nb::kw_only(), "height"_a, "width"_a, "flip"_a, "shift"_a);
    nb::class_<Optimizer>(module, "Optimizer")
        .def(
            "__init__",
            [](Optimizer* self, const std::string& update, double beta_1, double beta_2, double epsilon,
               double weight_decay, double momentum) {
                new (self) Optimizer{.update = by_name<Update>(UPDATES, update),
                                     .beta_1 = beta_1,
                                     .beta_2 = beta_2,
                                     .epsilon = epsilon,
                                     .weight_decay = weight_decay,
                                     .momentum = momentum};
            },
            nb::kw_only(), "update"_a, "beta_1"_a, "beta_2"_a, "epsilon"_a, "weight_decay"_a, "momentum"_a);
    nb::class_<BoundProblem>(module, "Problem")
        .def(
            "__init__",
            [](BoundProblem* self, const Network& network, const Inputs& inputs, const Targets& targets,
               const Augmentation& augmentation, const Optimizer& optimizer, int64_t batch_size, uint64_t noise_seed,
               int threads) {
                new (self)
                    BoundProblem{network, inputs, targets, augmentation, optimizer, batch_size, noise_seed, threads};
            },
            nb::kw_only(), "network"_a, "inputs"_a, "targets"_a, "augmentation"_a, "optimizer"_a, "batch_size"_a,
            "noise_seed"_a, "threads"_a);
    module.def(
        "draw_orders",
        [](uint64_t seed, uint64_t first_epoch, Matrix<int64_t> orders) {
            draw_orders(seed, first_epoch, int64_t(orders.shape(0)), int64_t(orders.shape(1)), orders.data());
        },
        "seed"_a, "first_epoch"_a, array("orders"));
    bind_type<float>(module, "Trainer32");
    bind_type<double>(module, "Trainer64");
}

}  // namespace treadle
