// The table of functions that each processor's code fills, for the trainer and the predictor.
//
// The objective. For a batch of N rows, a_0 = X scale + offset, and for each layer l = 1 .. L
//
//     z_l = a_(l-1) W_l + b_l,   h_l = f_l(z_l),   a_l = h_l mask_l,
//     J = sum_i c_i loss(z_L[i], y[i]) / sum_i c_i + l2 / 2 sum_l ||W_l||^2,
//
// the equations of treadle/engines/numpy_engine.py, which specifies what is computed here, to rounding.
//
// Memory layout.
//
//     rows      A batch of a layer's values is a row-major array; a row takes `stride(n)` numbers: n rounded up
//               to whole panels, and then to an odd number of cache lines, so that no two rows of a column
//               meet in one set of the cache. Columns from n on are scratch.
//     panels    Weights (n_in, n_out) are cut into panels of `panel` columns: panel p is a contiguous
//               (n_in, panel) block that holds the columns p * panel and on, zero where there is no column.
//               Moments lie in the same layout. The transposed weights, kept for every layer but the first,
//               are the panels of W^T.
//     columns   What there is one of for each unit (biases, scales, running means ...) is padded to whole
//               panels with zeros.
//     operands  What `multiply` takes: rows and panels themselves, or, in bfloat16, copies that lie as
//               bfloat16.h describes.
//
// Bits. Every element of a product is one chain of fused multiply-adds in ascending order of the inner index, from
// zero, and in bfloat16 that of matrix_bfloat16.h; sums over the rows of a batch go in ascending order of the rows, and
// others as lane_sums.h says. So a result does not depend on how the work is cut into tiles, nor on the number of
// threads, nor on the table, unless that has products in bfloat16 or is the portable one in float64, which rounds a
// multiply-add twice. Two things are left to the processor: what NaN it makes, and a result within 2^-151 below 2^-126,
// which x86 rounds up to that and Arm flushes to 0.
//
// Numbers are float32 or float64, `Real`: parameters, moments, values and gradients alike.
//
// These functions check nothing: shapes and numbers are the callers' business.
#pragma once

#include <cstddef>
#include <cstdint>

namespace treadle {

enum class Activation { identity, relu, tanh, logistic, gelu, silu, selu, mish };
enum class Loss { cross_entropy, binary_cross_entropy, squared, absolute, huber, poisson };
enum class Update { adam, momentum, nesterov, plain, keep_gradient };
enum class Number { uint8, float32, float64 };

// The rows of a user's array: element (i, j) lies at data + i * row_bytes + j * column_bytes. Or, where there are
// `starts`, its compressed rows: element p of data, for starts[i] <= p < starts[i + 1], is of row i and is added to
// column indices[p], and what is not stored is 0.
struct Rows {
    const void* data;
    Number type;
    ptrdiff_t row_bytes, column_bytes;
    int64_t columns;
    double scale, offset;  // the network sees x * scale + offset
    const int64_t* starts = nullptr;
    const int32_t* indices = nullptr;
};

// Images whose pixels move as their rows are gathered; see treadle/engines/augmentation.py.
struct Augmentation {
    int64_t height, width;  // 0: none
    bool flip;
    int64_t shift;
};

// What dropout does to a block of a layer's values: the one in row i and column j is multiplied by `factor` where bit
// first + i * row_bits + j of `kept` is 1, the lowest bit of a byte first, and by 0 else. Null: nothing. Up to four
// bytes are read from where a bit is, and so past the last.
template <typename Real>
struct Dropout {
    const uint8_t* kept = nullptr;
    int64_t first = 0, row_bits = 0;
    Real factor = 1;
};

// Parametric activations of a block: z + k (f(z) - z), where k is a slope for each column, the first one's first.
// `differences` is where f(z) - z goes, in training. Null: f(z) itself.
template <typename Real>
struct Parametric {
    const Real* slopes = nullptr;
    Real* differences = nullptr;
};

// The embedding of numbers: combinations of the cosines of each. The parameters of one are a block of `block` numbers:
// frequencies, phases, combinations (frequencies, combinations), their biases, and zeros.
struct Cosines {
    int64_t frequencies, combinations, block;
};

template <typename Real>
struct Objective {
    Loss loss;
    double label_smoothing, huber_delta;
    int64_t outputs;
    const int64_t* labels;  // (rows of X,), or
    const Real* targets;    // (rows of X, outputs)
    const Real* weights;    // (rows of X,) or null
};

// One step's update. `rate` and `epsilon` hold Adam's corrections already: see optimizers.h.
template <typename Real>
struct Step {
    Update update;
    Real beta_1, rest_1, beta_2, rest_2, epsilon, momentum, rate;  // rest_1 = 1 - beta_1
    Real shrink;                                                   // AdamW: weights are multiplied by this first
    Real l2;
};

// Values and moments of the same layout; `second` is null where the update keeps but one moment or none, and
// with Update::keep_gradient the gradient is written to `first`.
template <typename Real>
struct Trained {
    Real *value, *first, *second;

