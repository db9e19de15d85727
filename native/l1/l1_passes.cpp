#include "l1/l1_passes.h"

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

#include "threads.h"

namespace treadle {

namespace {

constexpr int64_t RANGES = 16, LEAST_ROWS = 512, SCREEN_ROWS = 8192;
// Multiplications of a thread below which another one costs more than it does.
constexpr int64_t WORTH_A_THREAD = 400'000;

int64_t ranges_of(const InteriorRows& rows) { return std::clamp(rows.n / LEAST_ROWS, int64_t(1), RANGES); }

// Range t of `ranges`, whole groups of 8 rows.
Share range(const InteriorRows& rows, int64_t t, int64_t ranges) {
    const Share groups = share(rows.n / 8, t, ranges);
    return {groups.begin * 8, groups.end * 8};
}

// work(k) for 0 <= k < units.
void share_out(int threads, int64_t units, int64_t multiplications, const std::function<void(int64_t)>& work) {
    threads = int(std::min({int64_t(threads), units, multiplications / WORTH_A_THREAD + 1}));
    std::vector<int64_t> counts;
    for (int t = 0; t < threads; ++t) counts.push_back(share(units, t, threads).size());
    bool begun = false;
    run_phases(
        threads, [&]() -> const int64_t* { return std::exchange(begun, true) ? nullptr : counts.data(); },
        [&](int owner, int64_t k, int) { work(share(units, owner, threads).begin + k); });
}

// Runs kernel(begin, end, sums) for each range with `size` sums of its own, which are then folded into `sums`;
// `partial` holds them.
template <typename Work, typename Fold>
void by_ranges(const InteriorRows& rows, int64_t size, double* sums, int threads, int64_t multiplications,
               const Work& work, const Fold& fold, std::vector<double>& partial) {
    const int64_t ranges = ranges_of(rows);
    partial.assign(size_t(ranges * size), 0.0);
    share_out(threads, ranges, multiplications, [&](int64_t t) {
        const Share of = range(rows, t, ranges);
        work(of.begin, of.end, partial.data() + t * size);
    });
    std::copy_n(partial.begin(), size, sums);
    for (int64_t t = 1; t < ranges; ++t) {
        for (int64_t j = 0; j < size; ++j) sums[j] = fold(j, sums[j], partial[size_t(t * size + j)]);
    }
}

template <typename Work, typename Fold>
void by_ranges(const InteriorRows& rows, int64_t size, double* sums, int threads, int64_t multiplications,
               const Work& work, const Fold& fold) {
    std::vector<double> partial;
    by_ranges(rows, size, sums, threads, multiplications, work, fold, partial);
}

double add(int64_t, double a, double b) { return a + b; }

// The first two are the largest of all, the others sums.
double largest_or_add(int64_t j, double a, double b) { return j < 2 ? (b > a ? b : a) : a + b; }

}  // namespace

double interior_normal(const InteriorRows& rows, double primal, double dual, double* M, double* b, int threads,
                       const L1Kernels& kernels, std::vector<double>& scratch) {
    const int64_t square = rows.stride * rows.stride, size = square + rows.stride + 1;
    std::vector<double> sums(static_cast<size_t>(size));
    by_ranges(
        rows, size, sums.data(), threads, rows.n * rows.p * (rows.p / 2 + 2),
        [&](int64_t begin, int64_t end, double* own) {
            kernels.normal(rows, begin, end, primal, dual, own, own + square, own + square + rows.stride);
        },
        add, scratch);
    std::copy_n(sums.begin(), square, M);
    std::copy_n(sums.begin() + square, rows.stride, b);
    return sums.back();
}

void interior_predict(const InteriorRows& rows, const double* dw, double* sums, int threads, const L1Kernels& kernels) {
    by_ranges(
        rows, 5, sums, threads, rows.n * (rows.p + 16),
        [&](int64_t begin, int64_t end, double* own) { kernels.predict(rows, begin, end, dw, own); }, largest_or_add);
}

void interior_step(const InteriorRows& rows, const double* dw, double* sums, int threads, const L1Kernels& kernels) {
    by_ranges(
        rows, 2, sums, threads, rows.n * (rows.p + 16),
        [&](int64_t begin, int64_t end, double* own) { kernels.step(rows, begin, end, dw, own); }, largest_or_add);
}

void interior_correct(const InteriorRows& rows, double mu, double* b, int threads, const L1Kernels& kernels) {
    by_ranges(
        rows, rows.stride, b, threads, rows.n * (rows.p + 16),
        [&](int64_t begin, int64_t end, double* own) { kernels.correct(rows, begin, end, mu, own); }, add);
}

namespace {

ScreenSums over_all(const ScreenRequest& request, int64_t n, int threads, int64_t per_row,
                    void (*pass)(const ScreenRequest&, int64_t, int64_t, ScreenSums&)) {
    // Without rows it is still one pass, which leaves sums of 0.
    const int64_t units = std::max((n + SCREEN_ROWS - 1) / SCREEN_ROWS, int64_t(1));
    std::vector<ScreenSums> parts(static_cast<size_t>(units));
    share_out(threads, units, n * per_row,
              [&](int64_t t) { pass(request, t * SCREEN_ROWS, std::min(n, (t + 1) * SCREEN_ROWS), parts[size_t(t)]); });
    ScreenSums all = std::move(parts[0]);
    for (size_t t = 1; t < parts.size(); ++t) {
        const ScreenSums& part = parts[t];
        all.rows.insert(all.rows.end(), part.rows.begin(), part.rows.end());
        for (size_t j = 0; j < part.fold.size(); ++j) all.fold[j] += part.fold[j];
        all.loss += part.loss;
        all.size += part.size;
        if (all.not_finite < 0) all.not_finite = part.not_finite;
    }
    return all;
}

}  // namespace

ScreenSums screen_all(const ScreenRequest& request, int64_t n, int threads, const L1Kernels& kernels) {
    return over_all(request, n, threads, (request.k + 1) * (request.p / 2 + 4), kernels.screen);
}

ScreenSums check_all(const ScreenRequest& request, int64_t n, int threads, const L1Kernels& kernels) {
    return over_all(request, n, threads, 2 * request.k + 4, kernels.check);
}

}  // namespace treadle
