#include "kernels/kernels_table.h"

namespace treadle {

static constexpr Kernels kernels = table("avx2");
const Kernels* const kernels_avx2 = &kernels;

}  // namespace treadle