    Trained from(int64_t at) const {
        return {value + at, first ? first + at : nullptr, second ? second + at : nullptr};
    }
};

// Where the weights of a layer lie as operands of `multiply`: W to go forward, W^T to go backward. Null: nowhere.
struct Operands {
    void *forward, *backward;
};

struct L1Kernels;  // l1_kernels.h

template <typename Real>
struct Kernels {
    const char* name;
    int64_t panel;                        // columns of a panel
    int64_t tile_rows;                    // rows of weights that are updated together
    int64_t square_rows, square_columns;  // a tile is whole blocks of these, whose squares are summed together

    // `multiply` takes rows as they are, and goes forward with the weights' panels: only W^T is kept as an operand.
    bool direct;
    int64_t left_row;  // numbers from a row of a batch's operand to the next one

    // Sizes in numbers: of the operand of a batch's values (rows, columns), unless direct; of that of weights
    // (inner, columns); and of the scratch that update_weights asks for, given so many rows.
    int64_t (*left_size)(int64_t rows, int64_t columns);
    int64_t (*right_size)(int64_t inner, int64_t columns);
    int64_t (*scratch_size)(int64_t rows);

    // out[i] = the row of X whose number is order[i], as the network sees it, for 0 <= i < n.
    void (*gather)(const Rows& X, const int64_t* order, int64_t n, Real* out, ptrdiff_t out_stride);

    // Unless direct: columns begin <= j < end of a batch's values, of which there are `columns`, into their operand,
    // which is for `capacity` rows and zero at first. `begin` and `end` are whole panels' ends; A and `left` are where
    // the first row begins.
    void (*round_rows)(const Real* A, ptrdiff_t A_stride, int64_t rows, int64_t begin, int64_t end, int64_t columns,
                       Real* left, int64_t capacity);

    // C[:, panels] = A W[:, panels] + bias[panels], for `rows` rows from A and C; bias may be null. W is an operand,
    // and so is A, whose stride is then its capacity.
    void (*multiply)(const void* A, ptrdiff_t A_stride, int64_t rows, int64_t inner, const void* W, const Real* bias,
                     int64_t panel_begin, int64_t panel_end, Real* C, ptrdiff_t C_stride);

    // The weights' gradient A^T D and their update in one, for tiles of some panels: tile t is rows t * tile_rows and
    // on of a panel; and their new values in the operands that there are. Where `squares` is not null, the sums of
    // squared weights as they were, each of a block of square_rows x square_columns, go there: all blocks of the first
    // square_columns from the top down, then those of the next. A is read up to 32 columns past its last.
    void (*update_weights)(const Step<Real>& step, const Real* A, ptrdiff_t A_stride, const Real* D, ptrdiff_t D_stride,
                           int64_t rows, int64_t n_in, int64_t n_out, int64_t panel_begin, int64_t panel_end,
                           int64_t tile_begin, int64_t tile_end, Trained<Real> weights, Operands operands,
                           double* squares, Real* scratch);

    // Tiles of some panels of W (n_in, n_out), as they are, into the operands that there are.
    void (*write_operands)(const Real* W, int64_t n_in, int64_t n_out, int64_t panel_begin, int64_t panel_end,
                           int64_t tile_begin, int64_t tile_end, Operands operands);

    // The gradient of what is added to each unit, the sum of D's rows, and its update, for some panels.
    void (*update_biases)(const Step<Real>& step, const Real* D, ptrdiff_t D_stride, int64_t rows, int64_t columns,
                          Trained<Real> biases);

    // The update of some panels of values whose gradient is given.
    void (*update_columns)(const Step<Real>& step, const Real* gradient, int64_t columns, Trained<Real> values);

    // out = f(z) times dropout's factors, on a block of rows x panels; and z becomes f'(z). Or, where out is z, z becomes
    // f(z), without dropout. With parametric activations f is the mean that they are.
    void (*activate)(Activation f, Real* z, Real* out, const Parametric<Real>& parametric, const Dropout<Real>& dropout,
                     int64_t rows, int64_t columns, ptrdiff_t stride);

