// Gathering, activations, dropout and batch normalisation against loops in double precision.
#include <algorithm>

#include "checks.h"

namespace treadle {

namespace {

// Those whose slope is told by f(z), and then the others.
constexpr Activation ACTIVATIONS[] = {Activation::identity, Activation::relu, Activation::tanh, Activation::logistic,
                                      Activation::selu,     Activation::gelu, Activation::silu, Activation::mish};
constexpr int ALL = 8, TOLD = 5;
constexpr double SELU_SCALE = 1.0507009873554804934, SELU_FALL = 1.7580993408473768599;

double logistic(double z) { return 1 / (1 + std::exp(-z)); }
double Phi(double z) { return 0.5 * std::erfc(-z * 0x1.6a09e667f3bcdp-1); }
double phi(double z) { return 0.39894228040143267794 * std::exp(-z * z / 2); }

// f(z); at the infinities its limit.
double value(Activation f, double z) {
    switch (f) {
        case Activation::identity: return z;
        case Activation::relu: return z > 0 || std::isnan(z) ? z : 0;
        case Activation::tanh: return std::tanh(z);
        case Activation::logistic: return logistic(z);
        case Activation::gelu: return z < -40 ? 0 : z * Phi(z);
        case Activation::silu: return z < -800 ? 0 : z * logistic(z);
        case Activation::selu: return z > 0 ? SELU_SCALE * z : SELU_FALL * std::expm1(z);
        case Activation::mish: return z < -800 ? 0 : z > 800 ? z : z * std::tanh(std::log1p(std::exp(z)));
    }
    return NAN;
}

double slope(Activation f, double z) {
    switch (f) {
        case Activation::identity: return 1;
        case Activation::relu: return z > 0;
        case Activation::tanh: return std::isinf(z) ? 0 : 1 - std::tanh(z) * std::tanh(z);
        case Activation::logistic: return logistic(z) * logistic(-z);
        case Activation::gelu: return std::abs(z) > 40 ? z > 0 : Phi(z) + z * phi(z);
        case Activation::silu: return std::abs(z) > 800 ? z > 0 : logistic(z) * (1 + z * logistic(-z));
        case Activation::selu: return z > 0 ? SELU_SCALE : SELU_FALL * std::exp(z);
        case Activation::mish: {
            if (std::abs(z) > 800) return z > 0;
            const double t = std::tanh(std::log1p(std::exp(z)));
            return t + z * (1 - t * t) * logistic(z);
        }
    }
    return NAN;
}

// activations.h: right to a few units of rounding of the larger of 1 and the value.
template <typename Real>
double activation_tolerance(double exact) {
    return 16 * ROUNDING<Real> * std::max(1.0, std::abs(exact));
}

// z with what is special strewn in; its padding is as random as the rest.
template <typename Real>
Block<Real> a_block(Random& random, int64_t panel) {
    constexpr Real special[] = {0, Real(-0.0), INFINITY, -INFINITY, NAN, Real(1e30), Real(-1e30), 88, -88, Real(1e-30)};
    Block<Real> z(random, random.integer(1, 7), random.integer(1, 3) * panel, panel, -12, 12);
    for (int i = 0; i < 8; ++i)
        z.row(random.integer(0, z.rows - 1))[random.integer(0, z.padded - 1)] = special[random.integer(0, 9)];
    return z;
}

// Dropout of a block, which begins anywhere in rows of more units.
template <typename Real>
struct Drawn {
    std::vector<uint8_t> bytes;
    Dropout<Real> dropout;

    Drawn(Random& random, const Block<Real>& block) {
        const int64_t units = block.padded + random.integer(0, 40), first = random.integer(0, 100);
        bytes.resize(size_t((first + block.rows * units) / 8 + 5));
        for (uint8_t& byte : bytes) byte = uint8_t(random.bits());
        dropout = {bytes.data(), first, units, random.number<Real>(1, 3)};
    }

