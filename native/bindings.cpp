// treadle._native: the kernel as Python sees it. See src/treadle/_native.pyi for the types.
//
// It checks nothing but names: whoever calls, src/treadle/engines/native_engine.py, has checked shapes and types.
// The GIL is released wherever something is computed, and Ctrl-C is answered.
#include <nanobind/nanobind.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "kernels/dispatch.h"
#include "boxes/look_up.h"
#include "l1/l1_passes.h"
#include "training/predictor.h"
#include "training/trainer.h"

namespace nb = nanobind;

namespace treadle {
namespace {

// A NumPy array's memory, which stays where it is for as long as this lives; of None, a null pointer.
class Array {
public:
    explicit Array(nb::handle array, int flags = PyBUF_STRIDED_RO) {
        if (!array.is_none() && PyObject_GetBuffer(array.ptr(), &view_, flags | PyBUF_FORMAT)) throw nb::python_error();
    }
    ~Array() { PyBuffer_Release(&view_); }
    Array(const Array&) = delete;
    Array& operator=(const Array&) = delete;

    template <typename T>
    T* data() const {
        return static_cast<T*>(view_.buf);
    }
    int64_t size(int axis) const { return view_.shape[axis]; }

    // The rows of X (N, columns); or, given where compressed rows start and the columns of what they store, of those.
    Rows rows(int64_t columns, double scale, double offset, const Array& starts, const Array& indices) const {
        const bool compressed = view_.ndim == 1;
        return {view_.buf, type(), view_.strides[0], compressed ? 0 : view_.strides[1], columns, scale, offset,
                starts.data<const int64_t>(), indices.data<const int32_t>()};
    }

    Strided strided() const {
        return {static_cast<const char*>(view_.buf), type(), view_.strides[0], view_.ndim == 1 ? 0 : view_.strides[1]};
    }

private:
    Number type() const {
        const char format = view_.format[std::strlen(view_.format) - 1];  // after what says "unaligned", if so
        return format == 'B' ? Number::uint8 : format == 'f' ? Number::float32 : Number::float64;
    }

    Py_buffer view_{};
};

class Writable : public Array {
public:
    explicit Writable(nb::handle array) : Array(array, PyBUF_STRIDED) {}
};

// The value of an enumeration whose names are listed in its order.
template <typename Enum, size_t n>
Enum by_name(const char* const (&names)[n], const std::string& name) {
    for (size_t i = 0; i < n; ++i) {
        if (name == names[i]) return Enum(i);
    }
    throw std::invalid_argument("unknown name: " + name);
}

constexpr const char* ACTIVATIONS[] = {"identity", "relu", "tanh", "logistic", "gelu", "silu"};
constexpr const char* LOSSES[] = {"cross_entropy", "binary_cross_entropy", "squared", "absolute", "huber", "poisson"};
constexpr const char* UPDATES[] = {"adam", "momentum", "nesterov", "plain", "keep_gradient"};

const Kernels& kernels_by_name(const std::string& name) {
    for (const auto available : {available_kernels, available_bfloat16_kernels}) {
        for (const Kernels* kernels : available()) {
            if (name == kernels->name) return *kernels;
        }
    }
    throw std::invalid_argument("no such kernels here: " + name);
}

std::vector<std::string> names_of(const std::vector<const Kernels*>& available) {
    std::vector<std::string> names;
    for (const Kernels* kernels : available) names.emplace_back(kernels->name);
    return names;
}

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

// (n_in, n_out, activation, batch_norm, dropout) for each layer with weights.
struct Network {
    std::vector<Layer> layers;
    int64_t n_weights = 0;

