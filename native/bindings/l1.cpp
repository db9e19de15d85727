// Binds the passes of the exact L1 regression.
#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

#include "bindings/bindings.h"
#include "l1/l1_passes.h"

namespace treadle {
namespace {

// The rows of an interior point: Z (n, stride), of which p columns count, and state (STATES, n).
class BoundInterior {
public:
    BoundInterior(Matrix<const double> Z, Matrix<double> state, int64_t p, int threads, const std::string& kernels)
        : Z_(Z), state_(state), threads_(threads), kernels_(*kernels_by_name<double>(kernels).l1),
          rows_{.Z = Z_.data(),
                .n = int64_t(Z_.shape(0)),
                .p = p,
                .stride = int64_t(Z_.shape(1)),
                .state = state_.data()} {}

    double normal(double primal, double dual, Matrix<double> M, Vector<double> b) {
        const nb::gil_scoped_release released;
        return interior_normal(rows_, primal, dual, M.data(), b.data(), threads_, kernels_, scratch_);
    }

    void predict(Vector<const double> dw, Vector<double> sums) const {
        const nb::gil_scoped_release released;
        interior_predict(rows_, dw.data(), sums.data(), threads_, kernels_);
    }

    void correct(double mu, Vector<double> b) const {
        const nb::gil_scoped_release released;
        interior_correct(rows_, mu, b.data(), threads_, kernels_);
    }

    void step(Vector<const double> dw, Vector<double> sums) const {
        const nb::gil_scoped_release released;
        interior_step(rows_, dw.data(), sums.data(), threads_, kernels_);
    }

private:
    const Matrix<const double> Z_;
    const Matrix<double> state_;
    const int threads_;
    const L1Kernels& kernels_;
    const InteriorRows rows_;
    std::vector<double> scratch_;
};

// The request of a screen or its check: the rows of a regression, and a guess.
struct Screen {
    Strides X, y;
    std::optional<Vector<const int64_t>> some;
    std::optional<Vector<const double>> weights;
    Vector<const int64_t> columns;
    Matrix<const double> A;
    Vector<const double> w;
    double radius, low, high;

    ScreenRequest request(int8_t* side) const {
        return {.X = X.strided(),
                .y = y.strided(),
                .some = memory(some),
                .weights = memory(weights),
                .columns = columns.data(),
                .k = int64_t(columns.shape(0)),
                .p = int64_t(A.shape(1)),
                .A = A.data(),
                .w = w.data(),
                .radius = radius,
                .low = low,
                .high = high,
                .side = side};
    }
};

// As bytes, which Python takes without a copy of its own.
nb::bytes bytes_of(const std::vector<int64_t>& rows) { return nb::bytes(rows.data(), rows.size() * sizeof(int64_t)); }

// The int64 numbers of the rows kept, the sums of the others' losses and |u|, and the first row that is not finite, or
// -1; `side` and `fold` are written.
std::tuple<nb::bytes, double, double, int64_t> l1_screen(const Screen& screen, Vector<int8_t> side, Vector<double> fold,
                                                         int threads, const std::string& kernels) {
    ScreenSums sums;
    {
        const nb::gil_scoped_release released;
        sums = screen_all(screen.request(side.data()), int64_t(side.shape(0)), threads,
                          *kernels_by_name<double>(kernels).l1);
        std::copy(sums.fold.begin(), sums.fold.end(), fold.data());
    }
    return {bytes_of(sums.rows), sums.loss, sums.size, sums.not_finite};
}

// The int64 numbers of the rows on another side than `side` says.
nb::bytes l1_check(const Screen& screen, Vector<int8_t> side, int threads, const std::string& kernels) {
    ScreenSums sums;
    {
        const nb::gil_scoped_release released;
        sums = check_all(screen.request(side.data()), int64_t(side.shape(0)), threads,
                         *kernels_by_name<double>(kernels).l1);
    }
    return bytes_of(sums.rows);
}

}  // namespace

void bind_l1(nb::module_& module) {
    nb::class_<BoundInterior>(module, "L1Interior")
        .def(nb::init<Matrix<const double>, Matrix<double>, int64_t, int, const std::string&>(), array("Z"),
             array("state"), "p"_a, "threads"_a, "kernels"_a)
        .def("normal", &BoundInterior::normal, "primal"_a, "dual"_a, array("M"), array("b"))
        .def("predict", &BoundInterior::predict, array("dw"), array("sums"))
        .def("correct", &BoundInterior::correct, "mu"_a, array("b"))
        .def("step", &BoundInterior::step, array("dw"), array("sums"));
    nb::class_<Screen>(module, "L1Screen")
        .def(
            "__init__",
            [](Screen* self, nb::handle X, nb::handle y, std::optional<Vector<const int64_t>> some,
               std::optional<Vector<const double>> weights, Vector<const int64_t> columns, Matrix<const double> A,
               Vector<const double> w, double radius, double low, double high) {
                new (self) Screen{Strides(X), Strides(y), some, weights, columns, A, w, radius, low, high};
            },
            nb::kw_only(), "X"_a, "y"_a, array("some"), array("weights"), array("columns"), array("A"), array("w"),
            "radius"_a, "low"_a, "high"_a);
    module.def("l1_screen", l1_screen, "screen"_a, array("side"), array("fold"), "threads"_a, "kernels"_a);
    module.def("l1_check", l1_check, "screen"_a, array("side"), "threads"_a, "kernels"_a);
}

}  // namespace treadle
