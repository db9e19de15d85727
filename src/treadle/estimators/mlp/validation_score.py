"""The score of early stopping: the estimator's, minus the loss, or a scorer's.

A scorer is scikit-learn's.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from treadle.engines.objective import Objective
from treadle.engines.rows import Rows
from treadle.estimators.mlp.targets import Targets
from treadle.estimators.mlp.training_recipe import Scoring
from treadle.maths.dtypes import Floats, Numbers
from treadle.network import Parameters
from treadle.training.held_out import plain_loss


def score_name(scoring: Scoring, kind: Targets) -> str:
    """Name the score that ``scoring`` asks for, as a table of epochs does.

    It is the kind's own for None, and "score" for minus the loss and for a callable.
    """
    if scoring is None:
        return kind.score_name
    return scoring if isinstance(scoring, str) and scoring != "loss" else "score"


def score_of_held_out(
    scoring: Scoring,
    kind: Targets,
    estimator_with: Callable[[Parameters], object],
    objective: Objective,
    X: Rows,
    targets: Numbers,
    rows: NDArray[np.int64] | None,
    sample_weight: NDArray[np.float64] | None,
) -> Callable[[Parameters, Floats], float]:
    """Return a function that scores the held-out rows; more is better.

    It takes parameters, and the logits of these rows.

    Parameters
    ----------
    scoring : None, "loss", the name of a scorer, or callable
        The hyper-parameter. None: accuracy or R^2. A callable takes the estimator, X and y.
    kind : Targets
    estimator_with : callable
        Gives an estimator that predicts with these parameters, and has no names of features: X is an array
        here.
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
        return lambda _parameters, logits: kind.score(logits, targets, sample_weight)
    if scoring == "loss":
        return lambda _parameters, logits: -plain_loss(objective, logits, targets, sample_weight)
    from sklearn.metrics import get_scorer

    scorer = get_scorer(scoring)
    weights = {} if sample_weight is None or callable(scoring) else {"sample_weight": sample_weight}
    held_out, y = X if rows is None else X[rows], kind.labels(targets)
    return lambda parameters, _logits: float(scorer(estimator_with(parameters), held_out, y, **weights))
