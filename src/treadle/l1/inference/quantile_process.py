"""Fits several quantiles exactly, with certificates, and counts their crossings.

Each fit starts where the one before it ended. Nothing keeps the quantiles apart: where the lines of two
cross, the higher quantile is predicted below the lower one, which is counted on the rows that were fitted and
reported, not mended. Between the rows of other data they may cross though they do not here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from treadle.errors import InvalidInput
from treadle.l1.dense.solve import solve
from treadle.l1.proof.certificate import Certificate

ROWS_PER_BLOCK = 1 << 16


@dataclass(frozen=True)
class QuantileProcess:
    """Fits of Q quantiles; printed, it says where they cross.

    Attributes
    ----------
    quantiles : ndarray of shape (Q,)
        Ascending.
    coefs : ndarray of shape (Q, D)
    intercepts, objectives : ndarrays of shape (Q,)
    certificates : tuple of Q Certificate
    n_iter : tuple of Q int
        Interior-point steps of each fit.
    crossings : ndarray of shape (Q - 1,), int64
        Of the rows fitted, how many have the next quantile below this one by more than rounding.
    n_rows : int

    Examples
    --------
    >>> import numpy as np
    >>> from treadle.l1 import quantile_process
    >>> x = np.repeat([0.0, 1.0], 5)
    >>> process = quantile_process(x[:, None], [0, 1, 2, 3, 4, 10, 11, 12, 13, 14], [0.3, 0.7])
    >>> process.predict([[0.0], [1.0]]).round(6).tolist()
    [[1.0, 3.0], [11.0, 13.0]]
    """

    quantiles: NDArray[np.float64]
    coefs: NDArray[np.float64]
    intercepts: NDArray[np.float64]
    objectives: NDArray[np.float64]
    certificates: tuple[Certificate, ...]
    n_iter: tuple[int, ...]
    crossings: NDArray[np.int64]
    n_rows: int

    def predict(self, X: ArrayLike) -> NDArray[np.float64]:
        """Predict each quantile of each row: X (N, D) to (N, Q)."""
        features = np.asarray(X)
        if features.ndim != 2 or features.shape[1] != self.coefs.shape[1]:
            raise InvalidInput(
                f"X must be of shape (N, {self.coefs.shape[1]}), as it was fitted; got {features.shape}"
            )
        X_centred, intercepts = _at_centre(features, self.certificates)
        return np.asarray(X_centred @ self.coefs.T + intercepts)

    def __str__(self) -> str:
        lines = [f"{len(self.quantiles)} quantiles of {self.n_rows} rows, each certified"]
        for (low, high), n in zip(pairwise(self.quantiles), self.crossings, strict=True):
            if n:
                lines.append(f"  {low:g} and {high:g} cross in {n} of {self.n_rows} rows")
        if not self.crossings.any():
            lines.append("  no two neighbours cross in these rows")
        return "\n".join(lines)


def quantile_process(
    X: ArrayLike,
    y: ArrayLike,
    quantiles: Sequence[float],
    *,
    sample_weight: ArrayLike | None = None,
    alpha: float = 0.0,
    fit_intercept: bool = True,
    random_state: int = 0,
) -> QuantileProcess:
    """Fit several quantiles, each from the solution of the one before.

    Parameters
    ----------
    X : array_like of shape (N, D)
        As for ``treadle.LADRegressor``, dense.
    y : array_like of shape (N,)
    quantiles : sequence of float in (0, 1)
        In any order, no two equal.
    sample_weight : array_like of shape (N,), optional
    alpha, fit_intercept, random_state
        As in ``treadle.LADRegressor``.

    Returns
    -------
    QuantileProcess

    Raises
    ------
    InvalidInput
        If there is no quantile, one is out of (0, 1) or there twice, or the data cannot be fitted.

    References
    ----------
    Koenker, *Quantile Regression* (2005), sections 2.2.2 on crossing and 6.3 on the process.

    Examples
    --------
    >>> import numpy as np
    >>> from treadle.l1 import quantile_process
    >>> x = np.repeat([0.0, 1.0], 5)
    >>> process = quantile_process(x[:, None], [0, 1, 2, 3, 4, 10, 11, 12, 13, 14], [0.3, 0.7])
    >>> print(process)
    2 quantiles of 10 rows, each certified
      no two neighbours cross in these rows
    """
    taus = np.unique(np.asarray(quantiles, np.float64))
    if (
        taus.ndim != 1
        or len(taus) != np.size(quantiles)
        or len(taus) == 0
        or not (0 < taus[0] <= taus[-1] < 1)
    ):
        raise InvalidInput(
            "quantiles must be one or more different numbers between 0 and 1, both excluded; got "
            f"{np.asarray(quantiles).tolist()}"
        )
    features, target = np.asarray(X), np.asarray(y)
    weights = None if sample_weight is None else np.asarray(sample_weight, np.float64)
    fits = []
    start = None
    for tau in taus.tolist():
        fit = solve(
            features,
            target,
            quantile=tau,
            sample_weight=weights,
            alpha=alpha,
            fit_intercept=fit_intercept,
            random_state=random_state,
            start=start,
        )
        start = np.append(fit.coef, fit.intercept)
        fits.append(fit)
    coefs = np.stack([fit.coef for fit in fits])
    intercepts = np.array([fit.intercept for fit in fits])
    return QuantileProcess(
        quantiles=taus,
        coefs=coefs,
        intercepts=intercepts,
        objectives=np.array([fit.objective for fit in fits]),
        certificates=tuple(fit.certificate for fit in fits),
        n_iter=tuple(fit.n_iter for fit in fits),
        crossings=_crossings(*_at_centre(features, tuple(fit.certificate for fit in fits)), coefs),
        n_rows=len(target),
    )


def _at_centre(
    X: NDArray[np.float64], certificates: tuple[Certificate, ...]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return X less the fits' common centre, and their intercepts there."""
    centre = certificates[0].centre
    return X - centre if centre.any() else X, np.array([one.centre_intercept for one in certificates])


def _crossings(
    X: NDArray[np.float64], intercepts: NDArray[np.float64], coefs: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Count the rows in which each quantile is below the one before.

    It is below by more than rounding.
    """
    counts = np.zeros(len(coefs) - 1, np.int64)
    steps, shifts = np.diff(coefs, axis=0), np.diff(intercepts)
    sizes = np.abs(coefs[1:]) + np.abs(coefs[:-1])
    size_shifts = np.abs(intercepts[1:]) + np.abs(intercepts[:-1])
    tolerance = 4 * (coefs.shape[1] + 2) * np.finfo(np.float64).eps
    for first in range(0, len(X), ROWS_PER_BLOCK):
        block = X[first : first + ROWS_PER_BLOCK]
        rounding = tolerance * (np.abs(block) @ sizes.T + size_shifts)
        counts += (block @ steps.T + shifts < -rounding).sum(axis=0)
    return counts
