#include "kernels/kernels_table.h"

namespace treadle {

static constexpr Kernels<real> kernels = table("avx2");

template <>
const Kernels<real>* kernels_avx2<real>() {
    return &kernels;
}

}  // namespace treadle
