#include "boxes/look_up.h"

#include <algorithm>
#include <functional>
#include <thread>

namespace treadle {
namespace {

// Points whose memory is asked for together, so that waiting for one is waiting for all.
constexpr int64_t BLOCK = 256;
// Edges in a bucket that are counted one by one; in fuller buckets they are halved first.
constexpr int32_t FEW = 4;
// Points that are worth a thread.
constexpr int64_t POINTS_PER_THREAD = 16384;

// work(begin, end) over [0, n), each thread a contiguous part.
void share(int64_t n, int threads, const std::function<void(int64_t, int64_t)>& work) {
    const int64_t parts = std::clamp<int64_t>(n / POINTS_PER_THREAD, 1, threads);
    std::vector<std::thread> others;
    others.reserve(parts);
    int64_t begun = 1;
    try {
        for (; begun < parts; ++begun) {
            others.emplace_back(work, n * begun / parts, n * (begun + 1) / parts);
        }
    } catch (...) {  // no more threads to be had: this one does the rest
        work(n * begun / parts, n);
    }
    work(0, n / parts);
    for (std::thread& other : others) other.join();
}

// flat[i] = flat[i] * n_cells + the cell of x[i * stride], for n <= BLOCK points.
void locate_block(const Axis& axis, const double* x, int64_t stride, int64_t n, int64_t* flat) {
    int32_t low[BLOCK], high[BLOCK];
    const double last = double(axis.n_buckets - 1);
    int64_t buckets[BLOCK];
    for (int64_t i = 0; i < n; ++i) {
        double place = (x[i * stride] - axis.origin) * axis.scale;
        place = place > 0 ? place : 0;  // so is infinity times nothing
        buckets[i] = int64_t(place < last ? place : last);
        __builtin_prefetch(axis.starts + buckets[i]);
    }
    for (int64_t i = 0; i < n; ++i) {
        low[i] = axis.starts[buckets[i]];
        high[i] = axis.starts[buckets[i] + 1];
        __builtin_prefetch(axis.inner + low[i]);
    }
    for (int64_t i = 0; i < n; ++i) {
        const double value = x[i * stride];
        int32_t first = low[i], end = high[i];
        while (end - first > FEW) {
            const int32_t middle = first + (end - first) / 2;
            if (axis.inner[middle] <= value) {
                first = middle + 1;
            } else {
                end = middle;
            }
        }
        int32_t cell = first;
        for (int32_t e = first; e < end; ++e) cell += axis.inner[e] <= value;
        flat[i] = flat[i] * axis.n_cells + cell;
    }
}

void deliver(const int64_t* found, int64_t n, const double* heights, int64_t* cells, double* values) {
    if (cells) {
        std::copy(found, found + n, cells);
        return;
    }
    for (int64_t i = 0; i < n; ++i) __builtin_prefetch(heights + found[i]);
    for (int64_t i = 0; i < n; ++i) values[i] = heights[found[i]];
}

}  // namespace

void look_up_grid(const double* X, int64_t n, const std::vector<Axis>& axes, const double* heights, int64_t* cells,
                  double* values, int threads) {
    const int64_t n_dims = int64_t(axes.size());
    share(n, threads, [&](int64_t begin, int64_t end) {
        int64_t flat[BLOCK];
        for (int64_t start = begin; start < end; start += BLOCK) {
            const int64_t size = std::min(BLOCK, end - start);
            std::fill_n(flat, size, 0);
            for (int64_t i = 0; i < n_dims; ++i) locate_block(axes[i], X + start * n_dims + i, n_dims, size, flat);
            deliver(flat, size, heights, cells ? cells + start : nullptr, values ? values + start : nullptr);
        }
    });
}

void look_up_tree(const double* X, int64_t n, int64_t n_dims, const Splits& splits, const double* heights,
                  int64_t* cells, double* values, int threads) {
    share(n, threads, [&](int64_t begin, int64_t end) {
        int64_t found[BLOCK];
        for (int64_t start = begin; start < end; start += BLOCK) {
            const int64_t size = std::min(BLOCK, end - start);
            for (int64_t i = 0; i < size; ++i) {
                const double* x = X + (start + i) * n_dims;
                int64_t node = splits.n_nodes ? 0 : -1;
                while (node >= 0) {
                    node = splits.children[2 * node + (x[splits.axis[node]] >= splits.threshold[node])];
                }
                found[i] = -1 - node;
            }
            deliver(found, size, heights, cells ? cells + start : nullptr, values ? values + start : nullptr);
        }
    });
}

}  // namespace treadle
