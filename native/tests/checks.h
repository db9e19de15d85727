// Checks each function of the tables in kernels.h and l1_kernels.h, and the code built on them, in float32 and float64.
//
// Loops in double precision are what float64 is checked against as well: tolerances are of both.
#pragma once

#include "kernels/kernels.h"
#include "comparison.h"

namespace treadle {

template <typename Real>
using Check = void (*)(const Kernels<Real>&, Random&, Comparison&);

// check_products.cpp; check_multiply has round_rows in it.
template <typename Real>
void check_multiply(const Kernels<Real>&, Random&, Comparison&);
template <typename Real>
void check_write_operands(const Kernels<Real>&, Random&, Comparison&);
template <typename Real>
void check_multiply_row(const Kernels<Real>&, Random&, Comparison&);

// check_updates.cpp
template <typename Real>
void check_update_weights(const Kernels<Real>&, Random&, Comparison&);
template <typename Real>
void check_update_biases(const Kernels<Real>&, Random&, Comparison&);
template <typename Real>
void check_update_columns(const Kernels<Real>&, Random&, Comparison&);

// check_rows.cpp
template <typename Real>
void check_gather(const Kernels<Real>&, Random&, Comparison&);
template <typename Real>
void check_activate(const Kernels<Real>&, Random&, Comparison&);
template <typename Real>
void check_activate_backward(const Kernels<Real>&, Random&, Comparison&);
template <typename Real>
void check_multiply_by_derivatives(const Kernels<Real>&, Random&, Comparison&);
template <typename Real>
void check_normalise(const Kernels<Real>&, Random&, Comparison&);
template <typename Real>
void check_normalise_backward(const Kernels<Real>&, Random&, Comparison&);

// check_input_stage.cpp
template <typename Real>
void check_combine_cosines(const Kernels<Real>&, Random&, Comparison&);
template <typename Real>
void check_combine_cosines_backward(const Kernels<Real>&, Random&, Comparison&);
template <typename Real>
void check_scale_columns(const Kernels<Real>&, Random&, Comparison&);
template <typename Real>
void check_scale_columns_backward(const Kernels<Real>&, Random&, Comparison&);

// check_losses.cpp
template <typename Real>
void check_loss(const Kernels<Real>&, Random&, Comparison&);
template <typename Real>
void check_softmax(const Kernels<Real>&, Random&, Comparison&);

// check_l1_interior.cpp
void check_l1_normal(const Kernels<double>&, Random&, Comparison&);
void check_l1_predict(const Kernels<double>&, Random&, Comparison&);
void check_l1_correct(const Kernels<double>&, Random&, Comparison&);
void check_l1_step(const Kernels<double>&, Random&, Comparison&);

// check_l1_screen.cpp
void check_l1_screen(const Kernels<double>&, Random&, Comparison&);
void check_l1_check(const Kernels<double>&, Random&, Comparison&);

// check_training.cpp: whole steps against the portable table, any number of threads to the same bits, subnormal
// numbers flushed in the threads and nowhere else, every unit of a phase done once.
template <typename Real>
void check_training(const Kernels<Real>&, Random&, Comparison&);
template <typename Real>
void check_predict(const Kernels<Real>&, Random&, Comparison&);
template <typename Real>
void check_flush(const Kernels<Real>&, Random&, Comparison&);
template <typename Real>
void check_phases(const Kernels<Real>&, Random&, Comparison&);

}  // namespace treadle
