// Sums over lanes in one order, however many lanes a register has.
//
// Element j of what is summed goes to lane j % SUM_LANES, which takes as many registers as that makes, and each lane's
// sum is a chain. The lanes are then added in pairs, in float64.
#pragma once

#include "kernels/elementary.h"
#include "kernels/vector.h"

namespace treadle {
namespace {

constexpr int SUM_LANES = FLOAT64 ? 8 : 16, SUM_VECTORS = SUM_LANES / LANES;
static_assert(PANEL % SUM_LANES == 0);

// Rows of weights, and SUM_LANES columns, whose squares are summed together: a part of every table's tile.
constexpr int SQUARE_ROWS = 6;
static_assert(TILE_ROWS % SQUARE_ROWS == 0);

TREADLE_INLINE double sum_of_lanes(double (&lanes)[SUM_LANES]) {
    TREADLE_UNROLL
    for (int width = SUM_LANES / 2; width > 0; width /= 2) {
        TREADLE_UNROLL
        for (int lane = 0; lane < width; ++lane) lanes[lane] += lanes[lane + width];
    }
    return lanes[0];
}

// A sum of vectors, of the columns from 0 on, to the precision of two numbers: each lane's sum and what its rounding
// lost (Knuth, TAOCP 2, section 4.2.2, theorem B).
class LaneSums {
    vec sums[SUM_VECTORS] = {}, lost[SUM_VECTORS] = {};
    int next = 0;

public:
    TREADLE_INLINE void add(vec v) {
        vec& sum = sums[next];
        const vec larger = sum + v, added = larger - sum;
        lost[next] += (sum - (larger - added)) + (v - added);
        sum = larger;
        next = (next + 1) % SUM_VECTORS;
    }

    TREADLE_INLINE double total() const {
        double lanes[SUM_LANES], rests[SUM_LANES];
        TREADLE_UNROLL
        for (int i = 0; i < SUM_VECTORS; ++i) {
            // Where a sum is infinite, what was lost is NaN.
            const vec rest = absolute(sums[i]) < INF ? lost[i] : zero();
            TREADLE_UNROLL
            for (int lane = 0; lane < LANES; ++lane) {
                lanes[i * LANES + lane] = double(sums[i][lane]);
                rests[i * LANES + lane] = double(rest[lane]);
            }
        }
        return FLOAT64 ? sum_of_pairs(lanes, rests) : sum_of_floats(lanes, rests);
    }

private:
    // A double holds a lane's two floats.
    TREADLE_INLINE static double sum_of_floats(double (&lanes)[SUM_LANES], const double (&rests)[SUM_LANES]) {
        TREADLE_UNROLL
        for (int lane = 0; lane < SUM_LANES; ++lane) lanes[lane] += rests[lane];
        return sum_of_lanes(lanes);
    }

    // The lanes are summed as each of them was.
    TREADLE_INLINE static double sum_of_pairs(const double (&lanes)[SUM_LANES], const double (&rests)[SUM_LANES]) {
        double total = 0, missing = 0;
        for (int lane = 0; lane < SUM_LANES; ++lane) {
            const double sum = total + lanes[lane], added = sum - total;
            missing += ((total - (sum - added)) + (lanes[lane] - added)) + rests[lane];
            total = sum;
        }
        return __builtin_fabs(total) < __builtin_inf() ? total + missing : total;
    }
};

}  // namespace
}  // namespace treadle
