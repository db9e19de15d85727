// Binds the look-ups of boxes.
#include <vector>

#include "bindings/bindings.h"
#include "boxes/look_up.h"

namespace treadle {
namespace {

// An axis of a grid, and what it reads from.
struct BoundAxis {
    Vector<const double> inner;
    Vector<const int32_t> starts;
    double origin, scale;

    Axis axis() const {
        return {.inner = inner.data(),
                .starts = starts.data(),
                .n_cells = int64_t(inner.shape(0)) + 1,
                .n_buckets = int64_t(starts.shape(0)) - 1,
                .origin = origin,
                .scale = scale};
    }
};

using Heights = std::optional<Vector<const double>>;
using Cells = std::optional<Vector<int64_t>>;
using Values = std::optional<Vector<double>>;

// The cells of points into `cells`, or the heights of their cells into `values`: one of them is None.
void look_up_grid_into(Matrix<const double> X, const std::vector<BoundAxis>& axes, Heights heights, Cells cells,
                       Values values, int threads) {
    std::vector<Axis> described;
    for (const BoundAxis& axis : axes) described.push_back(axis.axis());
    const nb::gil_scoped_release released;
    look_up_grid(X.data(), int64_t(X.shape(0)), described, memory(heights), memory(cells), memory(values), threads);
}

// A tree, and what it reads from.
struct BoundSplits {
    Vector<const int64_t> axis;
    Vector<const double> threshold;
    Matrix<const int64_t> children;

    Splits splits() const {
        return {.axis = axis.data(),
                .threshold = threshold.data(),
                .children = children.data(),
                .n_nodes = int64_t(axis.shape(0))};
    }
};

void look_up_tree_into(Matrix<const double> X, const BoundSplits& tree, Heights heights, Cells cells, Values values,
                       int threads) {
    const Splits splits = tree.splits();
    const nb::gil_scoped_release released;
    look_up_tree(X.data(), int64_t(X.shape(0)), int64_t(X.shape(1)), splits, memory(heights), memory(cells),
                 memory(values), threads);
}

}  // namespace

void bind_boxes(nb::module_& module) {
    nb::class_<BoundAxis>(module, "Axis")
        .def(
            "__init__",
            [](BoundAxis* self, Vector<const double> inner, Vector<const int32_t> starts, double origin, double scale) {
                new (self) BoundAxis{inner, starts, origin, scale};
            },
            array("inner"), array("starts"), "origin"_a, "scale"_a);
    nb::class_<BoundSplits>(module, "Splits")
        .def(
            "__init__",
            [](BoundSplits* self, Vector<const int64_t> axis, Vector<const double> threshold,
               Matrix<const int64_t> children) { new (self) BoundSplits{axis, threshold, children}; },
            array("axis"), array("threshold"), array("children"));
    module.def("look_up_grid", look_up_grid_into, array("X"), "axes"_a, array("heights"), array("cells"),
               array("values"), "threads"_a);
    module.def("look_up_tree", look_up_tree_into, array("X"), "tree"_a, array("heights"), array("cells"),
               array("values"), "threads"_a);
}

}  // namespace treadle
