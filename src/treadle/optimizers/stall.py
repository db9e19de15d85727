"""Detects that a figure no longer improves, by scikit-learn's rule."""

from __future__ import annotations

import copy
import math
from typing import Self


class Stall:
    """Counts consecutive epochs that did not improve a figure by ``tol``.

    To improve is to fall below the best so far by that much; what is NaN or infinity improves nothing.

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
        return max(1, self._n_iter_no_change + 1 - self._n_stalled)

    def with_limits(self, tol: float, n_iter_no_change: float) -> Self:
        """Copy the count so far, to go on by other limits."""
        other = copy.copy(self)
        other._tol, other._n_iter_no_change = tol, n_iter_no_change
        return other

    def add(self, figure: float) -> bool:
        """Take the next epoch's figure; return True at a stall.

        The count starts anew then.
        """
        is_worse = figure > self.best - self._tol or not figure < math.inf
        self._n_stalled = self._n_stalled + 1 if is_worse else 0
        self.improved = figure < self.best
        self.best = min(self.best, figure)
        stalled = self._n_stalled > self._n_iter_no_change
        if stalled:
            self._n_stalled = 0
        return stalled
