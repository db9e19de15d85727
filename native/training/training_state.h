// The state of training: parameters and moments in the kernels' layout, and the values of the current batch.
#pragma once

#include <cstdint>
#include <vector>

#include "training/buffer.h"
#include "training/grid.h"
#include "kernels/kernels.h"
#include "training/trainer.h"

namespace treadle {

// Values and moments, of the sizes that the optimizer asks for.
template <typename Real>
struct TrainedArray {
    Buffer<Real> value, first, second;

    TrainedArray() = default;
    TrainedArray(Arena<Real>& arena, int64_t n, int moments)
        : value(arena.numbers(n)), first(moments > 0 ? arena.numbers(n, 17) : Buffer<Real>()),
          second(moments > 1 ? arena.numbers(n, 17) : Buffer<Real>()) {}

    Trained<Real> from(int64_t at) const { return Trained<Real>{value.data(), first.data(), second.data()}.from(at); }
};

// A layer with weights: its parameters, and its values for one batch.
template <typename Real>
struct LayerState {
    Layer shape;
    int64_t panels, stride, tiles;  // tiles: of one panel
    TrainedArray<Real> weights, biases, scales, slopes;
    Buffer<Real> forward, backward;    // W as operand, unless the kernels are direct; W^T, where something is below
    Buffer<Real> z, a;                 // (rows, stride): see kernels.h; a where f'(z) takes the place of z
    Buffer<Real> differences;          // with parametric activations: f(z) - z, then times dJ/dh
    Buffer<Real> d;                    // dJ/dz
    std::vector<uint8_t> kept[2];      // with dropout, as draw_kept leaves it: this batch's and the next one's
    Buffer<Real> left_output, left_d;  // output and d as operands, unless the kernels are direct
    std::vector<double> squares;       // with an L2 penalty: see Kernels::update_weights

    // With batch normalisation.
    Buffer<Real> u;                                       // (rows, stride): a W, then normalised
    Buffer<Real> inverse, scale_gradient, bias_gradient;  // see Kernels<Real>::normalise and normalise_backward
    Buffer<Real> running_mean, running_variance;
    Buffer<Real> moved_mean, moved_variance;  // the same as they will be, if the step is made

    const Real* operand() const { return forward.size() ? forward.data() : weights.value.data(); }
    Operands operands() const { return {forward.data(), backward.data()}; }

    // What the next layer sees.
    Real* output() const { return a.size() ? a.data() : z.data(); }

    // Of the values from a row and a column on, in step s, where dropout has `fade` of its rate.
    Dropout<Real> dropout(int64_t s, double fade, int64_t row, int64_t column) const {
        if (shape.dropout == 0) return {};
        return {kept[s & 1].data(), row * shape.n_out + column, shape.n_out, Real(1 / (1 - shape.dropout * fade))};
    }

    // Of the values at a place of the batch, in that column and on.
    Parametric<Real> parametric(int64_t at, int64_t column) const {
        if (!shape.parametric) return {};
        return {slopes.value.data() + column, differences.data() + at};
    }
};

// The input stage: its parameters, and its values for one batch.
template <typename Real>
struct StageState {
    int64_t panels = 0, stride = 0;
    TrainedArray<Real> cosines, scales;
    std::vector<TrainedArray<Real>> tables;
    std::vector<Buffer<Real>> table_gradients;
    Buffer<Real> joined, output, d;     // (rows, stride): before the factors and after; dJ by what is before
    Buffer<Real> left_output;           // as an operand, unless the kernels are direct
    std::vector<int32_t> codes;         // (rows, categories)
    std::vector<Buffer<Real>> scratch;  // of each thread: for combine_cosines_backward, and a gradient

