// Products in bfloat16 by AVX512_BF16, on vectors of 16 pairs.
//
// VDPBF16PS adds to each float32 of a vector the products of a pair: the odd members' product first and then the even
// ones', each rounded to nearest even, subnormals being zero whatever the thread has set. (Intel, Architectures
// Software Developer's Manual, volume 2, VDPBF16PS.) So a sum is one chain, pair after pair.
#include "kernels/kernels_table_bfloat16.h"

namespace treadle {
namespace {

class Avx512Product {
public:
    void operator()(const uint32_t* left, int64_t left_rows, int rows, const uint32_t* right, int64_t slices,
                    float* sums) const {
        for (int r = 0; r < rows; r += ROWS) strip(left + r * PAIRS, left_rows, right, slices, sums + r * PANEL);
    }

private:
    static constexpr int ROWS = 8;  // 16 sums, 2 columns of 32 registers

    static void strip(const uint32_t* left, int64_t left_rows, const uint32_t* right, int64_t slices, float* sums) {
        __m512 sum[ROWS][PANEL_VECTORS];
        TREADLE_UNROLL for (int r = 0; r < ROWS; ++r) {
            TREADLE_UNROLL for (int v = 0; v < PANEL_VECTORS; ++v) sum[r][v] = _mm512_setzero_ps();
        }
        for (int64_t s = 0; s < slices; ++s, left += left_rows * PAIRS) {
            for (int p = 0; p < PAIRS; ++p, right += PANEL) {
                __m512bh w[PANEL_VECTORS];
                TREADLE_UNROLL for (int v = 0; v < PANEL_VECTORS; ++v) w[v] = (__m512bh)load_words(right + v * LANES);
                TREADLE_UNROLL for (int r = 0; r < ROWS; ++r) {
                    const __m512bh a = (__m512bh)_mm512_set1_epi32(int(left[r * PAIRS + p]));
                    TREADLE_UNROLL for (int v = 0; v < PANEL_VECTORS; ++v) sum[r][v] =
                        _mm512_dpbf16_ps(sum[r][v], w[v], a);
                }
            }
        }
        TREADLE_UNROLL for (int r = 0; r < ROWS; ++r) {
            TREADLE_UNROLL for (int v = 0; v < PANEL_VECTORS; ++v) store(sums + r * PANEL + v * LANES, (vec)sum[r][v]);
        }
    }
};

constexpr Kernels<float> kernels = table_in_bfloat16<Avx512Product>("avx512-bfloat16");

}  // namespace

const Kernels<float>* const kernels_avx512_bf16 = &kernels;

}  // namespace treadle
