// Products in bfloat16 on a processor that has none: what kernels_amx.cpp computes, by other instructions.
//
// To try bfloat16 out, not to gain time: it takes longer than float32. A slice is summed as TDPBF16PS sums it, evens
// and odds apart. A product of two bfloat16 is exact in float32, so that where fma rounds twice it gives the same
// result, unless the product alone is subnormal.
#include "kernels/kernels_table_bfloat16.h"

namespace treadle {
namespace {

class EmulatedProduct {
public:
    void operator()(const uint32_t* left, int64_t left_rows, int rows, const uint32_t* right, int64_t slices,
                    float* sums) const {
        for (int r = 0; r < rows; r += ROWS)
            for (int v = 0; v < PANEL; v += LANES)
                strip(left + r * PAIRS, left_rows, right + v, slices, sums + r * PANEL + v);
    }

private:
    static constexpr int ROWS = 4;

    // ROWS x LANES sums.
    static void strip(const uint32_t* left, int64_t left_rows, const uint32_t* right, int64_t slices, float* sums) {
        vec sum[ROWS] = {};
        for (int64_t s = 0; s < slices; ++s, left += left_rows * PAIRS) {
            vec even[ROWS] = {}, odd[ROWS] = {};
            for (int p = 0; p < PAIRS; ++p, right += PANEL) {
                const words w = load_words(right);
                TREADLE_UNROLL for (int r = 0; r < ROWS; ++r) {
                    const words a = words{} + left[r * PAIRS + p];
                    even[r] = fma((vec)(a << 16), (vec)(w << 16), even[r]);
                    odd[r] = fma((vec)(a & 0xffff0000), (vec)(w & 0xffff0000), odd[r]);
                }
            }
            TREADLE_UNROLL for (int r = 0; r < ROWS; ++r) sum[r] += even[r] + odd[r];
        }
        TREADLE_UNROLL for (int r = 0; r < ROWS; ++r) store(sums + r * PANEL, sum[r]);
    }
};

constexpr Kernels<float> kernels = table_in_bfloat16<EmulatedProduct>("emulated-bfloat16");

}  // namespace

const Kernels<float>* const kernels_emulated = &kernels;

}  // namespace treadle
