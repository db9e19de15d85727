// The passes of l1_kernels.h over all rows, on several threads.
//
// Rows are cut into ranges by their number alone; each range has sums of its own, and these are added in the
// ranges' order: the bits do not depend on the number of threads.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/l1_kernels.h"

namespace treadle {

// M (stride, stride), both triangles' tiles on and below the diagonal, and b (stride) are overwritten; returns the gap.
// `scratch` is for the ranges' sums: kept from step to step, it costs no new pages.
double interior_normal(const InteriorRows& rows, double primal, double dual, double* M, double* b, int threads,
                       const L1Kernels& kernels, std::vector<double>& scratch);

// As L1Kernels::predict and step; sums (5) or (2) are overwritten.
void interior_predict(const InteriorRows& rows, const double* dw, double* sums, int threads, const L1Kernels& kernels);
void interior_step(const InteriorRows& rows, const double* dw, double* sums, int threads, const L1Kernels& kernels);

// b (stride) is overwritten.
void interior_correct(const InteriorRows& rows, double mu, double* b, int threads, const L1Kernels& kernels);

// All n rows of the request; `request.side` is written, and the sums are those of all.
ScreenSums screen_all(const ScreenRequest& request, int64_t n, int threads, const L1Kernels& kernels);

// The rows on another side than `request.side` says.
ScreenSums check_all(const ScreenRequest& request, int64_t n, int threads, const L1Kernels& kernels);

}  // namespace treadle
