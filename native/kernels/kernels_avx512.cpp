#include "kernels/kernels_table.h"

namespace treadle {

static constexpr Kernels kernels = table("avx512");
const Kernels* const kernels_avx512 = &kernels;

}  // namespace treadle
