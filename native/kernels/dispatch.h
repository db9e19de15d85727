// Finds the compiled kernels that the processor can run.
#pragma once

#include <string>
#include <vector>

#include "kernels/kernels.h"

namespace treadle {

// Of the processor and the operating system, by the names of /proc/cpuinfo: "avx2", "fma", "avx512f" ...
// Only those that matter to the choice.
std::vector<std::string> processor_features();

// The kernels of float or double that can run here, best first; the portable ones are last and always there. The
// processor is asked once: a virtual machine takes 50 microseconds to answer.
template <typename Real>
const std::vector<const Kernels<Real>*>& available_kernels();

// Those with products in bfloat16, best first; the emulated ones, for tests and trials, are last. Where the processor
// has AMX, this asks the operating system for it.
const std::vector<const Kernels<float>*>& available_bfloat16_kernels();

// One of these by its name; throws std::invalid_argument where there is none.
template <typename Real>
const Kernels<Real>& kernels_by_name(const std::string& name);

}  // namespace treadle
