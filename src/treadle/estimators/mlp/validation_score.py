"""The score that early stopping goes by: the estimator's own, minus the loss, or a scorer of scikit-learn."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from treadle.engines.objective import Objective
from treadle.engines.rows import Rows
from treadle.network import Parameters
from treadle.training.held_out import plain_loss

if TYPE_CHECKING:
    from treadle.estimators.mlp.multilayer_perceptron import MultilayerPerceptron


def estimator_score(
    estimator: MultilayerPerceptron,
    scoring: Any,
    objective: Objective,
    X: Rows,
    targets: NDArray[Any],
    rows: NDArray[np.int64] | None,
    sample_weight: NDArray[np.float64] | None,
) -> Callable[[Parameters, NDArray[Any]], float]:
    """A function of parameters and logits of the rows held out that gives their score; more is better.

    Parameters
    ----------
    estimator : MultilayerPerceptron
        Knows its classes, if any, and nothing else need be fitted.
    scoring : None, "loss", the name of a scorer, or callable
        The hyper-parameter. None: accuracy or R^2. A callable takes the estimator, X and y.
    objective : Objective
    X, targets, rows, sample_weight
        As in ``HeldOut``.

    Raises
    ------
    ValueError
        If scikit-learn has no scorer of that name; its message lists them.
    """
    if rows is not None:
        targets = targets[rows]
        sample_weight = None if sample_weight is None else sample_weight[rows]
    if scoring is None:
        return lambda _parameters, logits: estimator._score_of(logits, targets, sample_weight)
    if scoring == "loss":
        return lambda _parameters, logits: -plain_loss(objective, logits, targets, sample_weight)
    from sklearn.metrics import get_scorer

    scorer = get_scorer(scoring)
    weights = {} if sample_weight is None or callable(scoring) else {"sample_weight": sample_weight}
    held_out, y = X if rows is None else X[rows], estimator._labels_of(targets)

    def score(parameters: Parameters, _logits: NDArray[Any]) -> float:
        fitted = copy.copy(estimator)
        fitted.__dict__.pop("feature_names_in_", None)  # X is an array here, and has no names
        fitted._take_parameters(parameters)
        return float(scorer(fitted, held_out, y, **weights))

    return score
