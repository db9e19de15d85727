"""When training has stopped to improve, by scikit-learn's rule, and a learning rate that goes by it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from treadle.optimizers import Adaptive, Schedule


class Stall:
    """Counts the epochs in a row that did not lower a figure by ``tol`` below its best.

    Parameters
    ----------
    tol : float >= 0
    n_iter_no_change : int >= 1, or inf
        How many such epochs are borne: one more is a stall.

    Attributes
    ----------
    best : float
        The least figure so far; inf before the first.
    improved : bool
        Whether the last figure was a new best, by however little.
    """

    def __init__(self, tol: float, n_iter_no_change: float) -> None:
        self.best = math.inf
        self.improved = False
        self._tol = tol
        self._n_iter_no_change = n_iter_no_change
        self._n_stalled = 0

    def add(self, figure: float) -> bool:
        """Take the next epoch's figure; True says that this is a stall, and starts the count anew."""
        self._n_stalled = self._n_stalled + 1 if figure > self.best - self._tol else 0
        self.improved = figure < self.best
        self.best = min(self.best, figure)
        stalled = self._n_stalled > self._n_iter_no_change
        if stalled:
            self._n_stalled = 0
        return stalled


@dataclass(frozen=True)
class AdaptiveOnValidation(Schedule):
    """``Adaptive`` on the validation scores in place of the training loss, as scikit-learn's "adaptive" is
    under early stopping.

    Parameters
    ----------
    adaptive : Adaptive
    scores : list of float
        One for each epoch so far, larger is better; whoever trains appends to it.
    """

    adaptive: Adaptive
    scores: list[float] = field(default_factory=list)

    def learning_rates(
        self,
        peak: float,
        *,
        epoch: int,
        n_epochs: int,
        n_steps: int,
        n_rows: int,
        train_losses: Sequence[float],
    ) -> NDArray[np.float64]:
        """See ``Schedule.learning_rates``; the training losses make no difference."""
        return self.adaptive.learning_rates(
            peak,
            epoch=epoch,
            n_epochs=n_epochs,
            n_steps=n_steps,
            n_rows=n_rows,
            train_losses=[-score for score in self.scores],
        )
