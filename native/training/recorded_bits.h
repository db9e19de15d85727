// Small trainings and predictions, each with an option more, and a hash of the bits that they gave where it was
// recorded.
//
// Every processor gives these bits; kernels.h says why, and what is left out: products in bfloat16.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/kernels.h"

namespace treadle {

struct RecordedBits {
    std::string option;
    uint64_t recorded;
};

// All options; where they stand in it is their number.
const std::vector<RecordedBits>& recorded_bits();

// The hash of what the option of that number gives with some kernels: parameters, moments, statistics, losses and
// predictions.
uint64_t bits_here(size_t option, const Kernels<float>& kernels);

}  // namespace treadle
