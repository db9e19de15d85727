// The products against loops in double precision.
#include <algorithm>

#include "checks.h"
#include "weights.h"

namespace treadle {

template <typename Real>
void check_multiply(const Kernels<Real>& kernels, Random& random, Comparison& comparison) {
    for (int trial = 0; trial < 40; ++trial) {
        const int64_t inner = trial % 10 == 9 ? random.integer(500, 900) : random.integer(1, 80);
        const int64_t rows = trial % 10 == 8 ? 130 : random.integer(1, 40), n_out = random.integer(1, 150);
        Block<Real> A(random, rows, inner, kernels.panel, -1, 1), C(rows, n_out, kernels.panel),
            one(1, n_out, kernels.panel);
        const Weights<Real> W(random, inner, n_out, kernels.panel);
        std::vector<Real> bias(size_t(C.padded));
        for (int64_t j = 0; j < n_out; ++j) bias[size_t(j)] = random.number<Real>(-1, 1);
        const Real* added = random.coin() ? bias.data() : nullptr;
        const int64_t count = C.padded / kernels.panel;
        const int64_t begin = trial % 2 ? random.integer(0, count - 1) : 0, end = random.integer(begin + 1, count);
        std::fill(C.values.begin(), C.values.end(), NOT_WRITTEN<Real>);
        const std::vector<Real> before = C.values;
        const Left<Real> left(kernels, random, A);
        const Right<Real> right(kernels, W);
        const void* weights = kernels.direct ? W.value.data() : right.forward.data();
        kernels.multiply(left.row(0), left.stride(), rows, inner, weights, added, begin, end, C.data(), C.stride);
        const int64_t from = begin * kernels.panel, to = end * kernels.panel;
        for (int64_t i = 0; i < rows; ++i) {
            for (int64_t j = from; j < to; ++j) {
                double sum = added ? added[j] : 0.0, magnitude = std::abs(sum);
                for (int64_t k = 0; k < inner; ++k) {
                    const double term = factor(kernels, A.row(i)[k]) * factor(kernels, W.value[W.at(k, j)]);
                    sum += term;
                    magnitude += std::abs(term);
                }
                comparison.near(C.at(i, j), sum, product_tolerance<Real>(inner, magnitude));
            }
            // The bits do not depend on the tiles, and other panels stay as they are.
            kernels.multiply(left.row(i), left.stride(), 1, inner, weights, added, begin, end, one.data(), one.stride);
            comparison.same(C.row(i) + from, one.data() + from, size_t(to - from));
            comparison.same(C.row(i), before.data(), size_t(from));
            comparison.same(C.row(i) + to, before.data(), size_t(C.stride - to));
        }
    }
}

// What goes backward through the operands is right, and tiles that are written later replace the others' alone.
template <typename Real>
void check_write_operands(const Kernels<Real>& kernels, Random& random, Comparison& comparison) {
    for (int trial = 0; trial < 30; ++trial) {
        const int64_t rows = random.integer(1, 5), n_in = random.integer(1, 90), n_out = random.integer(1, 90);
        const Weights<Real> W(random, n_in, n_out, kernels.panel), other(random, n_in, n_out, kernels.panel);
        Right<Real> operands(kernels, W);
        Block<Real> D(random, rows, n_out, kernels.panel, -1, 1), C(rows, n_in, kernels.panel);
        const Left<Real> left(kernels, random, D);
        kernels.multiply(left.row(0), left.stride(), rows, n_out, operands.backward.data(), nullptr, 0,
                         C.padded / kernels.panel, C.data(), C.stride);
        for (int64_t i = 0; i < rows; ++i) {
            for (int64_t k = 0; k < C.padded; ++k) {
                double sum = 0, magnitude = 0;
                for (int64_t j = 0; j < n_out && k < n_in; ++j) {
                    const double term = factor(kernels, D.row(i)[j]) * factor(kernels, W.value[W.at(k, j)]);
                    sum += term;
                    magnitude += std::abs(term);
                }
                comparison.near(C.at(i, k), sum, product_tolerance<Real>(n_out, magnitude));
            }
        }
        const Part part(kernels, random, n_in, n_out);
        Weights<Real> mixed = W;
        for (int64_t k = 0; k < n_in; ++k)
            for (int64_t j = 0; j < n_out; ++j)
                if (part.has_element(k, j)) mixed.value[mixed.at(k, j)] = other.value[other.at(k, j)];
        kernels.write_operands(other.value.data(), n_in, n_out, part.first_panel, part.end_panel, part.first_tile,
                               part.end_tile, operands.pointers());
        operands.compare(Right<Real>(kernels, mixed), comparison);
    }
}

template <typename Real>
void check_multiply_row(const Kernels<Real>& kernels, Random& random, Comparison& comparison) {
    for (int trial = 0; trial < 30; ++trial) {
        const int64_t n_in = trial % 10 == 9 ? 2100 : random.integer(1, 80), n_out = random.integer(1, 300);
        Block<Real> a(random, 1, n_in, kernels.panel, -1, 1), packed(1, n_out, kernels.panel);
        std::vector<Real> W = random.numbers<Real>(n_in * n_out, -1, 1), b = random.numbers<Real>(n_out, -1, 1);
        std::vector<Real> panels_of_W(size_t(n_in * packed.padded)), panels_of_b(size_t(packed.padded));
        std::copy(b.begin(), b.end(), panels_of_b.begin());
        for (int64_t k = 0; k < n_in; ++k)
            if (random.integer(0, 2) == 0) a.data()[k] = 0;
        to_panels(W.data(), n_in, n_out, kernels.panel, panels_of_W.data());
        if (kernels.direct)
            kernels.multiply(a.data(), a.stride, 1, n_in, panels_of_W.data(), panels_of_b.data(), 0,
                             packed.padded / kernels.panel, packed.data(), packed.stride);
        for (int64_t k = 0; k < n_in; ++k)
            if (a.data()[k] == 0) std::fill_n(W.begin() + k * n_out, n_out, NOT_WRITTEN<Real>);  // is not to be read
        std::vector<Real> z(size_t(n_out), NOT_WRITTEN<Real>);
        kernels.multiply_row(a.data(), W.data(), b.data(), n_in, n_out, z.data());
        for (int64_t j = 0; j < n_out; ++j) {
            double sum = b[size_t(j)], magnitude = std::abs(sum);
            for (int64_t k = 0; k < n_in; ++k) {
                if (a.at(0, k) == 0) continue;
                const double term = a.at(0, k) * double(W[size_t(k * n_out + j)]);
                sum += term;
                magnitude += std::abs(term);
            }
            comparison.near(z[size_t(j)], sum, product_tolerance<Real>(n_in, magnitude));
        }
        if (kernels.direct) comparison.same(z.data(), packed.data(), size_t(n_out));
    }
}

template void check_multiply(const Kernels<float>&, Random&, Comparison&);
template void check_multiply(const Kernels<double>&, Random&, Comparison&);
template void check_write_operands(const Kernels<float>&, Random&, Comparison&);
template void check_write_operands(const Kernels<double>&, Random&, Comparison&);
template void check_multiply_row(const Kernels<float>&, Random&, Comparison&);
template void check_multiply_row(const Kernels<double>&, Random&, Comparison&);

}  // namespace treadle
