// Products in bfloat16 by Intel's Advanced Matrix Extensions: tiles of 16 rows of 64 bytes.
//
// TDPBF16PS adds to a tile C (16, 16) of float32 the product of A, 16 rows of 16 pairs, and B, 16 pairs by 16 columns:
// the even members of the pairs in one chain of fused multiply-adds, the odd ones in another, both from zero in
// ascending order; their sum is then added to C. Rounding is to nearest even and subnormals are zero, whatever the
// thread has set. (Intel, Architectures Software Developer's Manual, volume 2, TDPBF16PS.)
//
// The operating system gives a process tiles when it asks for them: see dispatch.cpp, which does before it offers this.
#include "kernels/kernels_table_bfloat16.h"

namespace treadle {
namespace {

static_assert(PANEL == 32 && BLOCK == 32, "sums are 2 x 2 tiles");

// What LDTILECFG reads.
struct alignas(64) TileConfiguration {
    uint8_t palette = 1, first_row = 0, reserved[14] = {};
    uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};  // of tiles 0 to 7; the others are reserved
    uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
static_assert(sizeof(TileConfiguration) == 64);

// Constant data: GCC 12 does not know that _tile_loadconfig reads more than a pointer's size of it.
constexpr TileConfiguration configuration;

class AmxProduct {
public:
    // Where no tiles are in use, the operating system has less to save when it switches threads.
    AmxProduct() { _tile_loadconfig(&configuration); }
    ~AmxProduct() { _tile_release(); }
    AmxProduct(const AmxProduct&) = delete;
    AmxProduct& operator=(const AmxProduct&) = delete;

    void operator()(const uint32_t* left, int64_t left_rows, int rows, const uint32_t* right, int64_t slices,
                    float* sums) const {
        constexpr int64_t LEFT_ROW = PAIRS * sizeof(uint32_t), RIGHT_ROW = PANEL * sizeof(uint32_t);
        constexpr int64_t SUMS_ROW = PANEL * sizeof(float);
        // The operands must have been written: the compiler does not know that _tile_loadd reads memory.
        asm volatile("" : : : "memory");
        _tile_zero(0);
        _tile_zero(1);
        if (rows <= 16) {
            for (int64_t s = 0; s < slices; ++s, left += left_rows * PAIRS, right += PAIRS * PANEL) {
                _tile_loadd(4, left, LEFT_ROW);
                _tile_loadd(6, right, RIGHT_ROW);
                _tile_dpbf16ps(0, 4, 6);
                _tile_loadd(7, right + 16, RIGHT_ROW);
                _tile_dpbf16ps(1, 4, 7);
            }
        } else {
            _tile_zero(2);
            _tile_zero(3);
            for (int64_t s = 0; s < slices; ++s, left += left_rows * PAIRS, right += PAIRS * PANEL) {
                _tile_loadd(4, left, LEFT_ROW);
                _tile_loadd(6, right, RIGHT_ROW);
                _tile_dpbf16ps(0, 4, 6);
                _tile_loadd(7, right + 16, RIGHT_ROW);
                _tile_dpbf16ps(1, 4, 7);
                _tile_loadd(5, left + 16 * PAIRS, LEFT_ROW);
                _tile_dpbf16ps(2, 5, 6);
                _tile_dpbf16ps(3, 5, 7);
            }
            _tile_stored(2, sums + 16 * PANEL, SUMS_ROW);
            _tile_stored(3, sums + 16 * PANEL + 16, SUMS_ROW);
        }
        _tile_stored(0, sums, SUMS_ROW);
        _tile_stored(1, sums + 16, SUMS_ROW);
    }
};

constexpr Kernels<float> kernels = table_in_bfloat16<AmxProduct>("amx-bfloat16");

}  // namespace

const Kernels<float>* const kernels_amx = &kernels;

}  // namespace treadle
