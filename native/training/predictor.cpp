#include "training/predictor.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <utility>

#include "training/buffer.h"
#include "training/layout.h"
#include "threads.h"

namespace treadle {

namespace {

// Below this many rows, packing the weights costs more than it saves.
constexpr int64_t PACKED_FROM = 8;
// Rows that a thread takes through all layers at a time.
constexpr int64_t CHUNK = 96;

int64_t widest(const InputStage& stage, const std::vector<Layer>& layers) {
    int64_t width = std::max(layers.front().n_in, stage.columns());
    for (const Layer& layer : layers) width = std::max(width, layer.n_out);
    return width;
}

int64_t biases_begin(const std::vector<Layer>& layers) {
    int64_t n = 0;
    for (const Layer& layer : layers) n += layer.n_in * layer.n_out;
    return n;
}

// What there is besides weights and biases, in whole panels: slopes of parametric layers, and the input stage's values,
// of which the tables stay where they lie.
template <typename Real>
class Extras {
    std::vector<std::vector<Real>> slopes_;
    std::vector<Real> cosines_, scales_;
    StageValues<Real> values_;

public:
    Extras(const InputStage& stage, const std::vector<Layer>& layers, const Real* parameters, int64_t panel) {
        int64_t at = biases_begin(layers);
        for (const Layer& layer : layers) at += layer.n_out;
        for (const Layer& layer : layers) {
            std::vector<Real>& slopes = slopes_.emplace_back();
            if (!layer.parametric) continue;
            slopes.resize(size_t(panels(layer.n_out, panel) * panel));
            std::copy_n(parameters + at, layer.n_out, slopes.begin());
            at += layer.n_out;
        }
        const int64_t block = stage.cosines().block;
        cosines_.resize(size_t(stage.numbers * block));
        scales_.resize(size_t(panels(stage.width(), panel) * panel));
        stage.walk(
            at,
            [&](int64_t n, int64_t j, int64_t offset, int64_t from) {
                std::copy_n(parameters + from, n, cosines_.begin() + j * block + offset);
            },
            [&](int64_t, int64_t, int64_t from) { values_.tables.push_back(parameters + from); },
            [&](int64_t n, int64_t from) { std::copy_n(parameters + from, n, scales_.begin()); });
        values_.cosines = cosines_.data();
        values_.scales = scales_.data();
    }

