// The screen of a user's rows and the check of their sides, over some rows and over all on several threads, against
// loops in double precision that know how far rounding may take each number; and the same bits with any number of
// threads.
//
// Rows outside a pass's range, and what lies between the numbers of an array, are NaN.
#include <algorithm>
#include <limits>
#include <utility>

#include "l1/l1_passes.h"
#include "bounded.h"
#include "checks.h"

namespace treadle {

namespace {

constexpr int8_t NOT_ASKED = 7;  // the side of rows outside the range

// An array whose rows or columns lie next to each other, or apart, or backwards.
class Layout {
public:
    Layout(Random& random, int64_t rows, int64_t columns)
        : type_(random.coin() ? Number::float32 : Number::float64), size_(type_ == Number::float32 ? 4 : 8) {
        const bool by_columns = random.coin();
        const int64_t near = random.integer(1, 2), far = near * (by_columns ? rows : columns) + random.integer(0, 2);
        row_ = (by_columns ? near : far) * size_ * (random.integer(0, 3) ? 1 : -1);
        column_ = (by_columns ? far : near) * size_ * (random.integer(0, 3) ? 1 : -1);
        const int64_t none = 0, down = row_ * std::max(rows - 1, none), across = column_ * std::max(columns - 1, none);
        first_ = std::max(-down, none) + std::max(-across, none);
        const int64_t last = first_ + std::max(down, none) + std::max(across, none);
        bytes_.assign(size_t(last + size_), 0xff);
    }

    // Leaves x, and returns what is left of it in this type.
    double set(int64_t i, int64_t j, double x) {
        const float single = float(x);
        unsigned char* place = bytes_.data() + first_ + i * row_ + j * column_;
        if (type_ == Number::float32)
            std::memcpy(place, &single, 4);
        else
            std::memcpy(place, &x, 8);
        return type_ == Number::float32 ? double(single) : x;
    }

    Strided strided() const { return {reinterpret_cast<const char*>(bytes_.data()) + first_, type_, row_, column_}; }

private:
    Number type_;
    int64_t size_, row_, column_, first_;
    std::vector<unsigned char> bytes_;
};

// n of the numbers below n + 3, in any order.
std::vector<int64_t> picked(Random& random, int64_t n) {
    std::vector<int64_t> numbers;
    for (int64_t i = 0; i < n + 3; ++i) numbers.push_back(i);
    for (int64_t i = 0; i < n; ++i) std::swap(numbers[size_t(i)], numbers[size_t(random.integer(i, n + 2))]);
    numbers.resize(size_t(n));
    return numbers;
}

// n rows of D features, of which k are used, all that there are or some in any order, and the coordinates of
// treadle/l1/dense/coordinates.py; the pass is over begin <= i < end.
struct Screening {
    int64_t n, D, k, p, begin, end;
    std::vector<int64_t> some;  // empty: all
    Layout X, y;
    std::vector<double> x, target, weights, A, w;  // x (n, k)
    std::vector<int64_t> columns;
    std::vector<int8_t> side;
    double radius, low, high;

    Screening(Random& random, int64_t n, int64_t k, int64_t begin, int64_t end)
        : n(n), D(k + random.integer(0, 3)), k(k), p(k + random.integer(0, 1)), begin(begin), end(end),
          some(random.coin() ? std::vector<int64_t>() : picked(random, n)), X(random, stored(), D),
          y(random, stored(), 1), x(size_t(n * k)), target(size_t(n)), A(size_t((1 + k) * p), 0.0),
          w(random.numbers<double>(1 + k, -1, 1)), side(size_t(n), NOT_ASKED),
          radius(random.integer(0, 4) ? random.number<double>(0.1, 1) : 0) {
        const double quantile = random.number<double>(0.1, 0.9), scale = 1 / std::sqrt(double(k + 1));
        low = -2 * (1 - quantile);
        high = 2 * quantile;
        for (int64_t j = 0; j < D; ++j) columns.push_back(j);
        for (int64_t j = 0; j < k; ++j) std::swap(columns[size_t(j)], columns[size_t(random.integer(j, D - 1))]);
        columns.resize(size_t(k));
        if (p == k) w[0] = 0;
        for (int64_t j = 0; j < k; ++j) w[size_t(1 + j)] *= scale;
        for (int64_t j = p == k; j <= k; ++j)  // triangular, under a row of zeros where there is no intercept
            for (int64_t c = p == k ? j - 1 : j; c < p; ++c)
                A[size_t(j * p + c)] = scale * random.number<double>(-2, 2);
        for (int64_t i = begin; i < end; ++i) {
            for (int64_t j = 0; j < k; ++j) set_x(i, j, random.number<double>(-2, 2));
            set_y(i, random.number<double>(-2, 2));
            side[size_t(i)] = int8_t(random.integer(-1, 1));
        }
        if (random.coin()) {
            weights.assign(size_t(stored()), NOT_WRITTEN<double>);
            for (int64_t i = begin; i < end; ++i)
                weights[size_t(place(i))] = random.integer(0, 4) ? random.number<double>(0.1, 2) : 0;
        }
    }

