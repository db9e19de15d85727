// Prediction with a plain network (no batch normalisation, which folds into the weights).
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "kernels/kernels.h"
#include "training/trainer.h"

namespace treadle {

// The logits of n_rows rows of X, or their softmax, into out (n_rows, outputs), row-major.
//
// `parameters` is the flat array of treadle.network.Parameters. A few rows are computed by the caller's thread from
// the weights as they lie; for more, the weights are packed once and up to `threads` threads share the rows. An
// output does not depend on the number of threads. For float and double. Returns false where `cancel` became true.
template <typename Real>
bool predict(const InputStage& stage, const std::vector<Layer>& layers, const Real* parameters, const Rows& X,
             int64_t n_rows, bool softmax, Real* out, int threads, const Kernels<Real>& kernels,
             const std::atomic<bool>& cancel);

}  // namespace treadle