    explicit Network(const std::vector<std::tuple<int64_t, int64_t, std::string, bool, double>>& described) {
        for (const auto& [n_in, n_out, activation, batch_norm, dropout] : described) {
            layers.push_back({n_in, n_out, by_name<Activation>(ACTIVATIONS, activation), batch_norm, dropout});
            n_weights += n_in * n_out;
        }
    }
};

// A Trainer, and the arrays that it reads from.
class BoundTrainer {
public:
    BoundTrainer(const Network& network, nb::handle X, nb::handle starts, nb::handle indices, double input_scale,
                 double input_offset,
                 std::pair<int64_t, int64_t> image_shape, bool flip, int64_t shift, const std::string& loss,
                 double label_smoothing, double huber_delta, nb::handle labels, nb::handle targets,
                 nb::handle sample_weight, double l2, const std::string& update, double beta_1, double beta_2,
                 double epsilon, double weight_decay, double momentum, int64_t batch_size, uint64_t noise_seed,
                 int threads, const std::string& kernels)
        : X_(X), starts_(starts), indices_(indices), labels_(labels), targets_(targets), sample_weight_(sample_weight),
          n_weights_(network.n_weights) {
        const auto [height, width] = image_shape;
        trainer_ = std::make_unique<Trainer>(
            Problem{.layers = network.layers,
                    .X = X_.rows(network.layers.front().n_in, input_scale, input_offset, starts_, indices_),
                    .augmentation = {height, width, flip, shift},
                    .objective = {by_name<Loss>(LOSSES, loss), label_smoothing, huber_delta,
                                  network.layers.back().n_out, labels_.data<const int64_t>(),
                                  targets_.data<const float>(), sample_weight_.data<const float>()},
                    .l2 = l2,
                    .optimizer = {by_name<Update>(UPDATES, update), beta_1, beta_2, epsilon, weight_decay, momentum},
                    .batch_size = batch_size,
                    .noise_seed = noise_seed,
                    .threads = threads},
            kernels_by_name(kernels));
    }

    // Steps taken; fewer than there are losses where the next one's loss is not finite.
    int64_t run_epoch(nb::handle order, nb::handle learning_rates, nb::handle losses) {
        const Array rows(order), rates(learning_rates);
        const Writable into(losses);
        int64_t steps_taken = 0;
        // Three products forwards and back, and what the updates of small batches take.
        answer_signals_during(8 * rows.size(0) * n_weights_, [&](const std::atomic<bool>& cancel) {
            trainer_->run_epoch(rows.data<const int64_t>(), rows.size(0), rates.data<const double>(),
                                into.data<double>(), cancel, &steps_taken);
        });
        return steps_taken;
    }

    void read(nb::handle values, nb::handle first, nb::handle second, nb::handle statistics) const {
        const Writable a(values), b(first), c(second), d(statistics);
        trainer_->read(a.data<float>(), b.data<float>(), c.data<float>(), d.data<float>());
    }

    void write(nb::handle values, nb::handle first, nb::handle second, nb::handle statistics, int64_t step) {
        const Array a(values), b(first), c(second), d(statistics);
        trainer_->write(a.data<const float>(), b.data<const float>(), c.data<const float>(), d.data<const float>(),
                        step);
    }

