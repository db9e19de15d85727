// Training by epochs, on any number of threads to the same bits; see kernels.h for objective and memory layout.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/kernels.h"
#include "training/input_stage.h"

namespace treadle {

struct Layer {
    int64_t n_in, n_out;
    Activation activation;
    bool batch_norm;
    double dropout;
    bool parametric = false;
    Pace weights = {.decay = 1}, biases = {}, scales = {}, slopes = {};
};

// The optimizer, as treadle/optimizers has it: Adam, AdamW where weight_decay is not 0, or SGD.
struct Optimizer {
    Update update;
    double beta_1, beta_2, epsilon, weight_decay, momentum;
};

// What is trained, on what and how. The arrays that X and objective point to outlive the trainer.
template <typename Real>
struct Problem {
    std::vector<Layer> layers;
    Rows X;
    Augmentation augmentation;
    Objective<Real> objective;
    double l2;
    Optimizer optimizer;
    int64_t batch_size;
    uint64_t noise_seed;  // of dropout and augmentation
    int threads;
    InputStage stage = {};
};

enum class Outcome { finished, diverged, cancelled };

template <typename Real>
struct TrainingState;

// For float and double.
template <typename Real>
class Trainer {
public:
    Trainer(const Problem<Real>& problem, const Kernels<Real>& kernels);
    ~Trainer();

    // Takes the steps of some epochs, each with an order (n_rows,) of its own. Step s, counted through all of them, has
    // a learning rate and, unless `fades` is null, a factor of dropout and decay; losses[s] is the objective of its
    // batch before its update. Where a loss is NaN or infinite it returns `diverged`, that step's update not made;
    // where `cancel` becomes true it returns `cancelled` between two steps. `steps_taken` counts the updates that were
    // made.
    Outcome run_epochs(const int64_t* orders, int64_t n_epochs, int64_t n_rows, const double* learning_rates,
                       const double* fades, double* losses, const std::atomic<bool>& cancel, int64_t* steps_taken);

    // State, in the layout of treadle.network.Parameters: (P,) values, (P,) first and second moments, statistics
    // (running means, then running variances). Moments that the optimizer does not keep are not touched. With
    // Update::keep_gradient the first moment is the gradient.
    void read(Real* values, Real* first, Real* second, Real* statistics) const;
    void write(const Real* values, const Real* first, const Real* second, const Real* statistics, int64_t step);
    int64_t step() const;

private:
    std::unique_ptr<TrainingState<Real>> state_;
};

}  // namespace treadle
