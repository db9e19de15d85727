#include "kernels/kernels_table.h"

namespace treadle {

static constexpr Kernels<real> kernels = table("portable");

template <>
const Kernels<real>* kernels_portable<real>() {
    return &kernels;
}

}  // namespace treadle
