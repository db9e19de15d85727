// A step, by phases (threads.h), each cut into units:
//
//     stage         with an input stage: what it makes of the rows; a unit is some of them
//     forward l     for each hidden layer: z_l and a_l; a unit is some of the layer's panels      (all rows)
//     loss          logits, losses and dJ/dlogits; a unit is some of the rows
//     backward l    dJ/dz_l for each hidden layer, last to first; a unit is some of its panels    (all rows)
//     stage back    with an input stage: dJ by its output; a unit is some of its panels               (all rows)
//     update        every layer's weights, moments and operands: the gradient exists in registers only;
//                   and the rows, pixels and dropout of the next batch
//
// A thread's share has the same panels of a layer in every phase, so that weights and moments stay in its processor's
// cache. Where a layer's panels cannot be shared out evenly, a unit is part of the rows, or of the weights, of a panel;
// batch normalisation needs all rows of a column in one unit.
#include "training/trainer.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "training/grid.h"
#include "threads.h"
#include "training/training_state.h"

namespace treadle {

namespace {

// Has the rows that the next batch takes on their way from main memory: they lie all over X. Where a row's
// values do not lie side by side there is too much to fetch, and where they are compressed it is not known how much.
void fetch_early(const Rows& X, const int64_t* rows, int64_t n) {
    if (X.starts || X.column_bytes < 1 || X.column_bytes > ptrdiff_t(sizeof(double))) return;
    for (int64_t i = 0; i < n; ++i) {
        const char* row = static_cast<const char*>(X.data) + rows[i] * X.row_bytes;
        for (int64_t byte = 0; byte < X.columns * X.column_bytes; byte += 64) __builtin_prefetch(row + byte, 0, 2);
    }
}

// Epochs in progress: which phase of which step they are at. Steps are counted through all of them.
template <typename Real>
class Epochs {
public:
    Epochs(TrainingState<Real>& state, const int64_t* orders, int64_t n_epochs, int64_t n_rows,
           const double* learning_rates, const double* fades, double* losses, const std::atomic<bool>& cancel)
        : state_(state), orders_(orders), n_rows_(n_rows), rates_(learning_rates), fades_(fades), losses_(losses),
          cancel_(cancel), threads_(state.problem.threads), hidden_(state.hidden()), batch_(state.problem.batch_size),
          of_epoch_(ceil_divide(n_rows, batch_)), steps_(n_epochs * of_epoch_), counts_(size_t(threads_)) {}

    int64_t steps_taken() const { return step_; }
    Outcome outcome() const { return outcome_; }