    int64_t step() const { return trainer_->step(); }

private:
    Array X_, starts_, indices_, labels_, targets_, sample_weight_;
    int64_t n_weights_;
    std::unique_ptr<Trainer> trainer_;
};

void predict_into(const Network& network, nb::handle parameters, nb::handle X, nb::handle starts, nb::handle indices,
                  double input_scale, double input_offset, bool softmax, nb::handle outputs, int threads,
                  const std::string& kernels_name) {
    const Array flat(parameters), input(X), row_starts(starts), columns(indices);
    const Writable into(outputs);
    const Kernels& kernels = kernels_by_name(kernels_name);
    const int64_t n_rows = into.size(0);
    const Rows rows = input.rows(network.layers.front().n_in, input_scale, input_offset, row_starts, columns);
    answer_signals_during(n_rows * network.n_weights, [&](const std::atomic<bool>& cancel) {
        predict(network.layers, flat.data<const float>(), rows, n_rows, softmax, into.data<float>(), threads, kernels,
                cancel);
    });
}

// The cells of points, or the heights of their cells; `outputs` is int64 or float64 as `heights` is None or not.
void look_up_grid_into(nb::handle X, const std::vector<std::tuple<nb::handle, nb::handle, double, double>>& axes,
                       nb::handle heights, nb::handle outputs, int threads) {
    const Array points(X), of_boxes(heights);
    const Writable into(outputs);
    std::vector<std::unique_ptr<Array>> held;
    std::vector<Axis> described;
    for (const auto& [inner, starts, origin, scale] : axes) {
        const Array& edges = *held.emplace_back(std::make_unique<Array>(inner));
        const Array& counts = *held.emplace_back(std::make_unique<Array>(starts));
        described.push_back({edges.data<const double>(), counts.data<const int32_t>(), edges.size(0) + 1,
                             counts.size(0) - 1, origin, scale});
    }
    const nb::gil_scoped_release released;
    look_up_grid(points.data<const double>(), points.size(0), described, of_boxes.data<const double>(),
                 heights.is_none() ? into.data<int64_t>() : nullptr, heights.is_none() ? nullptr : into.data<double>(),
                 threads);
}

void look_up_tree_into(nb::handle X, nb::handle axis, nb::handle threshold, nb::handle children, nb::handle heights,
                       nb::handle outputs, int threads) {
    const Array points(X), axes(axis), thresholds(threshold), links(children), of_boxes(heights);
    const Writable into(outputs);
    const Splits splits{axes.data<const int64_t>(), thresholds.data<const double>(), links.data<const int64_t>(),
                        axes.size(0)};
    const nb::gil_scoped_release released;
    look_up_tree(points.data<const double>(), points.size(0), points.size(1), splits, of_boxes.data<const double>(),
                 heights.is_none() ? into.data<int64_t>() : nullptr, heights.is_none() ? nullptr : into.data<double>(),
                 threads);
}

// The rows of an interior point: Z (n, stride), of which p columns count, and state (STATES, n).
class BoundInterior {
public:
    BoundInterior(nb::handle Z, nb::handle state, int64_t p, int threads, const std::string& kernels)
        : Z_(Z), state_(state), threads_(threads), kernels_(*kernels_by_name(kernels).l1) {
        rows_ = {Z_.data<const double>(), Z_.size(0), p, Z_.size(1), state_.data<double>()};
    }

    double normal(double primal, double dual, nb::handle M, nb::handle b) {
        const Writable products(M), sums(b);
        const nb::gil_scoped_release released;
        return interior_normal(rows_, primal, dual, products.data<double>(), sums.data<double>(), threads_, kernels_,
                               scratch_);
    }

    void predict(nb::handle dw, nb::handle sums) const {
        const Array direction(dw);
        const Writable into(sums);
        const nb::gil_scoped_release released;
        interior_predict(rows_, direction.data<const double>(), into.data<double>(), threads_, kernels_);
    }

    void correct(double mu, nb::handle b) const {
        const Writable into(b);
        const nb::gil_scoped_release released;
        interior_correct(rows_, mu, into.data<double>(), threads_, kernels_);
    }