    StageValues<Real> values() const {
        StageValues<Real> all{cosines.value.data(), {}, scales.value.data()};
        for (const TrainedArray<Real>& table : tables) all.tables.push_back(table.value.data());
        return all;
    }
};

// What a step's update goes by: the learning rate, what dropout and decay fade to, and Adam's corrections.
struct StepNumbers {
    double rate = 0, fade = 1, c_1 = 1, c_2 = 1;
};

// Rows of a batch as `multiply` takes them.
template <typename Real>
struct Factor {
    const Real* data;
    ptrdiff_t stride;
};

// All that training keeps from one step to the next, and what the units of a step's phases do with it.
template <typename Real>
struct TrainingState {
    const Problem<Real> problem;
    const Kernels<Real>& kernels;
    Arena<Real> arena;
    std::vector<LayerState<Real>> layers;
    StageState<Real> stage;
    int64_t input_stride;
    Buffer<Real> inputs[2], left_inputs[2];  // this batch's and the next one's
    std::vector<Buffer<Real>> scratch;       // of each thread
    std::vector<double> losses;
    int64_t step = 0;

    TrainingState(const Problem<Real>& given, const Kernels<Real>& kernels);

    void allocate_stage(int moments);

    // See Trainer.
    void read(Real* values, Real* first, Real* second, Real* statistics) const;
    void write(const Real* values, const Real* first, const Real* second, const Real* statistics, int64_t steps_taken);

    LayerState<Real>& last() { return layers.back(); }
    size_t hidden() const { return layers.size() - 1; }
    bool has_stage() const { return problem.stage.is_there(); }
    const Real* below(size_t l, int64_t s) const {
        return l ? layers[l - 1].output() : has_stage() ? stage.output.data() : inputs[s & 1].data();
    }
    ptrdiff_t below_stride(size_t l) const {
        return l ? layers[l - 1].stride : has_stage() ? stage.stride : input_stride;
    }
    const Buffer<Real>& left_below(size_t l, int64_t s) const {
        return l ? layers[l - 1].left_output : has_stage() ? stage.left_output : left_inputs[s & 1];
    }

    // Values (rows, stride) from a row on, or `left`, their operand, as `multiply` takes them.
    Factor<Real> factor(const Real* values, ptrdiff_t stride, const Buffer<Real>& left, int64_t row) const {
        return kernels.direct ? Factor<Real>{values + row * stride, stride}
                              : Factor<Real>{left.data() + row * kernels.left_row, problem.batch_size};
    }
    // Keeps such an operand of a unit's values, unless the kernels are direct.
    void round(const Real* values, ptrdiff_t stride, int64_t columns, const Buffer<Real>& left,
               const Grid::Unit& unit) const {
        if (!kernels.direct)
            kernels.round_rows(values + unit.begin * stride, stride, unit.end - unit.begin,
                               unit.panel_begin * kernels.panel, unit.panel_end * kernels.panel, columns,
                               left.data() + unit.begin * kernels.left_row, problem.batch_size);
    }

    StepNumbers numbers_of(int64_t step, double learning_rate, double fade) const;
    Step<Real> rule_of(const StepNumbers& numbers, const Pace& pace) const;

    // What the units of the phases do; `s` is the number of the step in its epochs, n the rows of its batch, `fade`
    // what dropout has of its rate.
    void prepare(const int64_t* rows, int64_t begin, int64_t end, int64_t s, double fade);
    void forward_stage(int64_t s, int64_t begin, int64_t end);
    void forward(size_t l, int64_t n, int64_t s, double fade, const Grid::Unit& unit);
    void output_and_loss(const int64_t* rows, int64_t begin, int64_t end, double total, int64_t s);
    void backward(size_t l, int64_t n, int64_t s, double fade, const Grid::Unit& unit);
    void backward_stage(const Grid::Unit& unit);
    void update(size_t l, const StepNumbers& numbers, int64_t n, int64_t s, const Grid::Unit& unit, Real* scratch);
    void update_stage(int64_t unit, const StepNumbers& numbers, int64_t n, int64_t s, int thread);
    int64_t stage_units() const;
    double total_weight(const int64_t* rows, int64_t n) const;
    double penalty() const;
};

}  // namespace treadle
