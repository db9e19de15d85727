// Checks each function of the tables in kernels.h and l1_kernels.h, and the code built on them.
#pragma once

#include "kernels/kernels.h"
#include "comparison.h"

namespace treadle {

using Check = void (*)(const Kernels&, Random&, Comparison&);

// check_products.cpp; check_multiply has round_rows in it.
void check_multiply(const Kernels&, Random&, Comparison&);
void check_write_operands(const Kernels&, Random&, Comparison&);
void check_multiply_row(const Kernels&, Random&, Comparison&);

// check_updates.cpp
void check_update_weights(const Kernels&, Random&, Comparison&);
void check_update_biases(const Kernels&, Random&, Comparison&);
void check_update_columns(const Kernels&, Random&, Comparison&);

// check_rows.cpp
void check_gather(const Kernels&, Random&, Comparison&);
void check_activate(const Kernels&, Random&, Comparison&);
void check_activate_backward(const Kernels&, Random&, Comparison&);
void check_multiply_elements(const Kernels&, Random&, Comparison&);
void check_normalise(const Kernels&, Random&, Comparison&);
void check_normalise_backward(const Kernels&, Random&, Comparison&);

// check_losses.cpp
void check_loss(const Kernels&, Random&, Comparison&);
void check_softmax(const Kernels&, Random&, Comparison&);

// check_l1_interior.cpp
void check_l1_normal(const Kernels&, Random&, Comparison&);
void check_l1_predict(const Kernels&, Random&, Comparison&);
void check_l1_correct(const Kernels&, Random&, Comparison&);
void check_l1_step(const Kernels&, Random&, Comparison&);

// check_l1_screen.cpp
void check_l1_screen(const Kernels&, Random&, Comparison&);
void check_l1_check(const Kernels&, Random&, Comparison&);

// check_training.cpp: whole steps against the portable table, any number of threads to the same bits, subnormal
// numbers flushed in the threads and nowhere else, every unit of a phase done once.
void check_training(const Kernels&, Random&, Comparison&);
void check_predict(const Kernels&, Random&, Comparison&);
void check_flush(const Kernels&, Random&, Comparison&);
void check_phases(const Kernels&, Random&, Comparison&);

}  // namespace treadle