    Parametric<Real> parametric(size_t l) const { return {slopes_[l].empty() ? nullptr : slopes_[l].data(), nullptr}; }
    const StageValues<Real>& stage() const { return values_; }
};

// Rows of X as the first layer sees them, in `a`; `other` is another array of rows.
template <typename Real>
void gather_inputs(const InputStage& stage, const Extras<Real>& extras, const Rows& X, const int64_t* order, int64_t n,
                   const Kernels<Real>& kernels, std::vector<int32_t>& codes, Real* a, Real* other, ptrdiff_t stride) {
    if (!stage.is_there()) return kernels.gather(X, order, n, a, stride);
    kernels.gather(X, order, n, other, stride);
    codes.resize(size_t(n * stage.categories()));
    pass_input_stage(stage, kernels, extras.stage(), other, stride, n, codes.data(), a, a, stride);
}

template <typename Real>
void predict_by_row(const InputStage& stage, const std::vector<Layer>& layers, const Real* parameters, const Rows& X,
                    int64_t n_rows, bool softmax, Real* out, const Kernels<Real>& kernels) {
    const FlushSubnormals flush;
    const int64_t stride = treadle::stride<Real>(widest(stage, layers), kernels.panel);
    const Extras<Real> extras(stage, layers, parameters, kernels.panel);
    std::vector<int32_t> codes;
    std::vector<Real> buffers[2] = {std::vector<Real>(size_t(stride)), std::vector<Real>(size_t(stride))};
    const Real* const first_biases = parameters + biases_begin(layers);
    for (int64_t i = 0; i < n_rows; ++i) {
        Real *a = buffers[0].data(), *z = buffers[1].data();
        gather_inputs(stage, extras, X, &i, 1, kernels, codes, a, z, stride);
        const Real *weights = parameters, *biases = first_biases;
        for (size_t l = 0; l < layers.size(); ++l) {
            const Layer& layer = layers[l];
            kernels.multiply_row(a, weights, biases, layer.n_in, layer.n_out, z);
            kernels.activate(layer.activation, z, z, extras.parametric(l), {}, 1,
                             panels(layer.n_out, kernels.panel) * kernels.panel, stride);
            weights += layer.n_in * layer.n_out;
            biases += layer.n_out;
            std::swap(a, z);
        }
        const int64_t outputs = layers.back().n_out;
        if (softmax) kernels.softmax(a, 1, outputs, stride);
        std::memcpy(out + i * outputs, a, size_t(outputs) * sizeof(Real));
    }
}

}  // namespace

template <typename Real>
bool predict(const InputStage& stage, const std::vector<Layer>& layers, const Real* parameters, const Rows& X,
             int64_t n_rows, bool softmax, Real* out, int threads, const Kernels<Real>& kernels,
             const std::atomic<bool>& cancel) {
    if (n_rows < PACKED_FROM) {
        predict_by_row(stage, layers, parameters, X, n_rows, softmax, out, kernels);
        return true;
    }
    const int64_t panel = kernels.panel, outputs = layers.back().n_out;
    const int64_t chunks = ceil_divide(n_rows, CHUNK);
    threads = int(std::min(int64_t(threads), chunks));
    const Extras<Real> extras(stage, layers, parameters, panel);
    std::vector<std::vector<int32_t>> codes(static_cast<size_t>(threads));
    const int64_t stride = treadle::stride<Real>(widest(stage, layers), panel), rows_at_once = std::min(n_rows, CHUNK);
    int64_t n = 2 * threads * rows_at_once * stride;
    for (const Layer& layer : layers) n += (layer.n_in + 1) * panels(layer.n_out, panel) * panel;
    // Every array begins with a cache line.
    Arena<Real> arena(n + Arena<Real>::LINE * int64_t(2 * (layers.size() + size_t(threads))));
    std::vector<Buffer<Real>> weights, biases;
    const Real* bias = parameters + biases_begin(layers);
    for (const Layer& layer : layers) {
        const int64_t columns = panels(layer.n_out, panel) * panel;
        to_panels(parameters, layer.n_in, layer.n_out, panel,
                  weights.emplace_back(arena.numbers(layer.n_in * columns)).data());
        std::memcpy(biases.emplace_back(arena.numbers(columns)).data(), bias, size_t(layer.n_out) * sizeof(Real));
        parameters += layer.n_in * layer.n_out;
        bias += layer.n_out;
    }
    std::vector<Buffer<Real>> values;
    for (int t = 0; t < 2 * threads; ++t) values.emplace_back(arena.numbers(rows_at_once * stride));
    std::vector<std::vector<int64_t>> rows(static_cast<size_t>(threads));
    for (std::vector<int64_t>& of_thread : rows) of_thread.resize(size_t(CHUNK));
    // A phase is as many of the chunks as the threads' shares may have.
    std::vector<int64_t> counts(static_cast<size_t>(threads));
    int64_t first = 0, end = 0;
    const auto next = [&]() -> const int64_t* {
        if (end == chunks) return nullptr;
        first = end;
        end = std::min(chunks, first + LARGEST_SHARE * threads);
        for (int t = 0; t < threads; ++t) counts[size_t(t)] = share(end - first, t, threads).size();
        return counts.data();
    };
    run_phases(threads, next, [&](int owner, int64_t k, int thread) {
        if (cancel.load(std::memory_order_relaxed)) return;
        const int64_t c = first + share(end - first, owner, threads).begin + k;
        const int64_t begin = n_rows * c / chunks, n = n_rows * (c + 1) / chunks - begin;
        Real *a = values[size_t(2 * thread)].data(), *z = values[size_t(2 * thread + 1)].data();
        std::vector<int64_t>& order = rows[size_t(thread)];
        std::iota(order.begin(), order.begin() + n, begin);
        gather_inputs(stage, extras, X, order.data(), n, kernels, codes[size_t(thread)], a, z, stride);
        for (size_t l = 0; l < layers.size(); ++l) {
            const Layer& layer = layers[l];
            const int64_t count = panels(layer.n_out, panel);
            kernels.multiply(a, stride, n, layer.n_in, weights[l].data(), biases[l].data(), 0, count, z, stride);
            kernels.activate(layer.activation, z, z, extras.parametric(l), {}, n, count * panel, stride);
            std::swap(a, z);
        }
        if (softmax) kernels.softmax(a, n, outputs, stride);
        for (int64_t i = 0; i < n; ++i)
            std::memcpy(out + (begin + i) * outputs, a + i * stride, size_t(outputs) * sizeof(Real));
    });
    return !cancel.load(std::memory_order_relaxed);
}

template bool predict(const InputStage&, const std::vector<Layer>&, const float*, const Rows&, int64_t, bool, float*,
                      int, const Kernels<float>&, const std::atomic<bool>&);
template bool predict(const InputStage&, const std::vector<Layer>&, const double*, const Rows&, int64_t, bool, double*,
                      int, const Kernels<double>&, const std::atomic<bool>&);

}  // namespace treadle
