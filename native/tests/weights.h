// Weights, and the factors of a product, in the layouts of kernels.h.
#pragma once

#include <utility>

#include "kernels/kernels.h"
#include "comparison.h"

namespace treadle {

// A product of `inner` terms: each may be rounded twice, where multiply and add are two operations, and so may the
// sum with what is added at the end.
template <typename Real>
double product_tolerance(int64_t inner, double sum_of_magnitudes) {
    return 2 * double(inner + 2) * ROUNDING<Real> * sum_of_magnitudes;
}

// One value and its moments.
struct Element {
    double value, first, second;
};

// Values with their moments in one layout; columns that are padding hold zeros.
template <typename Real>
struct Values {
    std::vector<Real> value, first, second;

    Values(Random& random, int64_t n)
        : value(random.numbers<Real>(n, -1, 1)), first(random.numbers<Real>(n, -1, 1)),
          second(random.numbers<Real>(n, 0.01, 1)) {}

    Trained<Real> pointers(Update update) {
        return {value.data(), update == Update::plain ? nullptr : first.data(),
                update == Update::adam ? second.data() : nullptr};
    }
    Element element(size_t i) const { return {value[i], first[i], second[i]}; }

    void clear(size_t i) { value[i] = first[i] = second[i] = 0; }
};

// Weights (n_in, n_out) in panels.
template <typename Real>
struct Weights : Values<Real> {
    int64_t n_in, n_out, panel;

    Weights(Random& random, int64_t n_in, int64_t n_out, int64_t panel)
        : Values<Real>(random, n_in * panels(n_out, panel) * panel), n_in(n_in), n_out(n_out), panel(panel) {
        for (int64_t k = 0; k < n_in; ++k)
            for (int64_t j = n_out; j < panels(n_out, panel) * panel; ++j) this->clear(at(k, j));
    }

    size_t at(int64_t k, int64_t j) const { return size_t((j / panel * n_in + k) * panel + j % panel); }
};

// A number as a product takes it: itself, or, unless the table is direct, the nearest bfloat16, ties to even.
template <typename Real>
double factor(const Kernels<Real>& kernels, Real x) {
    if (kernels.direct) return double(x);
    auto rounded = float(x);
    uint32_t bits;
    std::memcpy(&bits, &rounded, sizeof bits);
    bits += 0x7fff + (bits >> 16 & 1);
    bits &= 0xffff0000;
    std::memcpy(&rounded, &bits, sizeof bits);
    return double(rounded);
}

// A batch as `multiply` takes it; where that is a copy, it is made in four parts.
template <typename Real>
class Left {
public:
    Left(const Kernels<Real>& kernels, Random& random, Block<Real>& A)
        : data_(A.data()), stride_(A.stride), row_(A.stride) {
        if (kernels.direct) return;
        copy_.resize(size_t(kernels.left_size(A.rows, A.columns)));
        data_ = copy_.data();
        stride_ = A.rows;
        row_ = kernels.left_row;
        const int64_t middle = random.integer(0, A.rows);
        const int64_t cut = random.integer(0, A.padded / kernels.panel) * kernels.panel;
        for (const auto& [row, end] : {Range{0, middle}, Range{middle, A.rows}})
            for (const auto& [from, to] : {Range{0, cut}, Range{cut, A.padded}})
                kernels.round_rows(A.row(row), A.stride, end - row, from, to, A.columns, copy_.data() + row * row_,
                                   A.rows);
    }

    const void* row(int64_t i) const { return data_ + i * row_; }
    ptrdiff_t stride() const { return stride_; }

private:
    using Range = std::pair<int64_t, int64_t>;
    std::vector<Real> copy_;
    const Real* data_;
    ptrdiff_t stride_, row_;
};

// Weights as `multiply` takes them, to go forward and backward.
template <typename Real>
struct Right {
    std::vector<Real> forward, backward;

    Right(const Kernels<Real>& kernels, const Weights<Real>& W)
        : backward(size_t(kernels.right_size(W.n_out, W.n_in))) {
        if (!kernels.direct) forward.resize(size_t(kernels.right_size(W.n_in, W.n_out)));
        kernels.write_operands(W.value.data(), W.n_in, W.n_out, 0, panels(W.n_out, W.panel), 0,
                               ceil_divide(W.n_in, kernels.tile_rows), pointers());
    }

    Operands pointers() { return {forward.empty() ? nullptr : forward.data(), backward.data()}; }

    void compare(const Right& expected, Comparison& comparison) const {
        comparison.same(forward.data(), expected.forward.data(), forward.size());
        comparison.same(backward.data(), expected.backward.data(), backward.size());
    }
};

// Some of the panels of weights, and some of their tiles.
struct Part {
    int64_t tile_rows, columns, first_panel, end_panel, first_tile, end_tile;

    template <typename Real>
    Part(const Kernels<Real>& kernels, Random& random, int64_t n_in, int64_t n_out)
        : tile_rows(kernels.tile_rows), columns(kernels.panel),
          first_panel(random.integer(0, panels(n_out, columns) - 1)),
          end_panel(random.integer(first_panel + 1, panels(n_out, columns))),
          first_tile(random.integer(0, ceil_divide(n_in, tile_rows) - 1)),
          end_tile(random.integer(first_tile + 1, ceil_divide(n_in, tile_rows))) {}

    bool has(int64_t panel, int64_t tile) const {
        return first_panel <= panel && panel < end_panel && first_tile <= tile && tile < end_tile;
    }
    bool has_element(int64_t k, int64_t j) const { return has(j / columns, k / tile_rows); }
};

}  // namespace treadle
