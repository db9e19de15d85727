"""Regression by a box network from noisy data, as a scikit-learn estimator.

The boxes are those of ``treadle.boxes``. It checks, centres and chooses; the fits are
``treadle.boxes.from_data.grid_choice``'s, ``cell_growth``'s and ``segmentation``'s. It takes one output and
dense, finite X.

Dimensions: N samples, D features.
"""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from treadle.boxes.cells.split_tree import SplitTree
from treadle.boxes.from_data.cell_growth import Growth, Rows, validated_growth, validation_errors
from treadle.boxes.from_data.data_edges import Feature
from treadle.boxes.from_data.grid_choice import GridFitter, first_of_least
from treadle.boxes.from_data.leave_one_out import CellSums, cell_sums, heights_of
from treadle.boxes.from_data.segmentation import MOST_BOXES, MOST_GROUPS, least_squares_edges
from treadle.boxes.network.box_network import BoxNetwork
from treadle.boxes.network.exact_sums import summable
from treadle.boxes.network.network_file import described, from_description
from treadle.errors import InvalidInput
from treadle.estimators.files.saving import Savable, Saved, check_feature_names
from treadle.estimators.hyperparameters import check_hyperparameters
from treadle.estimators.sample_weights import checked_weights
from treadle.estimators.text_in_features import text_in_features_told

CURVES = ("loo_curve", "validation_curve")


