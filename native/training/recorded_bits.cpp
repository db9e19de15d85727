#include "training/recorded_bits.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <functional>
#include <iterator>

#include "training/layout.h"
#include "training/philox.h"
#include "training/predictor.h"
#include "training/recorded_hashes.h"
#include "training/trainer.h"

namespace treadle {

namespace {

enum class Storage { row_by_row, column_by_column, compressed };

// What is trained. Data, weights and first parameters are words of Philox, the same everywhere.
struct Setting {
    std::vector<int64_t> sizes = {20, 33, 17, 5};
    Activation activation = Activation::relu;
    bool batch_norm = false;
    double dropout = 0;
    Loss loss = Loss::cross_entropy;
    bool labelled = true;
    double label_smoothing = 0, l2 = 0;
    Optimizer optimizer = {Update::adam, 0.9, 0.999, 1e-8, 0, 0.9};
    Augmentation augmentation = {0, 0, false, 0};
    bool weighted = false;
    Number type = Number::float32;
    Storage storage = Storage::row_by_row;
    int64_t rows = 70, batch_size = 16;
    int epochs = 4, threads = 1;
    bool fading = false;  // X is 0 from the second epoch on
    bool parametric = false, paced = false;
    double fade = 0;  // of dropout and decay in the first step of each epoch, and less in the others; 0: they stay
    InputStage stage = {};

    std::vector<Layer> layers() const {
        std::vector<Layer> all;
        for (size_t l = 1; l < sizes.size(); ++l) {
            const bool hidden = l + 1 < sizes.size();
            const int64_t n_in = l == 1 && stage.is_there() ? stage.width() : sizes[l - 1];
            Layer& layer = all.emplace_back(Layer{n_in, sizes[l], hidden ? activation : Activation::identity,
                                                  hidden && batch_norm, hidden ? dropout : 0, hidden && parametric});
            if (paced) {
                layer.weights = {0.25, 4, 4};
                layer.biases.rate = 0.1;
                layer.slopes = {0.1, 0.1, 1};
            }
        }
        return all;
    }
};

// FNV-1a, of 64 bits.
class Hash {
    uint64_t value_ = 0xcbf29ce484222325u;

public:
    template <typename T>
    void add(const std::vector<T>& values) {
        for (const T& value : values) {
            unsigned char bytes[sizeof(T)];
            std::memcpy(bytes, &value, sizeof value);
            for (size_t i = 0; i < sizeof(T); ++i) value_ = (value_ ^ bytes[i]) * 0x100000001b3u;
        }
    }
    uint64_t value() const { return value_; }
};

// Numbers, the next n of a stream at each call.
class Numbers {
    const Words words_;
    uint64_t next_ = 0;

public:
    explicit Numbers(uint64_t seed) : words_(seed, Noise::dropout, 0, 0) {}

    uint32_t word() { return words_[next_++]; }

    template <typename T = float>
    std::vector<T> uniform(int64_t n, double low, double high) {
        std::vector<T> numbers(static_cast<size_t>(n));
        for (T& x : numbers) x = T(low + (high - low) * (double(word()) * 0x1p-32));
        return numbers;
    }
};

// The rows of X, as numbers of one type, with 0 in two places of three.
template <typename T>
struct Data {
    std::vector<T> values;
    std::vector<int64_t> starts;
    std::vector<int32_t> indices;
    Rows rows;

