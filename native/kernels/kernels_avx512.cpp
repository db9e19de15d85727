#include "kernels/kernels_table.h"

namespace treadle {

static constexpr Kernels<real> kernels = table("avx512");

template <>
const Kernels<real>* kernels_avx512<real>() {
    return &kernels;
}

}  // namespace treadle
