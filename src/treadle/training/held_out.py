"""Evaluates a network on held-out rows after each epoch.

These rows are never trained on.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from treadle.engines.engine import Engine
from treadle.engines.objective import Objective
from treadle.engines.rows import Rows
from treadle.maths.dtypes import Floats, Numbers
from treadle.network import Network, Parameters

# Rows gathered at a time, where those held out lie among others.
ROWS_AT_A_TIME = 8192


@dataclass(frozen=True)
class HeldOut:
    """Held-out rows: a test or validation set.

    Parameters
    ----------
    X : ndarray or csr_array of shape (N, D), uint8, float32 or float64
    y : ndarray
        As in ``TrainingProblem``, for all N rows.
    rows : ndarray of int64, or None
        Numbers of the rows that are held out, the others being for training. None: all.
    sample_weight : ndarray of shape (N,), or None
    score : callable, or None
        From the parameters and the logits of the rows held out, in their order, to a number. None: the
        accuracy, where there is one.
    name : str
        What a table of epochs calls these rows: "test", or "validation" where a choice is made by them.
    score_name : str
        What it calls the score.
    """

    X: Rows
    y: Numbers
    rows: NDArray[np.int64] | None = None
    sample_weight: Numbers | None = None
    score: Callable[[Parameters, Floats], float] | None = None
    name: str = "test"
    score_name: str = "accuracy"

    def evaluate(self, engine: Engine, parameters: Parameters, objective: Objective) -> tuple[float, float]:
        """Return these parameters' loss proper and score on the held-out rows.

        They are inf or NaN where the network overflows.
        """
        y, weights = self.y, self.sample_weight
        if self.rows is not None:
            y, weights = y[self.rows], None if weights is None else weights[self.rows]
        with np.errstate(over="ignore", invalid="ignore"):
            logits = self._logits(engine, parameters)
            loss = plain_loss(objective, logits, y, weights)
            if self.score is not None:
                return loss, float(self.score(parameters, logits))
            return loss, accuracy(parameters.network, logits, y)

    def _logits(self, engine: Engine, parameters: Parameters) -> Floats:
        predictor = engine.predictor(parameters)
        if self.rows is None:
            return predictor.logits(self.X)
        # Gathered a block at a time, so that X is never copied as a whole.
        blocks = [
            predictor.logits(self.X[self.rows[start : start + ROWS_AT_A_TIME]])
            for start in range(0, len(self.rows), ROWS_AT_A_TIME)
        ]
        return np.concatenate(blocks)


def plain_loss(
    objective: Objective, logits: Floats, y: Numbers, sample_weight: Numbers | None = None
) -> float:
    """Compute the loss proper, without smoothing or penalty.

    The model is judged by it.
    """
    return replace(objective, label_smoothing=0.0).data_loss(logits, y, sample_weight)


def accuracy(network: Network, logits: Floats, y: Numbers) -> float:
    """Compute the fraction of rows with the largest logit at the label.

    It is nan unless y holds class numbers.
    """
    if network.output != "softmax" or y.ndim != 1:
        return math.nan
    return float(np.mean(logits.argmax(axis=1) == y))
