#include "kernels/kernels_table.h"

namespace treadle {

static constexpr Kernels<real> kernels = table("neon");

template <>
const Kernels<real>* kernels_neon<real>() {
    return &kernels;
}

}  // namespace treadle
