// The input stage's passes against loops in double precision.
#include <algorithm>

#include "checks.h"

namespace treadle {

namespace {

constexpr double TWO_PI = 6.28318530717958647693;

// Some numbers' embedding, on rows of a wider X.
template <typename Real>
struct Embedding {
    Cosines shape;
    int64_t columns, rows;
    std::vector<Real> parameters;
    Block<Real> X;

    Embedding(Random& random, int64_t panel)
        : shape{random.integer(1, 20), random.integer(1, 5), 0}, columns(random.integer(1, 6)),
          rows(random.integer(1, 40)), X(random, rows, columns + 2, panel, -3, 3) {
        shape.block = ceil_divide(shape.frequencies * (2 + shape.combinations) + shape.combinations, 16) * 16;
        parameters = random.numbers<Real>(columns * shape.block, -1, 1);
        for (int64_t j = 0; j < columns; ++j)  // phases
            for (int64_t f = 0; f < shape.frequencies; ++f)
                parameters[size_t(j * shape.block + shape.frequencies + f)] *= 3;
    }

    double frequency(int64_t j, int64_t f) const { return double(parameters[size_t(j * shape.block + f)]); }
    double argument(int64_t i, int64_t j, int64_t f) const {
        const double phase = double(parameters[size_t(j * shape.block + shape.frequencies + f)]);
        return TWO_PI * frequency(j, f) * X.at(i, j) + phase;
    }
    double weight(int64_t j, int64_t f, int64_t c) const {
        return double(parameters[size_t(j * shape.block + 2 * shape.frequencies + f * shape.combinations + c)]);
    }
    double bias(int64_t j, int64_t c) const {
        return double(parameters[size_t(j * shape.block + shape.frequencies * (2 + shape.combinations) + c)]);
    }
};

// The largest error of a cosine or a sine of arguments up to 22.
template <typename Real>
constexpr double WAVE = 22 * 4 * ROUNDING<Real>;

}  // namespace

template <typename Real>
void check_combine_cosines(const Kernels<Real>& kernels, Random& random, Comparison& comparison) {
    for (int trial = 0; trial < 30; ++trial) {
        Embedding<Real> given(random, kernels.panel);
        const Cosines& shape = given.shape;
        Block<Real> out(given.rows, given.columns * shape.combinations, kernels.panel);
        kernels.combine_cosines(shape, given.parameters.data(), given.columns, given.X.data(), given.X.stride,
                                given.rows, out.data(), out.stride);
        for (int64_t i = 0; i < given.rows; ++i) {
            for (int64_t j = 0; j < given.columns; ++j) {
                for (int64_t c = 0; c < shape.combinations; ++c) {
                    double sum = given.bias(j, c);
                    for (int64_t f = 0; f < shape.frequencies; ++f)
                        sum += std::cos(given.argument(i, j, f)) * given.weight(j, f, c);
                    comparison.near(out.at(i, j * shape.combinations + c), sum,
                                    WAVE<Real> * double(shape.frequencies + 1));
                }
            }
        }
    }
}

template <typename Real>
void check_combine_cosines_backward(const Kernels<Real>& kernels, Random& random, Comparison& comparison) {
    for (int trial = 0; trial < 30; ++trial) {
        Embedding<Real> given(random, kernels.panel);
        const Cosines& shape = given.shape;
        const int64_t F = shape.frequencies, C = shape.combinations, j = random.integer(0, given.columns - 1);
        Block<Real> d(random, given.rows, C + 1, kernels.panel, -1, 1);
        std::vector<Real> gradient(size_t(shape.block), NOT_WRITTEN<Real>),
            scratch(size_t((1 + C) * (given.rows + 16)), NOT_WRITTEN<Real>);
        kernels.combine_cosines_backward(shape, given.parameters.data() + j * shape.block, given.X.data() + j,
                                         given.X.stride, given.rows, d.data() + 1, d.stride, gradient.data(),
                                         scratch.data());
        const double tolerance = 20 * WAVE<Real> * double(given.rows * C);
        std::vector<double> exact(size_t(shape.block), 0.0);
        for (int64_t i = 0; i < given.rows; ++i) {
            for (int64_t f = 0; f < F; ++f) {
                const double argument = given.argument(i, j, f);
                double of_cosine = 0;
                for (int64_t c = 0; c < C; ++c) {
                    exact[size_t(2 * F + f * C + c)] += std::cos(argument) * d.at(i, 1 + c);
                    of_cosine += given.weight(j, f, c) * d.at(i, 1 + c);
                }
                exact[size_t(f)] -= TWO_PI * given.X.at(i, j) * of_cosine * std::sin(argument);
                exact[size_t(F + f)] -= of_cosine * std::sin(argument);
            }
            for (int64_t c = 0; c < C; ++c) exact[size_t(2 * F + F * C + c)] += d.at(i, 1 + c);
        }
        for (size_t at = 0; at < exact.size(); ++at) comparison.near(double(gradient[at]), exact[at], tolerance);
    }
}

template <typename Real>
void check_scale_columns(const Kernels<Real>& kernels, Random& random, Comparison& comparison) {
    for (int trial = 0; trial < 20; ++trial) {
        const int64_t rows = random.integer(1, 7), columns = random.integer(1, 3) * kernels.panel;
        Block<Real> a(random, rows, columns, kernels.panel, -2, 2), out(rows, columns, kernels.panel);
        const Block<Real> before = a;
        const std::vector<Real> scales = random.numbers<Real>(columns, -2, 2);
        Block<Real>& product = random.coin() ? a : out;
        kernels.scale_columns(a.data(), scales.data(), product.data(), rows, columns, a.stride);
        for (int64_t i = 0; i < rows; ++i) {
            for (int64_t j = 0; j < columns; ++j) {
                const double exact = before.at(i, j) * double(scales[size_t(j)]);
                comparison.near(product.at(i, j), exact, ROUNDING<Real> * std::abs(exact));
            }
        }
    }
}

template <typename Real>
void check_scale_columns_backward(const Kernels<Real>& kernels, Random& random, Comparison& comparison) {
    for (int trial = 0; trial < 20; ++trial) {
        const int64_t rows = random.integer(1, 7), columns = random.integer(1, 3) * kernels.panel;
        Block<Real> d(random, rows, columns, kernels.panel, -2, 2), a(random, rows, columns, kernels.panel, -2, 2);
        const Block<Real> d_before = d, a_before = a;
        const std::vector<Real> scales = random.numbers<Real>(columns, -2, 2);
        kernels.scale_columns_backward(d.data(), a.data(), scales.data(), rows, columns, d.stride);
        for (int64_t i = 0; i < rows; ++i) {
            for (int64_t j = 0; j < columns; ++j) {
                const double by = d_before.at(i, j), scaled = by * double(scales[size_t(j)]);
                comparison.near(a.at(i, j), a_before.at(i, j) * by, ROUNDING<Real> * std::abs(a_before.at(i, j) * by));
                comparison.near(d.at(i, j), scaled, ROUNDING<Real> * std::abs(scaled));
            }
        }
    }
}

template void check_combine_cosines(const Kernels<float>&, Random&, Comparison&);
template void check_combine_cosines(const Kernels<double>&, Random&, Comparison&);
template void check_combine_cosines_backward(const Kernels<float>&, Random&, Comparison&);
template void check_combine_cosines_backward(const Kernels<double>&, Random&, Comparison&);
template void check_scale_columns(const Kernels<float>&, Random&, Comparison&);
template void check_scale_columns(const Kernels<double>&, Random&, Comparison&);
template void check_scale_columns_backward(const Kernels<float>&, Random&, Comparison&);
template void check_scale_columns_backward(const Kernels<double>&, Random&, Comparison&);

}  // namespace treadle
