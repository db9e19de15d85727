"""Fitted trees, forests and boosted trees of scikit-learn, read into a ``TreeNetwork``.

What scikit-learn computes, and how it is kept:

- Its trees, forests and gradient boosting round X to float32 and test x <= t. With t rounded down to float32
  and u the next float32, that is x > t, and in float64, before the rounding: x at or beyond the middle of t
  and u, the middle itself included where it rounds to u (to even). So X needs no rounding here, and rows that
  are adjacent float32 numbers go where scikit-learn sends them.
- Histogram gradient boosting tests x <= t in float64: x at or beyond the next float64 goes right.
- A forest averages, gradient boosting multiplies by its learning rate and adds an initial prediction: in the
  values of the leaves, and in the bias. Sums then round in another order: equal to about 1e-15 of the largest
  value, where a single tree is equal to the bit.

Missing values and categorical features are refused: a network of steps has no answer for NaN.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from treadle.boxes.trees.tree_network import TreeNetwork
from treadle.boxes.trees.trees import LEAF, Trees, is_stumps, merged_stumps
from treadle.errors import InvalidInput

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator
    from sklearn.tree._tree import Tree


def from_tree(model: BaseEstimator) -> TreeNetwork:
    """Turn a fitted tree model of scikit-learn into an equal network.

    It has threshold units and leaf units.

    Parameters
    ----------
    model : fitted estimator of scikit-learn
        DecisionTree*, ExtraTree*, RandomForest*, ExtraTrees*, GradientBoosting* or HistGradientBoosting*,
        regressor or classifier.

    Returns
    -------
    TreeNetwork
        Its outputs are the prediction of a regressor, the probabilities of a classifier's tree or forest, and
        the decision function of boosted classifiers; ``gives`` says which. Histogram gradient boosting with a
        Poisson or gamma loss gives the logarithm of the prediction.

    Raises
    ------
    InvalidInput
        If the model is of another kind or not fitted, splits on missing values or categories, has several
        outputs each with classes, or starts from a model of its own.

    Notes
    -----
    A tree's outputs equal to the bit those of scikit-learn; of forests and boosting to about 1e-15 of the
    largest value. Stumps, trees of one test, take one hidden layer, and trees otherwise two.

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeRegressor
    >>> import treadle
    >>> tree = DecisionTreeRegressor(max_leaf_nodes=3).fit([[0.0], [1.0], [2.0]], [5.0, 6.0, 9.0])
    >>> network = treadle.from_tree(tree)
    >>> network.n_hidden_units_
    (2, 3)
    >>> network.forward([[0.5], [1.5]]).tolist() == tree.predict([[0.5], [1.5]]).tolist()
    True
    """
    from sklearn.base import is_classifier
    from sklearn.ensemble import (
        ExtraTreesClassifier,
        ExtraTreesRegressor,
        GradientBoostingClassifier,
        GradientBoostingRegressor,
        HistGradientBoostingClassifier,
        HistGradientBoostingRegressor,
        RandomForestClassifier,
        RandomForestRegressor,
    )
    from sklearn.exceptions import NotFittedError
    from sklearn.tree import BaseDecisionTree
    from sklearn.utils.validation import check_is_fitted

    forests = (
        RandomForestRegressor,
        RandomForestClassifier,
        ExtraTreesRegressor,
        ExtraTreesClassifier,
    )
    boosted = (GradientBoostingRegressor, GradientBoostingClassifier)
    histograms = (HistGradientBoostingRegressor, HistGradientBoostingClassifier)
    if not isinstance(model, (BaseDecisionTree, *forests, *boosted, *histograms)):
        raise InvalidInput(
            "model must be a decision tree, an extra tree, a random forest, extra trees, gradient boosting "
            f"or histogram gradient boosting of scikit-learn; got {type(model).__name__}"
        )
    try:
        check_is_fitted(model)
    except NotFittedError as error:
        raise InvalidInput(f"model must be fitted: call fit of the {type(model).__name__} first") from error
    if is_classifier(model) and getattr(model, "n_outputs_", 1) > 1:
        raise InvalidInput(
            f"a classifier must have one output; this {type(model).__name__} has {model.n_outputs_}: "
            "fit one for each"
        )

    gives = "prediction"
    if isinstance(model, histograms):
        parts, bias = _of_histograms(model)
        if is_classifier(model):
            gives = "decision function"
        elif model.loss in ("poisson", "gamma"):
            gives = "logarithm of the prediction"
    elif isinstance(model, boosted):
        parts, bias = _of_boosting(model)
        gives = "decision function" if is_classifier(model) else gives
    else:
        trees = model.estimators_ if isinstance(model, forests) else [model]
        parts = [_of_tree(tree.tree_, 1 / len(trees)) for tree in trees]
        bias = np.zeros(parts[0].values.shape[1])
        gives = "probabilities" if is_classifier(model) else gives
    constant = [part.values[0] for part in parts if part.features[0] == LEAF]
    together = _concatenated([part for part in parts if part.features[0] != LEAF], len(bias))
    if len(together.roots) and is_stumps(together):
        together = merged_stumps(together)
    bias = bias + np.sum(constant, axis=0) if constant else bias
    return TreeNetwork(together, bias, model.n_features_in_, gives, getattr(model, "classes_", None))


def _of_tree(tree: Tree, factor: float) -> Trees:
    """One tree of sklearn.tree, its values times the factor."""
    inner = tree.children_left != -1
    thresholds = np.where(inner, tree.threshold, 0.0)
    _check_thresholds(thresholds)
    features = np.where(inner, tree.feature, LEAF)
    edges = np.where(inner, edges_of_float32_tests(thresholds), np.nan)
    nodes = np.arange(tree.node_count)
    values = tree.value.reshape(tree.node_count, -1) * factor
    left, right = np.where(inner, tree.children_left, nodes), np.where(inner, tree.children_right, nodes)
    return Trees(features, edges, left, right, values, np.zeros(1, np.int64))


def _of_boosting(model: BaseEstimator) -> tuple[list[Trees], NDArray[np.float64]]:
    from sklearn.dummy import DummyClassifier, DummyRegressor

    if not isinstance(model.init_, DummyClassifier | DummyRegressor | str):
        raise InvalidInput(
            "gradient boosting must start from a constant, init=None or init='zero', to be a network of "
            f"trees; this one starts from {model.init_!r}"
        )
    bias = model._raw_predict_init(np.zeros((1, model.n_features_in_)))[0].astype(np.float64)
    parts = []
    for stage in model.estimators_:
        for k, tree in enumerate(stage):
            part = _of_tree(tree.tree_, model.learning_rate)
            parts.append(_in_column(part, k, len(bias)))
    return parts, bias


def _of_histograms(model: BaseEstimator) -> tuple[list[Trees], NDArray[np.float64]]:
    if model.is_categorical_ is not None and np.any(model.is_categorical_):
        columns = np.flatnonzero(model.is_categorical_).tolist()
        raise InvalidInput(
            f"categorical features cannot become thresholds; this model has them in columns {columns}: "
            "encode them as numbers (OneHotEncoder) and fit again"
        )
    bias = np.asarray(model._baseline_prediction, np.float64).ravel()
    parts = []
    for stage in model._predictors:
        for k, predictor in enumerate(stage):
            nodes = predictor.nodes
            inner = nodes["is_leaf"] == 0
            thresholds = np.where(inner, nodes["num_threshold"], 0.0)
            _check_thresholds(thresholds)
            own = np.arange(len(nodes))
            part = Trees(
                np.where(inner, nodes["feature_idx"], LEAF),
                np.where(inner, np.nextafter(thresholds, np.inf), np.nan),
                np.where(inner, nodes["left"].astype(np.int64), own),
                np.where(inner, nodes["right"].astype(np.int64), own),
                nodes["value"][:, None],
                np.zeros(1, np.int64),
            )
            parts.append(_in_column(part, k, len(bias)))
    return parts, bias


def _check_thresholds(thresholds: NDArray[np.float64]) -> None:
    if not np.isfinite(thresholds).all():
        raise InvalidInput(
            "a node splits on whether a value is missing (its threshold is infinite), which steps cannot do: "
            "fill in what is missing (SimpleImputer) and fit again"
        )


def edges_of_float32_tests(thresholds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the least float64 that, rounded to float32, exceeds each threshold.

    At or beyond it a row goes right.

    Parameters
    ----------
    thresholds : ndarray of float64
        Finite, and below the largest float32.
    """
    below = thresholds.astype(np.float32)
    below = np.where(below > thresholds, np.nextafter(below, np.float32(-np.inf)), below)
    above = np.nextafter(below, np.float32(np.inf))
    middle = below.astype(np.float64) / 2 + above.astype(np.float64) / 2
    rounds_to_above = above.view(np.uint32) % 2 == 0
    return np.where(rounds_to_above, middle, np.nextafter(middle, np.inf))


def _in_column(part: Trees, k: int, n_outputs: int) -> Trees:
    """The tree of one output among n_outputs."""
    values = np.zeros((len(part.values), n_outputs))
    values[:, k] = part.values[:, 0]
    return Trees(part.features, part.edges, part.left, part.right, values, part.roots)


def _concatenated(parts: list[Trees], n_outputs: int) -> Trees:
    """Join all trees to one set of arrays, in their order."""
    offsets = np.cumsum([0, *(len(part.features) for part in parts)])
    none = np.zeros(0, np.int64)
    return Trees(
        np.concatenate([none, *(part.features for part in parts)]),
        np.concatenate([np.zeros(0), *(part.edges for part in parts)]),
        np.concatenate([none, *(part.left + o for part, o in zip(parts, offsets, strict=False))]),
        np.concatenate([none, *(part.right + o for part, o in zip(parts, offsets, strict=False))]),
        np.concatenate([np.zeros((0, n_outputs)), *(part.values for part in parts)]),
        offsets[:-1],
    )