class BoxRegressor(Savable, RegressorMixin, BaseEstimator):  # type: ignore[misc]
    r"""Least-squares regression by boxes, as many as the data can tell apart.

    The network is a constant in each of its boxes, the weighted mean of y there, or with ``order=1`` linear
    between the edges. Outside of the range of X it goes on as at the nearest point.

    Parameters
    ----------
    n_boxes : int or "auto", default="auto"
        One feature: the number of boxes, less where ties of X allow no more. Several: the greatest number.
        "auto" is the number of least leave-one-out error, which is known in closed form where the boxes do
        not depend on y (uniform, quantile), and of least error in five-fold validation else.
    partition : {"uniform", "quantile", "optimal", "adaptive", "tree"}, default="uniform"
        Where the edges are. uniform: boxes of equal width. quantile: of equal weight. Of several features
        both make a grid, and "auto" divides the axis that lowers the error most, one at a time.
        optimal: the least sum of squares, exactly, among edges at 512 quantiles; one feature, order 0.
        adaptive: boxes split in their middle, tree: split where it helps most; the best box first, along any
        axis, order 0. Where the number is "auto", optimal tries 256 boxes at most, adaptive and tree 1024.
    order : {0, 1}, default=0
        0: boxes. 1: continuous, piecewise linear, in several features on Kuhn's simplices; at most 1024
        nodes, on the features that have a say.

    Attributes
    ----------
    network_ : BoxNetwork
        What was fitted: ``network_.to_torch()``, ``network_.to_onnx(path)``, ``network_.layers()``. Nothing
        is proved of its error against the function behind the data: ``network_.error_bound_`` is nan.
    network_features_ : ndarray of int64
        The columns of X that ``network_`` takes: all; with ``order=1`` those that have a say, one at least.
    n_boxes_ : int
    n_boxes_tried_ : ndarray of int64
        Numbers of boxes that were compared, in the order of trying.
    loo_curve_ : ndarray of float64, or None
        The mean squared leave-one-out error of each; None where the boxes depend on y.
    validation_curve_ : ndarray of float64, or None
        The mean squared error of each on rows left out of five growths; None where the boxes do not depend on
        y. Empty where n_boxes is given.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (D,)
        Where X had names.

    Notes
    -----
    Weights count as repetitions of rows, in the error that is left out too; if all are below 1, the greatest
    counts as one row. A box without rows takes the mean
    of the rows in the smallest block of boxes around it that has any. A grid's number of boxes is the product
    over its axes: where many features matter, no grid is fine enough, and ``partition="tree"`` goes furthest.

    References
    ----------
    Tukey, "Curves as parameters, and touch estimation" (1961), for the regressogram. Donoho, "CART and best-
    ortho-basis: a connection" (1997), for dyadic boxes.

    Examples
    --------
    >>> import numpy as np, treadle
    >>> x = np.linspace(0, 1, 200)
    >>> model = treadle.BoxRegressor(order=1).fit(x[:, None], np.abs(x - 0.5))
    >>> bool(abs(model.predict([[0.25]])[0] - 0.25) < 0.01)
    True
    """

    def __init__(self, n_boxes: int | str = "auto", *, partition: str = "uniform", order: int = 0) -> None:
        self.n_boxes = n_boxes
        self.partition = partition
        self.order = order

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Choose the boxes and their heights.

        Parameters
        ----------
        X : array_like of shape (N, D)
            Finite numbers; they become float64.
        y : array_like of shape (N,)
        sample_weight : array_like of shape (N,), optional
            Finite, at least 0, not all 0. None: all 1.

        Raises
        ------
        InvalidInput
            If a parameter or a weight is not as above, or the partition does not go with D or the order. Like
            all errors that scikit-learn raises for X and y, it is a ValueError.
        """
        check_hyperparameters(type(self).__name__, vars(self))
        with text_in_features_told(X):
            features, targets = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        self._check_partition(features.shape[1])
        targets = np.asarray(targets, np.float64)
        weights = checked_weights(sample_weight, len(targets))
        if weights is None:
            weights = np.ones(len(targets))
        elif not weights.all():
            features, targets, weights = features[weights > 0], targets[weights > 0], weights[weights > 0]
        weights = weights / min(1.0, float(weights.max()))
        # Sums of squares lose their digits to an offset.
        offset = float((weights / weights.sum() * targets).sum())
        rows = Rows(features, targets - offset, weights)
        n_boxes = None if isinstance(self.n_boxes, str) else int(self.n_boxes)
        self.network_features_ = np.arange(features.shape[1])
        self.loo_curve_: NDArray[np.float64] | None = None
        self.validation_curve_: NDArray[np.float64] | None = None
        if self.partition in ("uniform", "quantile"):
            self.network_ = self._on_a_grid(rows, n_boxes, offset)
        elif self.partition == "optimal":
            self.network_ = self._optimal(rows, n_boxes, offset)
        else:
            self.network_ = self._grown(rows, n_boxes, offset)
        self.n_boxes_ = self.network_.n_boxes_
        return self

    def predict(self, X: ArrayLike) -> NDArray[np.float64]:
        """The network's value at each row.

        Parameters
        ----------
        X : array_like of shape (N, D)
            With the features of ``fit``, in their order.

        Returns
        -------
        ndarray of shape (N,), float64
        """
        check_is_fitted(self)
        with text_in_features_told(X):
            features = validate_data(self, X, dtype=np.float64, reset=False)
        return self.network_.predict(features[:, self.network_features_])

    def _saved(self) -> Saved:
        arrays, network = described(self.network_.record)
        arrays |= {"network_features": self.network_features_, "n_boxes_tried": self.n_boxes_tried_}
        for name in CURVES:
            curve = getattr(self, f"{name}_")
            if curve is not None:  # the error of a single row is infinite, and files hold finite numbers
                arrays[name] = np.where(np.isfinite(curve), curve, -1.0)
        names = getattr(self, "feature_names_in_", None)
        return Saved({"network": network, "n_features": int(self.n_features_in_), "names": names}, arrays)

    def _load_saved(self, saved: Saved) -> None:
        arrays, n_features, names = dict(saved.arrays), saved.fields["n_features"], saved.fields["names"]
        columns, tried = arrays.pop("network_features"), arrays.pop("n_boxes_tried")
        curves = {name: arrays.pop(name, None) for name in CURVES}
        network = BoxNetwork.of(from_description(arrays, dict(saved.fields["network"])))
        in_order = columns.dtype == np.int64 and columns.ndim == 1 and (np.diff(columns) > 0).all()
        if not (in_order and columns.size == network.n_dims and type(n_features) is int):
            raise InvalidInput(f"network_features must be {network.n_dims} columns in order; got {columns}")
        if not 0 <= columns[0] <= columns[-1] < n_features:
            raise InvalidInput(f"network_features must be among {n_features} columns; got {columns}")
        check_feature_names(names, n_features)
        if tried.dtype != np.int64 or tried.ndim != 1:
            raise InvalidInput(f"n_boxes_tried must be whole numbers; got {tried!r:.80}")
        for name, curve in curves.items():
            if curve is not None and (curve.shape != tried.shape or curve.dtype != np.float64):
                raise InvalidInput(f"{name} must be a number for each of n_boxes_tried; got {curve!r:.80}")
            setattr(self, f"{name}_", None if curve is None else np.where(curve < 0, np.inf, curve))
        self.network_, self.network_features_, self.n_boxes_tried_ = network, columns, tried
        self.n_boxes_, self.n_features_in_ = network.n_boxes_, n_features
        if names is not None:
            self.feature_names_in_ = names

    def _check_partition(self, n_features: int) -> None:
        if self.order == 1 and self.partition not in ("uniform", "quantile"):
            raise InvalidInput(
                "order=1 takes the partition 'uniform' or 'quantile', whose edges do not depend on y; got "
                f"{self.partition!r}"
            )
        if self.partition == "optimal" and n_features > 1:
            raise InvalidInput(
                f"partition='optimal' is for one feature, as no exact method is known for more; X has "
                f"{n_features}: take 'tree' or 'adaptive'"
            )

    def _on_a_grid(self, rows: Rows, n_boxes: int | None, offset: float) -> BoxNetwork:
        fitter = GridFitter(rows.X, rows.y, rows.weights, self.partition, self.order)
        chosen = fitter.choose(n_boxes)
        self.network_features_ = chosen.features
        self.n_boxes_tried_, self.loo_curve_ = chosen.n_boxes_tried, chosen.errors
        if self.order == 1:
            return BoxNetwork(chosen.edges, chosen.heights + offset, order=1, activation="relu")
        return BoxNetwork(chosen.edges, summable(chosen.heights + offset))

    def _optimal(self, rows: Rows, n_boxes: int | None, offset: float) -> BoxNetwork:
        x, y, weights = rows.X[:, 0], rows.y, rows.weights
        groups = Feature(x, weights).quantile(MOST_GROUPS)

        def errors_of(train: Rows, test: Rows, most: int) -> list[float]:
            best = least_squares_edges(groups, train.X[:, 0], train.y, train.weights, min(most, MOST_BOXES))
            learnt, left_out = _group_sums(groups, train), _group_sums(groups, test)
            starts = [np.searchsorted(groups, edges[:-1]) for edges in best]
            return [_squares_left(_of_runs(learnt, at), _of_runs(left_out, at)) for at in starts]

        self.validation_curve_ = np.zeros(0)
        if n_boxes is None:
            self.validation_curve_ = validation_errors(rows, errors_of)[:MOST_BOXES]
            n_boxes = first_of_least(self.validation_curve_.tolist()) + 1
        self.n_boxes_tried_ = np.arange(1, self.validation_curve_.size + 1)
        edges = least_squares_edges(groups, x, y, weights, n_boxes)[-1]
        runs = _of_runs(_group_sums(groups, rows), np.searchsorted(groups, edges[:-1]))
        return BoxNetwork([edges], summable(heights_of(runs) + offset))

    def _grown(self, rows: Rows, n_boxes: int | None, offset: float) -> BoxNetwork:
        features = [Feature(column, rows.weights) for column in rows.X.T]
        bounds = np.array([[feature.least, feature.greatest] for feature in features])
        where = "middle" if self.partition == "adaptive" else "best"
        growth, self.validation_curve_ = validated_growth(rows, bounds, where, n_boxes)
        self.n_boxes_tried_ = np.arange(1, self.validation_curve_.size + 1)
        return _network_of(growth, bounds, offset)


def _network_of(growth: Growth, bounds: NDArray[np.float64], offset: float) -> BoxNetwork:
    """Make the network: boxes on a line, or a tree of cuts.

    One feature gives boxes in their order, several the tree.
    """
    tree = SplitTree(bounds, growth.axes, growth.edges, np.reshape(growth.children, (-1, 2)))
    heights = np.array(growth.heights) + offset
    if len(bounds) > 1:
        return BoxNetwork(tree, heights)
    order = np.argsort(tree.corners()[0][:, 0])
    return BoxNetwork(tree.edges, summable(heights[order]))


def _group_sums(edges: NDArray[np.float64], rows: Rows) -> CellSums:
    """Sum the rows of each group on a line."""
    groups = np.searchsorted(edges[1:-1], rows.X[:, 0], side="right")
    return cell_sums(groups, (edges.size - 1,), rows.y, rows.weights)


def _of_runs(sums: CellSums, starts: NDArray[np.int64]) -> CellSums:
    """Sum runs of groups to boxes, each run from its start on."""
    return CellSums(*(np.add.reduceat(one, starts) for one in sums))


def _squares_left(learnt: CellSums, left_out: CellSums) -> float:
    """Sum the squares of left-out rows about the means of learnt ones."""
    heights = heights_of(learnt)
    w, s, q = left_out
    return float((q - 2 * heights * s + heights**2 * w).sum())