    void step(nb::handle dw, nb::handle sums) const {
        const Array direction(dw);
        const Writable into(sums);
        const nb::gil_scoped_release released;
        interior_step(rows_, direction.data<const double>(), into.data<double>(), threads_, kernels_);
    }

private:
    Array Z_;
    Writable state_;
    int threads_;
    const L1Kernels& kernels_;
    InteriorRows rows_;
    std::vector<double> scratch_;
};

// The int64 numbers of the rows kept as bytes, the sums of the others' losses and |u|, and the first row that is not
// finite, or -1; if `check`, the rows on another side than `side` says.
std::tuple<nb::bytes, double, double, int64_t> l1_screen(nb::handle X, nb::handle y, nb::handle some,
                                                         nb::handle weights, nb::handle columns, nb::handle A,
                                                         nb::handle w, double radius, double low, double high,
                                                         nb::handle side, nb::handle fold, bool check, int threads,
                                                         const std::string& kernels) {
    const Array data(X), target(y), asked(some), factors(weights), used(columns), whitener(A), coefficients(w);
    const Writable sides(side), folds(fold);
    const ScreenRequest request{data.strided(),
                                target.strided(),
                                asked.data<const int64_t>(),
                                factors.data<const double>(),
                                used.data<const int64_t>(),
                                used.size(0),
                                whitener.size(1),
                                whitener.data<const double>(),
                                coefficients.data<const double>(),
                                radius,
                                low,
                                high,
                                sides.data<int8_t>()};
    ScreenSums sums;
    {
        const nb::gil_scoped_release released;
        const L1Kernels& passes = *kernels_by_name(kernels).l1;
        sums = (check ? check_all : screen_all)(request, sides.size(0), threads, passes);
        std::copy(sums.fold.begin(), sums.fold.end(), folds.data<double>());
    }
    return {nb::bytes(sums.rows.data(), sums.rows.size() * sizeof(int64_t)), sums.loss, sums.size, sums.not_finite};
}

}  // namespace

NB_MODULE(_native, module) {
    nb::set_leak_warnings(false);  // what is alive when the interpreter ends, in a traceback say, is no leak
    using namespace nb::literals;

    module.def("processor_features", processor_features);
    module.def("available_kernels", [] { return names_of(available_kernels()); });
    module.def("available_bfloat16_kernels", [] { return names_of(available_bfloat16_kernels()); });
    nb::class_<Network>(module, "Network")
        .def(nb::init<const std::vector<std::tuple<int64_t, int64_t, std::string, bool, double>>&>(), "layers"_a);
    nb::class_<BoundTrainer>(module, "Trainer")
        .def(nb::init<const Network&, nb::handle, nb::handle, nb::handle, double, double, std::pair<int64_t, int64_t>, bool, int64_t,
                      const std::string&, double, double, nb::handle, nb::handle, nb::handle, double,
                      const std::string&, double, double, double, double, double, int64_t, uint64_t, int,
                      const std::string&>(),
             "network"_a, "X"_a, "starts"_a.none(), "indices"_a.none(), "input_scale"_a, "input_offset"_a, "image_shape"_a, "flip"_a, "shift"_a, "loss"_a,
             "label_smoothing"_a, "huber_delta"_a, "labels"_a.none(), "targets"_a.none(), "sample_weight"_a.none(),
             "l2"_a, "update"_a, "beta_1"_a, "beta_2"_a, "epsilon"_a, "weight_decay"_a, "momentum"_a, "batch_size"_a,
             "noise_seed"_a, "threads"_a, "kernels"_a)
        .def("run_epoch", &BoundTrainer::run_epoch, "order"_a, "learning_rates"_a, "losses"_a)
        .def("read", &BoundTrainer::read, "values"_a.none(), "first"_a.none(), "second"_a.none(), "statistics"_a.none())
        .def("write", &BoundTrainer::write, "values"_a, "first"_a.none(), "second"_a.none(), "statistics"_a.none(),
             "step"_a)
        .def_prop_ro("step", &BoundTrainer::step);
    module.def("predict", predict_into, "network"_a, "parameters"_a, "X"_a, "starts"_a.none(),
               "indices"_a.none(), "input_scale"_a, "input_offset"_a,
               "softmax"_a, "outputs"_a, "threads"_a, "kernels"_a);
    module.def("look_up_grid", look_up_grid_into, "X"_a, "axes"_a, "heights"_a.none(), "outputs"_a, "threads"_a);
    module.def("look_up_tree", look_up_tree_into, "X"_a, "axis"_a, "threshold"_a, "children"_a, "heights"_a.none(),
               "outputs"_a, "threads"_a);
    nb::class_<BoundInterior>(module, "L1Interior")
        .def(nb::init<nb::handle, nb::handle, int64_t, int, const std::string&>(), "Z"_a, "state"_a, "p"_a,
             "threads"_a, "kernels"_a)
        .def("normal", &BoundInterior::normal, "primal"_a, "dual"_a, "M"_a, "b"_a)
        .def("predict", &BoundInterior::predict, "dw"_a, "sums"_a)
        .def("correct", &BoundInterior::correct, "mu"_a, "b"_a)
        .def("step", &BoundInterior::step, "dw"_a, "sums"_a);
    module.def("l1_screen", l1_screen, "X"_a, "y"_a, "some"_a.none(), "weights"_a.none(), "columns"_a, "A"_a, "w"_a, "radius"_a,
               "low"_a, "high"_a, "side"_a, "fold"_a, "check"_a, "threads"_a, "kernels"_a);
}

}  // namespace treadle
