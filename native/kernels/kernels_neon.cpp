#include "kernels/kernels_table.h"

namespace treadle {

static constexpr Kernels kernels = table("neon");
const Kernels* const kernels_neon = &kernels;

}  // namespace treadle
