#include "kernels/kernels_table.h"

namespace treadle {

static constexpr Kernels kernels = table("portable");
const Kernels* const kernels_portable = &kernels;

}  // namespace treadle
