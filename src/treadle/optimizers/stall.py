"""Detects that a figure no longer improves, by scikit-learn's rule."""

from __future__ import annotations

import math


class Stall:
    """Counts consecutive epochs that did not improve a figure by ``tol``.

    To improve is to fall below the best so far by that much.

    Parameters
    ----------
    tol : float >= 0
    n_iter_no_change : int >= 1, or inf
        How many such epochs are allowed: one more is a stall.

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

    @property
    def n_to_next(self) -> float:
        """How many epochs it takes to the next stall, at least."""
        return self._n_iter_no_change + 1 - self._n_stalled

    def add(self, figure: float) -> bool:
        """Take the next epoch's figure; return True at a stall.

        The count starts anew then.
        """
        self._n_stalled = self._n_stalled + 1 if figure > self.best - self._tol else 0
        self.improved = figure < self.best
        self.best = min(self.best, figure)
        stalled = self._n_stalled > self._n_iter_no_change
        if stalled:
            self._n_stalled = 0
        return stalled