    // d *= f'(z), given h = f(z), where f'(z) is a function of that.
    void (*activate_backward)(Activation f, Real* d, const Real* h, int64_t rows, int64_t columns, ptrdiff_t stride);

    // d times dropout's factors, and then times f'(z). Before the latter, where there are `differences`, they are
    // multiplied by d: their sums over the rows are then the gradient of the slopes.
    void (*multiply_by_derivatives)(Real* d, const Real* derivatives, Real* differences, const Dropout<Real>& dropout,
                                    int64_t rows, int64_t columns, ptrdiff_t stride);

    // out (rows, columns * combinations) = combinations of the cosines of the first columns of X.
    void (*combine_cosines)(const Cosines& shape, const Real* parameters, int64_t columns, const Real* X,
                            ptrdiff_t X_stride, int64_t rows, Real* out, ptrdiff_t out_stride);

    // The gradient, a block, of the parameters of one number, whose values x are in a column of X and the derivatives
    // by its combinations in columns of d. `scratch` takes 1 + combinations numbers a row, and as many as 16 rows more.
    void (*combine_cosines_backward)(const Cosines& shape, const Real* parameters, const Real* x, ptrdiff_t X_stride,
                                     int64_t rows, const Real* d, ptrdiff_t d_stride, Real* gradient, Real* scratch);

    // out = a times a factor for each column, on a block.
    void (*scale_columns)(const Real* a, const Real* scales, Real* out, int64_t rows, int64_t columns,
                          ptrdiff_t stride);

    // a *= d, whose sums over the rows are then the gradient of the factors; and d times the factors.
    void (*scale_columns_backward)(Real* d, Real* a, const Real* scales, int64_t rows, int64_t columns,
                                   ptrdiff_t stride);

    // Some panels of batch normalisation: u becomes (u - mean) / sqrt(variance + epsilon), z = scale u + bias.
    // Leaves 1 / sqrt(variance + epsilon) in `inverse`, and moves the running mean and variance.
    void (*normalise)(Real* u, Real* z, int64_t rows, int64_t columns, ptrdiff_t stride, const Real* scale,
                      const Real* bias, Real epsilon, Real momentum, Real* inverse, Real* running_mean,
                      Real* running_variance);

    // Some panels: given dJ/dz in d and the normalised u, leaves dJ/du in d, and the gradient of the scale. That of the
    // bias is the sum of d's rows before, left in `bias_gradient`.
    void (*normalise_backward)(Real* d, const Real* u, int64_t rows, int64_t columns, ptrdiff_t stride,
                               const Real* scale, const Real* inverse, Real* scale_gradient, Real* bias_gradient);

    // For row_begin <= i < row_end of the batch: losses[i] is the loss of row i times its weight, and d its derivative
    // with respect to the logits times weight / total; columns from `outputs` to the end of the last panel are 0.
    void (*loss)(const Objective<Real>& objective, const int64_t* order, double total, int64_t row_begin,
                 int64_t row_end, const Real* logits, Real* d, ptrdiff_t stride, double* losses);

    // logits become softmax(logits), row by row.
    void (*softmax)(Real* logits, int64_t rows, int64_t columns, ptrdiff_t stride);

    // One row through one layer whose weights lie unpacked, (n_in, n_out) row-major: z = a W + b. Rows of W whose
    // a is 0 are not read. n_out numbers of z and no more are written.
    void (*multiply_row)(const Real* a, const Real* W, const Real* b, int64_t n_in, int64_t n_out, Real* z);

    // The passes of the exact L1 regression, in float64; else null.
    const L1Kernels* l1;
};

// Processors' own tables, of float32 and of float64; null where the compiler could not make them. See dispatch.h for
// which may run.
template <typename Real>
const Kernels<Real>* kernels_portable();
template <typename Real>
const Kernels<Real>* kernels_avx2();
template <typename Real>
const Kernels<Real>* kernels_avx512();
template <typename Real>
const Kernels<Real>* kernels_neon();
template <>
const Kernels<float>* kernels_portable();
template <>
const Kernels<double>* kernels_portable();

// The same of float32 with products in bfloat16.
extern const Kernels<float>* const kernels_amx;
extern const Kernels<float>* const kernels_avx512_bf16;
extern const Kernels<float>* const kernels_emulated;

}  // namespace treadle