    // Closes the phase that is done and opens the next one; null where all is done.
    const int64_t* next() {
        switch (phase_) {
            case Phase::start:
                if (steps_ == 0) return nullptr;
                phase_ = Phase::prepare;
                break;
            case Phase::prepare: open_step(); break;
            case Phase::stage: phase_ = hidden_ > 0 ? Phase::forward : Phase::loss; break;
            case Phase::forward:
                if (++layer_ == hidden_) phase_ = Phase::loss;
                break;
            case Phase::loss:
                losses_[step_] = loss();
                if (!std::isfinite(losses_[step_])) {
                    outcome_ = Outcome::diverged;
                    return nullptr;
                }
                phase_ = layer_ > 0 ? Phase::backward : after_backward();
                if (layer_ > 0) --layer_;
                break;
            case Phase::backward:
                if (layer_-- == 0) phase_ = after_backward();
                break;
            case Phase::stage_back: phase_ = Phase::update; break;
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
        const int64_t* rows = rows_of(step_);
        switch (phase_) {
            case Phase::start: break;
            case Phase::prepare: prepare(step_, owner, k); break;
            case Phase::stage: {
                const Grid::Unit unit = grids_[0].unit(k, owner, threads_);
                state_.forward_stage(step_, unit.begin, unit.end);
                break;
            }
            case Phase::forward:
                state_.forward(layer_, n_, step_, numbers_.fade, grids_[0].unit(k, owner, threads_));
                break;
            case Phase::loss: {
                const Grid::Unit unit = grids_[0].unit(k, owner, threads_);
                state_.output_and_loss(rows, unit.begin, unit.end, total_, step_);
                break;
            }
            case Phase::backward:
                state_.backward(layer_, n_, step_, numbers_.fade, grids_[0].unit(k, owner, threads_));
                break;
            case Phase::stage_back: state_.backward_stage(grids_[0].unit(k, owner, threads_)); break;
            case Phase::update:
                for (size_t l = 0; l < grids_.size(); ++l) {
                    const int64_t units = grids_[l].units(owner, threads_);
                    if (k < units)
                        return state_.update(l, numbers_, n_, step_, grids_[l].unit(k, owner, threads_),
                                             state_.scratch[size_t(thread)].data());
                    k -= units;
                }
                if (const Share mine = share(state_.stage_units(), owner, threads_); k < mine.size())
                    return state_.update_stage(mine.begin + k, numbers_, n_, step_, thread);
                else
                    k -= mine.size();
                prepare(step_ + 1, owner, k);
                break;
        }
    }

private:
    enum class Phase { start, prepare, stage, forward, loss, backward, stage_back, update };

    // The batch of a step: how many rows, and which.
    int64_t size_of(int64_t step) const { return std::min(batch_, n_rows_ - step % of_epoch_ * batch_); }
    const int64_t* rows_of(int64_t step) const {
        return orders_ + step / of_epoch_ * n_rows_ + step % of_epoch_ * batch_;
    }

    double fade_of(int64_t step) const { return fades_ ? fades_[step] : 1; }
    Phase after_backward() const { return state_.has_stage() ? Phase::stage_back : Phase::update; }

    // Rows of a batch as units: pieces of one panel.
    Grid grid_of_rows(int64_t n) const { return Grid(1, 1, 1, n, threads_, true); }

    void open_step() {
        n_ = size_of(step_);
        total_ = state_.total_weight(rows_of(step_), n_);
        numbers_ = state_.numbers_of(state_.step + step_ + 1, rates_[step_], fade_of(step_));
        layer_ = 0;
        phase_ = state_.has_stage() ? Phase::stage : hidden_ > 0 ? Phase::forward : Phase::loss;
    }

    double loss() const {
        const double sum = std::accumulate(state_.losses.begin(), state_.losses.begin() + n_, 0.0);
        return total_ > 0 ? sum / total_ : 0.0;
    }

    void prepare(int64_t step, int owner, int64_t k) {
        const Grid::Unit unit = grid_of_rows(size_of(step)).unit(k, owner, threads_);
        state_.prepare(rows_of(step), unit.begin, unit.end, step, fade_of(step));
        if (step + 1 < steps_ && unit.begin < size_of(step + 1))
            fetch_early(state_.problem.X, rows_of(step + 1) + unit.begin,
                        std::min(unit.end, size_of(step + 1)) - unit.begin);
    }

    void count_units() {
        grids_.clear();
        switch (phase_) {
            case Phase::start: break;
            case Phase::prepare: break;
            case Phase::stage:
            case Phase::loss: grids_.push_back(grid_of_rows(n_)); break;
            case Phase::stage_back:
                grids_.emplace_back(state_.stage.panels, LARGEST_GROUP, 4 * threads_, n_, threads_, true);
                break;
            case Phase::forward:
            case Phase::backward: {
                const LayerState<Real>& layer = state_.layers[layer_];
                grids_.emplace_back(layer.panels, LARGEST_GROUP, 4 * threads_, n_, threads_, !layer.shape.batch_norm);
                break;
            }
            case Phase::update:
                // Where columns of A must be rounded for each group, the fewest groups.
                for (const LayerState<Real>& layer : state_.layers)
                    grids_.emplace_back(layer.panels, LARGEST_GROUP, (state_.kernels.direct ? 4 : 1) * threads_,
                                        layer.tiles, threads_, true);
                break;
        }
        const int64_t prepared = phase_ == Phase::prepare ? step_ : phase_ == Phase::update ? step_ + 1 : steps_;
        for (int t = 0; t < threads_; ++t) {
            counts_[size_t(t)] = prepared < steps_ ? grid_of_rows(size_of(prepared)).units(t, threads_) : 0;
            for (const Grid& grid : grids_) counts_[size_t(t)] += grid.units(t, threads_);
            if (phase_ == Phase::update) counts_[size_t(t)] += share(state_.stage_units(), t, threads_).size();
        }
    }

    // Panels of a unit: enough for a tile's columns to be used several times, few enough to be shared out.
    static constexpr int64_t LARGEST_GROUP = 8;

    TrainingState<Real>& state_;
    const int64_t* const orders_;
    const int64_t n_rows_;
    const double* const rates_;
    const double* const fades_;
    double* const losses_;
    const std::atomic<bool>& cancel_;
    const int threads_;
    const size_t hidden_;
    const int64_t batch_, of_epoch_, steps_;

    Phase phase_ = Phase::start;
    size_t layer_ = 0;
    int64_t step_ = 0, n_ = 0;
    double total_ = 0;
    StepNumbers numbers_;
    Outcome outcome_ = Outcome::finished;
    std::vector<Grid> grids_;
    std::vector<int64_t> counts_;
};

}  // namespace

template <typename Real>
Trainer<Real>::Trainer(const Problem<Real>& problem, const Kernels<Real>& kernels)
    : state_(std::make_unique<TrainingState<Real>>(problem, kernels)) {}

template <typename Real>
Trainer<Real>::~Trainer() = default;

template <typename Real>
int64_t Trainer<Real>::step() const {
    return state_->step;
}

template <typename Real>
void Trainer<Real>::read(Real* values, Real* first, Real* second, Real* statistics) const {
    state_->read(values, first, second, statistics);
}

template <typename Real>
void Trainer<Real>::write(const Real* values, const Real* first, const Real* second, const Real* statistics,
                          int64_t step) {
    state_->write(values, first, second, statistics, step);
}

template <typename Real>
Outcome Trainer<Real>::run_epochs(const int64_t* orders, int64_t n_epochs, int64_t n_rows, const double* learning_rates,
                                  const double* fades, double* losses, const std::atomic<bool>& cancel,
                                  int64_t* steps_taken) {
    Epochs<Real> epochs(*state_, orders, n_epochs, n_rows, learning_rates, fades, losses, cancel);
    run_phases(
        state_->problem.threads, [&] { return epochs.next(); },
        [&](int owner, int64_t k, int thread) { epochs.work(owner, k, thread); });
    *steps_taken = epochs.steps_taken();
    state_->step += *steps_taken;
    return epochs.outcome();
}

template class Trainer<float>;
template class Trainer<double>;

}  // namespace treadle