    Data(Numbers& numbers, const Setting& what) {
        const int64_t columns = what.sizes.front(), n = what.rows;
        const std::vector<T> filled = numbers.uniform<T>(n * columns, 0, sizeof(T) == 1 ? 256 : 1);
        const auto at = [&](int64_t i, int64_t j) {
            const T x = filled[size_t(i * columns + j)];
            if (const int64_t k = j - what.stage.copied(); what.stage.is_there() && k >= 0)
                return T(int64_t(x * T(what.stage.counts[size_t(k)])));
            return (i * 7 + j * j) % 3 == 0 ? x : T(0);
        };
        rows = {.data = nullptr,
                .type = what.type,
                .row_bytes = ptrdiff_t(columns * int64_t(sizeof(T))),
                .column_bytes = sizeof(T),
                .columns = columns,
                .scale = what.stage.is_there() ? 1
                         : sizeof(T) == 1      ? 1 / 255.0
                                               : 0.9,
                .offset = what.storage == Storage::compressed || what.fading || what.stage.is_there() ? 0 : -0.3};
        switch (what.storage) {
            case Storage::row_by_row:
                for (int64_t i = 0; i < n; ++i)
                    for (int64_t j = 0; j < columns; ++j) values.push_back(at(i, j));
                break;
            case Storage::column_by_column:
                for (int64_t j = 0; j < columns; ++j)
                    for (int64_t i = 0; i < n; ++i) values.push_back(at(i, j));
                rows.row_bytes = sizeof(T);
                rows.column_bytes = ptrdiff_t(n * int64_t(sizeof(T)));
                break;
            case Storage::compressed:
                for (int64_t i = 0; i < n; ++i) {
                    starts.push_back(int64_t(values.size()));
                    for (int64_t j = 0; j < columns; ++j) {
                        if (at(i, j) == T(0)) continue;
                        values.push_back(at(i, j));
                        indices.push_back(int32_t(j));
                    }
                }
                starts.push_back(int64_t(values.size()));
                rows.starts = starts.data();
                rows.indices = indices.data();
                break;
        }
        rows.data = values.data();
    }
};

template <typename T>
uint64_t bits_of(const Setting& what, const Kernels<float>& kernels) {
    Numbers numbers(7);
    const std::vector<Layer> layers = what.layers();
    const int64_t outputs = what.sizes.back(), steps = ceil_divide(what.rows, what.batch_size);
    int64_t P = 0, S = 0;
    for (const Layer& layer : layers) {
        P += (layer.n_in + 1 + layer.batch_norm + layer.parametric) * layer.n_out;
        S += layer.batch_norm ? 2 * layer.n_out : 0;
    }
    what.stage.walk(
        0, [&](int64_t n, int64_t, int64_t, int64_t) { P += n; }, [&](int64_t, int64_t n, int64_t) { P += n; },
        [&](int64_t n, int64_t) { P += n; });
    Data<T> X(numbers, what);
    std::vector<int64_t> labels, order;
    for (int64_t i = 0; i < what.rows; ++i) {
        labels.push_back(numbers.word() % outputs);
        order.push_back((7 * i + 3) % what.rows);
    }
    const std::vector<float> targets = numbers.uniform(what.rows * outputs, 0, 1);
    const std::vector<float> weights = numbers.uniform(what.rows, 0.5, 2);
    const std::vector<float> start = numbers.uniform(P, -0.3, 0.3);
    const Problem<float> problem{.layers = layers,
                                 .X = X.rows,
                                 .augmentation = what.augmentation,
                                 .objective = {.loss = what.loss,
                                               .label_smoothing = what.label_smoothing,
                                               .huber_delta = 0.3,
                                               .outputs = outputs,
                                               .labels = what.labelled ? labels.data() : nullptr,
                                               .targets = what.labelled ? nullptr : targets.data(),
                                               .weights = what.weighted ? weights.data() : nullptr},
                                 .l2 = what.l2,
                                 .optimizer = what.optimizer,
                                 .batch_size = what.batch_size,
                                 .noise_seed = 5,
                                 .threads = what.threads,
                                 .stage = what.stage};
    Trainer<float> trainer(problem, kernels);
    std::vector<float> values = start, first(size_t(P), 0.0f), second = first, statistics(size_t(S), 0.0f);
    trainer.write(values.data(), first.data(), second.data(), statistics.data(), 0);
    Hash hash;
    const std::atomic<bool> cancel{false};
    std::vector<double> losses(static_cast<size_t>(steps)), fades;
    for (int64_t step = 0; what.fade > 0 && step < steps; ++step) fades.push_back(what.fade / double(1 + step));
    for (int epoch = 0; epoch < what.epochs; ++epoch) {
        if (what.fading && epoch == 1) std::fill(X.values.begin(), X.values.end(), T(0));
        const std::vector<double> rates(size_t(steps), 0.01 / (1 + epoch % 3));
        int64_t taken = 0;
        trainer.run_epochs(order.data(), 1, what.rows, rates.data(), fades.empty() ? nullptr : fades.data(),
                           losses.data(), cancel, &taken);
        hash.add(losses);
    }
    trainer.read(values.data(), first.data(), second.data(), statistics.data());
    for (const std::vector<float>* array : {&values, &first, &second, &statistics}) hash.add(*array);
    if (!what.batch_norm) {
        for (const int64_t n : {int64_t(3), what.rows}) {  // weights as they lie, and packed
            for (const bool softmax : {false, true}) {
                std::vector<float> predicted(size_t(n * outputs));
                predict(problem.stage, layers, values.data(), X.rows, n, softmax, predicted.data(), what.threads,
                        kernels, cancel);
                hash.add(predicted);
            }
        }
    }
    return hash.value();
}

struct Option {
    std::string name;
    std::function<void(Setting&)> choose;
};

Option activation(const char* name, Activation f) {
    return {std::string("activation ") + name, [f](Setting& s) { s.activation = f; }};
}

Option loss(const char* name, Loss f) {
    return {std::string("loss ") + name, [f](Setting& s) {
                s.loss = f;
                s.labelled = false;
            }};
}

Option optimizer(const char* name, const Optimizer& rule) {
    return {std::string("optimizer ") + name, [rule](Setting& s) { s.optimizer = rule; }};
}

Option data(const char* name, Number type, Storage storage) {
    return {std::string("X as ") + name, [type, storage](Setting& s) {
                s.type = type;
                s.storage = storage;
            }};
}

Option sizes(const char* name, const std::vector<int64_t>& sizes) {
    return {std::string("layers of ") + name + " units", [sizes](Setting& s) { s.sizes = sizes; }};
}

// A loss of one output is computed for several rows at once.
Option one_output(const char* name, Loss f) {
    return {std::string("one output, ") + name, [f](Setting& s) {
                s.loss = f;
                s.labelled = false;
                s.weighted = true;
                s.sizes = {20, 33, 1};
            }};
}

// 999 steps in which the first layer's weights have no gradient: moments and running statistics fade to nothing.
Option fading(const char* name, const Optimizer& rule, bool batch_norm) {
    return {std::string("fading moments, ") + name, [rule, batch_norm](Setting& s) {
                s.optimizer = rule;
                s.batch_norm = batch_norm;
                s.sizes = {7, 5, 3};
                s.rows = s.batch_size = 20;
                s.epochs = 1000;
                s.fading = true;
            }};
}

const std::vector<Option>& options() {
    using enum Storage;
    static constexpr Optimizer ADAMW = {Update::adam, 0.8, 0.99, 1e-6, 0.1, 0},
                               MOMENTUM = {Update::momentum, 0, 0, 0, 0, 0.9},
                               NESTEROV = {Update::nesterov, 0, 0, 0, 0, 0.8}, PLAIN = {Update::plain, 0, 0, 0, 0, 0};
    static const std::vector<Option> all = {
        activation("identity", Activation::identity),
        activation("relu", Activation::relu),
        activation("tanh", Activation::tanh),
        activation("logistic", Activation::logistic),
        activation("gelu", Activation::gelu),
        activation("silu", Activation::silu),
        activation("selu", Activation::selu),
        activation("mish", Activation::mish),
        loss("cross-entropy of soft targets", Loss::cross_entropy),
        loss("binary cross-entropy", Loss::binary_cross_entropy),
        loss("squared", Loss::squared),
        loss("absolute", Loss::absolute),
        loss("huber", Loss::huber),
        loss("poisson", Loss::poisson),
        one_output("binary cross-entropy", Loss::binary_cross_entropy),
        one_output("squared", Loss::squared),
        one_output("absolute", Loss::absolute),
        one_output("huber", Loss::huber),
        one_output("poisson", Loss::poisson),
        {"label smoothing", [](Setting& s) { s.label_smoothing = 0.1; }},
        optimizer("adamw", ADAMW),
        optimizer("momentum", MOMENTUM),
        optimizer("nesterov", NESTEROV),
        optimizer("plain", PLAIN),
        {"dropout", [](Setting& s) { s.dropout = 0.3; }},
        {"batch normalisation", [](Setting& s) { s.batch_norm = true; }},
        {"flips and shifts", [](Setting& s) { s.augmentation = {4, 5, true, 1}; }},
        {"l2", [](Setting& s) { s.l2 = 0.01; }},
        {"weights of rows", [](Setting& s) { s.weighted = true; }},
        data("uint8", Number::uint8, row_by_row),
        data("float64", Number::float64, row_by_row),
        data("columns of uint8", Number::uint8, column_by_column),
        data("columns of float32", Number::float32, column_by_column),
        data("columns of float64", Number::float64, column_by_column),
        data("sparse rows of uint8", Number::uint8, compressed),
        data("sparse rows of float32", Number::float32, compressed),
        data("sparse rows of float64", Number::float64, compressed),
        sizes("1, 1", {1, 1}),
        sizes("3, 1, 2", {3, 1, 2}),
        sizes("31, 63, 65, 33", {31, 63, 65, 33}),
        sizes("700, 100, 127", {700, 100, 127}),
        fading("adam", {Update::adam, 0.8, 0.9, 1e-8, 0, 0}, false),
        fading("momentum", MOMENTUM, false),
        fading("nesterov", NESTEROV, false),
        fading("batch normalisation", MOMENTUM, true),
        {"parametric activations",
         [](Setting& s) {
             s.activation = Activation::mish;
             s.parametric = true;
             s.dropout = 0.2;
         }},
        {"rates by block, dropout and decay that fade",
         [](Setting& s) {
             s.activation = Activation::selu;
             s.optimizer = ADAMW;
             s.parametric = s.paced = true;
             s.dropout = 0.3;
             s.fade = 0.9;
         }},
        {"input stage",
         [](Setting& s) {
             s.stage = {5, 3, {4, 11}, 16, 3, 8, {0.1, 0.1, 1}, {1, 1, 1}, {6, 6, 1}};
             s.sizes.front() = s.stage.columns();
             s.optimizer = ADAMW;
         }},
        {"input stage of numbers alone, no hidden layer, on three threads",
         [](Setting& s) {
             s.stage = {7, 0, {}, 5, 2, 1, {}, {}, {}};
             s.sizes = {7, 3};
             s.rows = 200;
             s.batch_size = 50;
             s.threads = 3;
         }},
        {"everything at once, on three threads",
         [](Setting& s) {
             s.sizes = {48, 100, 70, 11};
             s.activation = Activation::gelu;
             s.batch_norm = s.weighted = true;
             s.dropout = 0.2;
             s.label_smoothing = 0.05;
             s.l2 = 0.001;
             s.optimizer = ADAMW;
             s.augmentation = {8, 6, true, 2};
             s.type = Number::uint8;
             s.rows = 200;
             s.batch_size = 32;
             s.threads = 3;
         }},
    };
    return all;
}

}  // namespace

const std::vector<RecordedBits>& recorded_bits() {
    static const std::vector<RecordedBits> all = [] {
        std::vector<RecordedBits> found;
        for (const Option& option : options()) {
            const auto* entry = std::find_if(std::begin(RECORDED), std::end(RECORDED),
                                             [&](const auto& recorded) { return option.name == recorded.option; });
            found.push_back({option.name, entry == std::end(RECORDED) ? 0 : entry->bits});
        }
        return found;
    }();
    return all;
}

uint64_t bits_here(size_t option, const Kernels<float>& kernels) {
    Setting what;
    options().at(option).choose(what);
    switch (what.type) {
        case Number::uint8: return bits_of<uint8_t>(what, kernels);
        case Number::float32: return bits_of<float>(what, kernels);
        case Number::float64: return bits_of<double>(what, kernels);
    }
    return 0;  // there is no other
}

}  // namespace treadle
