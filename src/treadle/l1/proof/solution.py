"""The result of a solver of L1 regressions."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from treadle.l1.proof.certificate import Certificate
from treadle.l1.sources.integer_columns import Origin


@dataclass(frozen=True)
class Solution:
    """The optimum, with its certificate.

    Parameters
    ----------
    coef : ndarray of shape (D,), float64
    intercept : float
    objective : float
        As the docstring of ``treadle.l1.dense.solve`` gives it.
    certificate : Certificate
    n_iter : int
        Interior-point steps, of all levels.
    n_pivots : int
    n_passes : int
        Passes over all rows, with those that samples took.
    """

    coef: NDArray[np.float64]
    intercept: float
    objective: float
    certificate: Certificate
    n_iter: int
    n_pivots: int
    n_passes: int

    def with_origin(self, origin: Origin) -> Solution:
        """Return the solution of X, if this is that of X - origin."""
        certificate = self.certificate.with_origin(origin)
        return replace(self, intercept=certificate.intercept, certificate=certificate)
