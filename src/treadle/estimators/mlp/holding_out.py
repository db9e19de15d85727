"""Chooses the rows that a fit is judged by.

The user gave them, or early stopping takes them away.
"""

from __future__ import annotations

from typing import Protocol

from treadle.engines.objective import Objective
from treadle.engines.rows import n_rows
from treadle.errors import InvalidInput
from treadle.estimators.mlp.starts import Start
from treadle.estimators.mlp.targets import Targets
from treadle.estimators.mlp.training_recipe import Hyperparameters
from treadle.estimators.mlp.training_rows import TrainingRows, split, validated_rows_and_targets
from treadle.estimators.mlp.validation_score import score_name, score_of_held_out
from treadle.network import Parameters
from treadle.training.held_out import HeldOut


class Judged(Hyperparameters, Protocol):
    """An estimator that can predict with other parameters than its own."""

    def _with(self, parameters: Parameters) -> object: ...


def hold_out(
    estimator: Judged,
    start: Start,
    seed: int,
    data: TrainingRows,
    kind: Targets,
    objective: Objective,
    X_val: object,
    y_val: object,
) -> tuple[TrainingRows, HeldOut | None]:
    """Split into rows to train on and rows to judge by, if any.

    Parameters
    ----------
    estimator : Judged
    start : Start
    seed : int
        Of the split.
    data : TrainingRows
        All.
    kind : Targets
    objective : Objective
        Its loss proper is that of the rows to judge by.
    X_val, y_val
        As fit was given them.

    Raises
    ------
    InvalidInput
        If one of X_val and y_val is given without the other, y_val has other columns than y, a part of a
        training is to be stopped early without them, or there is a score and nothing to score.
    """
    if (X_val is None) != (y_val is None):
        raise InvalidInput("X_val and y_val go together: give both, or neither")
    X, targets, weights, rows = data.X, data.targets, data.score_weights, None
    if X_val is not None:
        X, y = validated_rows_and_targets(estimator, X_val, y_val, reset=False)
        targets, weights = kind.encode(y), None
        if targets.shape[1:] != data.targets.shape[1:]:
            raise InvalidInput(
                f"y_val must have the columns of y: it has targets of shape {targets.shape}, y of "
                f"{data.targets.shape}"
            )
    elif estimator.early_stopping and estimator.solver != "lbfgs":
        if start.is_part:
            raise InvalidInput(
                "partial_fit does not support early_stopping=True without rows to judge by: give X_val "
                "and y_val, the same in each call"
            )
        kept, rows = split(
            n_rows(X),
            data.rows,
            kind.strata(targets),
            estimator.validation_fraction,
            seed,
            strictly=targets.ndim == 2,
        )
        data = TrainingRows(X, targets, data.weights, data.score_weights, kept)
    elif estimator.scoring is not None:
        raise InvalidInput(
            f"scoring={estimator.scoring!r} has no rows to score: give X_val and y_val, or "
            "early_stopping=True with the solver adam or sgd"
        )
    else:
        return data, None
    score = score_of_held_out(estimator.scoring, kind, estimator._with, objective, X, targets, rows, weights)
    name = score_name(estimator.scoring, kind)
    return data, HeldOut(X, targets, rows, weights, score, name="validation", score_name=name)