    void set_x(int64_t i, int64_t j, double value) {
        x[size_t(i * k + j)] = X.set(place(i), columns[size_t(j)], value);
    }
    void set_y(int64_t i, double value) { target[size_t(i)] = y.set(place(i), 0, value); }

    // Where row i lies, among how many.
    int64_t place(int64_t i) const { return some.empty() ? i : some[size_t(i)]; }
    int64_t stored() const { return some.empty() ? n : n + 3; }

    ScreenRequest request() {
        return {X.strided(),
                y.strided(),
                some.empty() ? nullptr : some.data(),
                weights.empty() ? nullptr : weights.data(),
                columns.data(),
                k,
                p,
                A.data(),
                w.data(),
                radius,
                low,
                high,
                side.data()};
    }

    Bounded residual(int64_t i) const {
        Sum r(target[size_t(i)]);
        r.add({-w[0]});
        for (int64_t j = 0; j < k; ++j) r.add(Bounded{-w[size_t(1 + j)]} * Bounded{x[size_t(i * k + j)]});
        return r.total();
    }

    // |A'(1, x)|^2
    Bounded square(int64_t i) const {
        Sum squares;
        for (int64_t c = 0; c < p; ++c) {
            Sum z(A[size_t(c)]);
            for (int64_t j = 0; j < k; ++j) z.add(Bounded{A[size_t((1 + j) * p + c)]} * Bounded{x[size_t(i * k + j)]});
            squares.add(z.total() * z.total());
        }
        return squares.total();
    }
};

struct Outcome {
    ScreenSums sums;
    std::vector<int8_t> side;
};

// Over all rows on so many threads, or with 0 over begin <= i < end alone.
Outcome run(const Kernels<double>& kernels, bool checks, Screening rows, int threads) {
    Outcome out;
    const ScreenRequest request = rows.request();
    if (threads)
        out.sums = (checks ? check_all : screen_all)(request, rows.n, threads, *kernels.l1);
    else
        (checks ? kernels.l1->check : kernels.l1->screen)(request, rows.begin, rows.end, out.sums);
    out.side = rows.side;
    return out;
}

// Which rows a pass named, each once and in order.
std::vector<char> named(const Screening& rows, const std::vector<int64_t>& found, Comparison& comparison) {
    std::vector<char> is_named(size_t(rows.n), 0);
    int64_t least = rows.begin;
    for (const int64_t i : found) {
        const bool in_order = least <= i && i < rows.end;
        comparison.near(in_order, 1, 0);
        if (in_order) is_named[size_t(i)] = 1, least = i + 1;
    }
    return is_named;
}

void compare_check(const Screening& rows, const Outcome& got, Comparison& comparison) {
    const std::vector<char> crossed = named(rows, got.sums.rows, comparison);
    for (int64_t i = 0; i < rows.n; ++i) {
        comparison.near(got.side[size_t(i)], rows.side[size_t(i)], 0);
        if (i < rows.begin || i >= rows.end) continue;
        const Bounded r = Bounded{double(rows.side[size_t(i)])} * rows.residual(i);
        // Rounding may decide where the residual is next to nothing.
        comparison.near(crossed[size_t(i)], r.value < 0, std::abs(r.value) <= tolerance(r) && r.value != 0 ? 1 : 0);
    }
}

void compare_screen(const Screening& rows, const Outcome& got, Comparison& comparison) {
    const std::vector<char> kept = named(rows, got.sums.rows, comparison);
    std::vector<Sum> fold(size_t(1 + rows.k));
    Sum loss, size;
    int64_t not_finite = -1, undecided = 0;
    for (int64_t i = 0; i < rows.n; ++i) {
        const int8_t side = got.side[size_t(i)];
        if (i < rows.begin || i >= rows.end) {
            comparison.near(side, NOT_ASKED, 0);
            continue;
        }
        const Bounded r = rows.residual(i), reach = Bounded{rows.radius} * Bounded{rows.radius} * rows.square(i);
        if (!std::isfinite(r.value)) {
            if (not_finite < 0) not_finite = i;
            comparison.near(kept[size_t(i)], 0, 0);
            continue;
        }
        const Bounded beyond = r * r - reach;
        const double weight = rows.weights.empty() ? 1.0 : rows.weights[size_t(rows.place(i))];
        const bool decided = std::abs(beyond.value) > tolerance(beyond) && std::abs(r.value) > tolerance(r);
        const bool keeps = weight > 0 && (decided ? beyond.value <= 0 : kept[size_t(i)] != 0);
        const double sign = weight > 0 && !keeps ? (decided ? r.value > 0 : side > 0) ? 1 : -1 : 0;
        undecided += !decided;
        comparison.near(kept[size_t(i)], keeps, 0);
        comparison.near(side, sign, 0);
        if (sign == 0) continue;
        const Bounded u = Bounded{weight} * Bounded{sign > 0 ? rows.high : rows.low};
        loss.add(u * r);
        size.add(Bounded{sign} * u);
        fold[0].add(u);
        for (int64_t j = 0; j < rows.k; ++j) fold[size_t(1 + j)].add(u * Bounded{rows.x[size_t(i * rows.k + j)]});
    }
    comparison.near(double(undecided), 0, 1 + double(rows.n) / 1000);
    comparison.near(double(got.sums.not_finite), double(not_finite), 0);
    compare(got.sums.loss, loss.total(), comparison);
    compare(got.sums.size, size.total(), comparison);
    comparison.near(double(got.sums.fold.size()), double(fold.size()), 0);
    if (not_finite >= 0 || got.sums.fold.size() != fold.size()) return;  // 0 times infinity is in the fold
    for (size_t j = 0; j < fold.size(); ++j) compare(got.sums.fold[j], fold[j].total(), comparison);
}

// Two rows at most, from `first` on, are no longer finite.
void spoil_rows(Random& random, Screening& rows, int64_t first) {
    constexpr double INFINITE = std::numeric_limits<double>::infinity();
    for (int times = 0; times < 2 && first < rows.end; ++times) {
        const int64_t i = random.integer(first, rows.end - 1);
        const double value = random.coin() ? INFINITE : NOT_WRITTEN<double>;
        if (rows.k > 0 && random.coin())
            rows.set_x(i, random.integer(0, rows.k - 1), value);
        else
            rows.set_y(i, value);
    }
}

struct Many {
    int64_t n;
    bool spoiled;
};

void check_rows(const Kernels<double>& kernels, Random& random, Comparison& comparison, bool checks) {
    const auto compare_all = [&](const Screening& rows, const Outcome& got) {
        (checks ? compare_check : compare_screen)(rows, got, comparison);
    };
    for_columns(0, [&](int64_t k) {
        for (int trial = 0; trial < 8; ++trial) {
            const int64_t n = random.integer(0, 200), begin = trial % 2 ? 0 : random.integer(0, n);
            const int64_t end = trial % 2 ? n : random.integer(begin, n);
            Screening rows(random, n, k, begin, end);
            if (!checks && trial > 5) spoil_rows(random, rows, begin);
            compare_all(rows, run(kernels, checks, rows, 0));
        }
    });
    const auto numbers = [](const ScreenSums& sums) {
        return std::vector<double>{sums.loss, sums.size, double(sums.not_finite)};
    };
    // Rows enough for several threads, then some of them not finite; few rows, and none.
    for (const auto& [n, spoiled] : {Many{24653, false}, Many{24653, !checks}, Many{5, false}, Many{0, false}}) {
        Screening rows(random, n, 15, 0, n);
        if (spoiled) spoil_rows(random, rows, n / 2);
        const Outcome one = run(kernels, checks, rows, 1);
        compare_all(rows, one);
        for (const int threads : {2, 3, 5}) {
            const Outcome many = run(kernels, checks, rows, threads);
            same(numbers(many.sums), numbers(one.sums), comparison);
            same(many.sums.fold, one.sums.fold, comparison);
            comparison.near(many.sums.rows == one.sums.rows && many.side == one.side, 1, 0);
        }
    }
}

}  // namespace

void check_l1_screen(const Kernels<double>& kernels, Random& random, Comparison& comparison) {
    check_rows(kernels, random, comparison, false);
}

void check_l1_check(const Kernels<double>& kernels, Random& random, Comparison& comparison) {
    check_rows(kernels, random, comparison, true);
}

}  // namespace treadle
