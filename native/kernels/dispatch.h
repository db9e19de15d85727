// Finds the compiled kernels that the processor can run.
#pragma once

#include <string>
#include <vector>

#include "kernels/kernels.h"

namespace treadle {

// Of the processor and the operating system, by the names of /proc/cpuinfo: "avx2", "fma", "avx512f" ...
// Only those that matter to the choice.
std::vector<std::string> processor_features();

// The kernels that can run here, best first; the portable ones are last and always there. The processor is asked once:
// a virtual machine takes 50 microseconds to answer.
const std::vector<const Kernels*>& available_kernels();

// Those with products in bfloat16, best first; the emulated ones, for tests and trials, are last. Where the processor
// has AMX, this asks the operating system for it.
const std::vector<const Kernels*>& available_bfloat16_kernels();

// One of either, by its name; throws std::invalid_argument where there is none.
const Kernels& kernels_by_name(const std::string& name);

}  // namespace treadle