    double factor(int64_t i, int64_t j) const {
        const int64_t bit = dropout.first + i * dropout.row_bits + j;
        return bytes[size_t(bit / 8)] >> (bit % 8) & 1 ? double(dropout.factor) : 0;
    }
};

}  // namespace

template <typename Real>
void check_gather(const Kernels<Real>& kernels, Random& random, Comparison& comparison) {
    for (int trial = 0; trial < 60; ++trial) {
        const auto type = Number(trial % 3);
        const int64_t size = type == Number::uint8 ? 1 : type == Number::float32 ? 4 : 8;
        const int64_t rows = random.integer(1, 9), columns = random.integer(1, 70), n = random.integer(1, 11);
        // Rows or columns of the array lie next to each other, or apart, or backwards.
        const bool transposed = random.coin();
        const int64_t column = (transposed ? rows : random.integer(1, 2)) * size * (random.integer(0, 3) ? 1 : -1);
        const int64_t row = transposed ? size : std::abs(column) * columns + random.integer(0, 3) * size;
        const int64_t first = column < 0 ? -column * (columns - 1) : 0;
        std::vector<unsigned char> bytes(size_t(first + row * (rows - 1) + std::max(column, -column) * columns));
        const auto place = [&](int64_t i, int64_t j) { return bytes.data() + first + i * row + j * column; };
        std::vector<double> values(size_t(rows * columns));
        for (int64_t i = 0; i < rows; ++i) {
            for (int64_t j = 0; j < columns; ++j) {
                double& value = values[size_t(i * columns + j)];
                const auto number = uint8_t(random.integer(0, 255));
                const float single = random.number<float>(-3, 3);
                const double twofold = single + 1e-9;
                value = type == Number::uint8 ? number : type == Number::float32 ? double(single) : twofold;
                if (type == Number::uint8)
                    std::memcpy(place(i, j), &number, 1);
                else if (type == Number::float32)
                    std::memcpy(place(i, j), &single, 4);
                else
                    std::memcpy(place(i, j), &twofold, 8);
            }
        }
        const Rows X{bytes.data() + first,    type, row, column, columns, random.coin() ? 1 / 255.0 : 1,
                     random.coin() ? 0 : -0.3};
        std::vector<int64_t> order;
        for (int64_t i = 0; i < n; ++i) order.push_back(random.integer(0, rows - 1));
        Block<Real> out(n, columns, kernels.panel);
        kernels.gather(X, order.data(), n, out.data(), out.stride);
        for (int64_t i = 0; i < n; ++i) {
            for (int64_t j = 0; j < columns; ++j) {
                const double scaled = values[size_t(order[size_t(i)] * columns + j)] * X.scale;
                comparison.near(out.at(i, j), scaled + X.offset,
                                4 * ROUNDING<Real> * (std::abs(scaled) + std::abs(X.offset)));
            }
        }
    }
}

template <typename Real>
void check_activate(const Kernels<Real>& kernels, Random& random, Comparison& comparison) {
    for (int trial = 0; trial < 48; ++trial) {
        const Activation f = ACTIVATIONS[trial % ALL];
        Block<Real> z = a_block<Real>(random, kernels.panel), apart(z.rows, z.columns, kernels.panel);
        const Block<Real> before = z;
        const bool in_place = random.coin(), mixed = random.coin();
        Block<Real>& out = in_place ? z : apart;
        Block<Real> differences(z.rows, z.columns, kernels.panel);
        const std::vector<Real> slopes = random.numbers<Real>(z.padded, -2, 2);
        const Parametric<Real> parametric = {mixed ? slopes.data() : nullptr, differences.data()};
        const Drawn<Real> drawn(random, z);
        const Dropout<Real> dropout = in_place || random.coin() ? Dropout<Real>{} : drawn.dropout;
        kernels.activate(f, z.data(), out.data(), parametric, dropout, z.rows, z.padded, z.stride);
        for (int64_t i = 0; i < z.rows; ++i) {
            for (int64_t j = 0; j < z.padded; ++j) {
                const double x = before.at(i, j), factor = dropout.kept ? drawn.factor(i, j) : 1;
                double h = value(f, x), s = slope(f, x), size = std::max(std::abs(h), 1.0);
                if (mixed) {
                    const double k = slopes[size_t(j)], difference = h - x;
                    size += 3 * (std::abs(x) + std::abs(h));
                    if (!in_place) comparison.near(differences.at(i, j), difference, activation_tolerance<Real>(size));
                    h = x + k * difference;
                    s = 1 - k + k * s;
                }
                comparison.near(out.at(i, j), h * factor, factor * activation_tolerance<Real>(size));
                if (!in_place) comparison.near(z.at(i, j), s, 4 * activation_tolerance<Real>(s));
            }
        }
    }
}

template <typename Real>
void check_activate_backward(const Kernels<Real>& kernels, Random& random, Comparison& comparison) {
    for (int trial = 0; trial < 48; ++trial) {
        const Activation f = ACTIVATIONS[trial % TOLD];
        const Block<Real> z = a_block<Real>(random, kernels.panel);
        Block<Real> d(random, z.rows, z.columns, kernels.panel, -2, 2), h = z;
        const Block<Real> before = d;
        for (int64_t i = 0; i < z.rows; ++i)
            for (int64_t j = 0; j < z.padded; ++j) h.row(i)[j] = Real(value(f, z.at(i, j)));
        kernels.activate_backward(f, d.data(), h.data(), z.rows, z.padded, z.stride);
        for (int64_t i = 0; i < z.rows; ++i) {
            for (int64_t j = 0; j < z.padded; ++j) {
                const double s = slope(f, z.at(i, j)), size = std::abs(before.at(i, j));
                comparison.near(d.at(i, j), before.at(i, j) * s, size * activation_tolerance<Real>(s));
            }
        }
    }
}

template <typename Real>
void check_multiply_by_derivatives(const Kernels<Real>& kernels, Random& random, Comparison& comparison) {
    for (int trial = 0; trial < 20; ++trial) {
        const int64_t rows = random.integer(1, 7), columns = random.integer(1, 3) * kernels.panel;
        Block<Real> d(random, rows, columns, kernels.panel, -2, 2), slopes(random, rows, columns, kernels.panel, -1, 1);
        Block<Real> differences(random, rows, columns, kernels.panel, -1, 1);
        const Block<Real> before = d, differences_before = differences;
        const Drawn<Real> drawn(random, d);
        const Dropout<Real> dropout = trial % 2 ? drawn.dropout : Dropout<Real>{};
        const bool mixed = trial % 4 > 1;
        kernels.multiply_by_derivatives(d.data(), slopes.data(), mixed ? differences.data() : nullptr, dropout, rows,
                                        columns, d.stride);
        for (int64_t i = 0; i < rows; ++i) {
            for (int64_t j = 0; j < columns; ++j) {
                const double dropped = before.at(i, j) * (dropout.kept ? drawn.factor(i, j) : 1);
                comparison.near(d.at(i, j), dropped * slopes.at(i, j),
                                3 * ROUNDING<Real> * std::abs(dropped * slopes.at(i, j)));
                const double product = differences_before.at(i, j) * (mixed ? dropped : 1);
                comparison.near(differences.at(i, j), product, 3 * ROUNDING<Real> * std::abs(product));
            }
        }
    }
}

template <typename Real>
void check_normalise(const Kernels<Real>& kernels, Random& random, Comparison& comparison) {
    constexpr auto epsilon = Real(1e-5), momentum = Real(0.1);
    for (int trial = 0; trial < 25; ++trial) {
        const int64_t rows = trial % 5 == 0 ? 1 : random.integer(2, 80), panel = kernels.panel,
                      columns = random.integer(1, 5) * panel;
        Block<Real> u(random, rows, columns, panel, -1, 2), z(rows, columns, panel);
        const Block<Real> x = u;
        const std::vector<Real> scale = random.numbers<Real>(columns, -2, 2),
                                bias = random.numbers<Real>(columns, -1, 1);
        const std::vector<Real> old_mean = random.numbers<Real>(columns, -1, 1),
                                old_variance = random.numbers<Real>(columns, 0, 2);
        std::vector<Real> inverse(scale.size(), NOT_WRITTEN<Real>), running_mean = old_mean,
                                                                    running_variance = old_variance;
        kernels.normalise(u.data(), z.data(), rows, columns, u.stride, scale.data(), bias.data(), epsilon, momentum,
                          inverse.data(), running_mean.data(), running_variance.data());
        for (int64_t j = 0; j < columns; ++j) {
            const size_t at = size_t(j);
            const double n = double(rows);
            double mean = 0, largest = 0, squares = 0;
            for (int64_t i = 0; i < rows; ++i) {
                mean += x.at(i, j) / n;
                largest = std::max(largest, std::abs(x.at(i, j)));
            }
            for (int64_t i = 0; i < rows; ++i) squares += (x.at(i, j) - mean) * (x.at(i, j) - mean);
            // What rounding does: to the mean, to what is centred by it, to the variance, to 1 / sqrt.
            const double mean_error = (n + 2) * ROUNDING<Real> * largest,
                         centred = mean_error + 2 * ROUNDING<Real> * largest;
            const double variance = squares / n, spread = 1 / std::sqrt(variance + double(epsilon));
            const double variance_error =
                2 * centred * std::sqrt(variance) + centred * centred + 2 * (n + 4) * ROUNDING<Real> * variance;
            const double relative = spread * spread * variance_error + 4 * ROUNDING<Real>;
            comparison.near(inverse[at], spread, spread * relative);
            for (int64_t i = 0; i < rows; ++i) {
                const double s = (x.at(i, j) - mean) * spread, error = centred * spread + 2 * relative * std::abs(s);
                comparison.near(u.at(i, j), s, error);
                const double gamma = scale[at], beta = bias[at];
                comparison.near(z.at(i, j), gamma * s + beta,
                                std::abs(gamma) * error + 4 * ROUNDING<Real> * (std::abs(gamma * s) + std::abs(beta)));
            }
            const double kept_mean = old_mean[at], kept_variance = old_variance[at];
            if (rows == 1) {
                comparison.near(running_mean[at], kept_mean, 0);
                comparison.near(running_variance[at], kept_variance, 0);
                continue;
            }
            const double take = momentum, unbiased = squares / (n - 1);
            comparison.near(running_mean[at], (1 - take) * kept_mean + take * mean, mean_error + 4 * ROUNDING<Real>);
            comparison.near(running_variance[at], (1 - take) * kept_variance + take * unbiased,
                            2 * variance_error + 4 * ROUNDING<Real> * (kept_variance + unbiased));
        }
    }
}

template <typename Real>
void check_normalise_backward(const Kernels<Real>& kernels, Random& random, Comparison& comparison) {
    for (int trial = 0; trial < 25; ++trial) {
        const int64_t rows = trial % 5 == 0 ? 1 : random.integer(2, 80), panel = kernels.panel,
                      columns = random.integer(1, 5) * panel;
        Block<Real> d(random, rows, columns, panel, -1, 1), u(random, rows, columns, panel, -2, 2);
        const Block<Real> before = d;
        const std::vector<Real> scale = random.numbers<Real>(columns, -2, 2),
                                inverse = random.numbers<Real>(columns, 0.1, 3);
        std::vector<Real> scale_gradient(scale.size(), NOT_WRITTEN<Real>),
            bias_gradient(scale.size(), NOT_WRITTEN<Real>);
        kernels.normalise_backward(d.data(), u.data(), rows, columns, d.stride, scale.data(), inverse.data(),
                                   scale_gradient.data(), bias_gradient.data());
        for (int64_t j = 0; j < columns; ++j) {
            const size_t at = size_t(j);
            const double n = double(rows), factor = double(scale[at]) * double(inverse[at]);
            double sum = 0, product = 0, sum_size = 0, product_size = 0;
            for (int64_t i = 0; i < rows; ++i) {
                sum += before.at(i, j);
                sum_size += std::abs(before.at(i, j));
                product += before.at(i, j) * u.at(i, j);
                product_size += std::abs(before.at(i, j) * u.at(i, j));
            }
            const double sum_error = n * ROUNDING<Real> * sum_size,
                         product_error = 2 * n * ROUNDING<Real> * product_size;
            comparison.near(bias_gradient[at], sum, sum_error);
            comparison.near(scale_gradient[at], product, product_error);
            for (int64_t i = 0; i < rows; ++i) {
                const double mean = sum / n, lean = u.at(i, j) * product / n;
                const double terms = std::abs(before.at(i, j)) + std::abs(mean) + std::abs(lean);
                const double error =
                    (sum_error + product_error * std::abs(u.at(i, j))) / n + 8 * ROUNDING<Real> * terms;
                comparison.near(d.at(i, j), factor * (before.at(i, j) - mean - lean), std::abs(factor) * error);
            }
        }
    }
}

template void check_gather(const Kernels<float>&, Random&, Comparison&);
template void check_gather(const Kernels<double>&, Random&, Comparison&);
template void check_activate(const Kernels<float>&, Random&, Comparison&);
template void check_activate(const Kernels<double>&, Random&, Comparison&);
template void check_activate_backward(const Kernels<float>&, Random&, Comparison&);
template void check_activate_backward(const Kernels<double>&, Random&, Comparison&);
template void check_multiply_by_derivatives(const Kernels<float>&, Random&, Comparison&);
template void check_multiply_by_derivatives(const Kernels<double>&, Random&, Comparison&);
template void check_normalise(const Kernels<float>&, Random&, Comparison&);
template void check_normalise(const Kernels<double>&, Random&, Comparison&);
template void check_normalise_backward(const Kernels<float>&, Random&, Comparison&);
template void check_normalise_backward(const Kernels<double>&, Random&, Comparison&);

}  // namespace treadle
