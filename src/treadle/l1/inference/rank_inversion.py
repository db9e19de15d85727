r"""Computes confidence intervals by inverting a rank-score test.

The interval of a coefficient is all values that the test accepts.

For a value b of the coefficient j, fit y - b x_j on the other columns V. The dual solution a(b) in [0, 1]^N,
with V'a = (1 - tau) V'1, holds the regression rank scores, and::

    T(b) = x_j'(a(b) - (1 - tau)) / sqrt(tau (1 - tau) q_j)

is standard normal if b is right, with q_j the squared length of x_j's residual from V. T is a step function
that falls as b grows; its steps are the kinks of the least loss at b (``parametric_path``). With
c the critical value of Student's t, the upper end is found so:

1. A vertex near it: the estimate, where T = 0, or, of many rows, the least of the loss tilted by c, where T
   passes -c; far rows are folded for it (``folded_rows``).
2. From there back to where T took the value that it has there, and on to where it passes -c.
3. Between these two, the start of the last step that is accepted and its end, by interpolation, as in R's
   quantreg. A pivot at which T does not change starts no step.

It estimates no density, and needs no symmetry.

Sources: Gutenbrunner and Jureckova (1992), Koenker (1994), Koenker and Machado (1999).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular
from scipy.special import stdtrit

from treadle.data.progress import SILENT, Progress
from treadle.errors import CertificateFailed, InvalidInput
from treadle.l1.dense.solve import solve
from treadle.l1.inference.folded_rows import Foldings
from treadle.l1.inference.parametric_path import Kink, Table, Vertex, kinks, vertex_of

Matrix = NDArray[np.float64]
# Rows beyond which an end is looked for from where T passes the critical value, not from the estimate.
MANY = 300
LEVEL_ROUNDING = 1e-9


def rank_intervals(
    Z: Matrix,
    y: Matrix,
    quantile: float,
    level: float,
    densities: Matrix | None = None,
    noise: Matrix | None = None,
    progress: Progress = SILENT,
) -> Matrix:
    """Compute the interval of each coefficient by the rank test.

    It is infinite at an end that no value is far enough for.

    Parameters
    ----------
    Z : ndarray of shape (N, P)
        Of full rank, with the column of ones if there is an intercept.
    y : ndarray of shape (N,)
    quantile, level : float in (0, 1)
    densities : ndarray of shape (N,), optional
        Of the errors at their quantile, up to a factor, where they differ between rows: they weigh the rows
        in q_j, after Koenker and Machado.
    noise : ndarray of shape (N,), optional
        How far rounding may have moved each of y: rows that tie within it tie. None: a double's, of y itself.
    progress : Progress
        Says so where it takes long.

    Returns
    -------
    ndarray of shape (P, 2)

    Raises
    ------
    InvalidInput
        If the test rejects all values but the estimate, as it may where most rows lie on the fit.
    """
    N, P = Z.shape
    cutoff = float(stdtrit(N - P, (1 + level) / 2))
    table = Table.of(Z, y, quantile, np.zeros(N) if noise is None else noise)
    estimate = vertex_of(table, np.zeros(P))
    if estimate is None:
        raise InvalidInput(
            f"no {P} rows that the fit goes through are independent to the precision of a double: columns "
            "depend on each other but for rounding; leave one out"
        )
    limits = cutoff * np.sqrt(quantile * (1 - quantile) * distances_squared(Z, densities))
    foldings = Foldings(table, estimate, cutoff)
    ends = np.empty((P, 2))
    with progress.counted("rank intervals", ends.size) as step:
        for j in range(P):
            for side, sign in enumerate((-1, 1)):
                ends[j, side] = _end(foldings, estimate, j, sign, float(limits[j]))
                step()
    now = table.residuals(estimate.basis)
    points = np.flatnonzero(~(ends[:, 1] - ends[:, 0] > 4 * now.w_rounding))
    if len(points):
        raise InvalidInput(
            f"the fit goes through {np.sum(now.real == 0)} of {N} rows, and the ranks reject every value of "
            f"the coefficient {points[0]} (from 0) but the estimate: y ties too often; take method='weighted'"
        )
    return ends


def distances_squared(Z: Matrix, weights: Matrix | None) -> Matrix:
    """Compute each column's squared distance from its projection on the others, (P,).

    The projection is weighted.
    """
    R = np.linalg.qr(Z if weights is None else np.sqrt(weights)[:, None] * Z, mode="r")
    inverse = solve_triangular(R, np.eye(len(R)))
    gram = inverse @ inverse.T
    if weights is None:
        return np.asarray(1 / np.diag(gram))
    # Column j less its projection is Z gram_j / gram_jj.
    apart = Z @ gram / np.diag(gram)
    return np.asarray(np.einsum("ij,ij->j", apart, apart))


def _end(foldings: Foldings, estimate: Vertex, j: int, sign: int, limit: float) -> float:
    """Find where the least loss's slope passes ``limit``.

    The coefficient j grows, or falls, until there.
    """
    whole = foldings.whole
    if len(whole.y) > MANY:
        tilt = np.zeros(whole.Z.shape[1])
        tilt[j] = sign * limit
        for folded in foldings:
            near = vertex_of(folded.table, tilt + folded.pull)
            if near is not None:
                passed = _passed(folded.table, near, j, sign, limit, limit)
                if folded.table is whole or (passed.step and folded.holds(*passed.step)):
                    return passed.end
        if _slope_at_infinity(whole, j, sign) <= limit:
            return sign * math.inf
    return _passed(whole, estimate, j, sign, limit, 0.0).end


class _Passed(NamedTuple):
    """The place where a slope is passed, and the kinks around it.

    At infinity there are none.
    """

    end: float
    step: tuple[Kink, ...]


def _passed(table: Table, start: Vertex, j: int, sign: int, limit: float, slope: float) -> _Passed:
    """Follow the kinks from a vertex with that slope until it passes ``limit``."""
    back = kinks(table, start, j, -sign)
    begin = next(back)
    below = slope - begin.gain
    if below < -LEVEL_ROUNDING * limit:
        below = 0.0  # here the slope passes 0: this is the estimate
    else:
        begin = next(back)
    # The slope is ``below`` from ``begin`` on.
    for kink in kinks(table, start, j, sign):
        slope += kink.gain
        if slope > limit:
            share = (limit - below) / (slope - below)
            return _Passed(begin.at + share * (kink.at - begin.at), (begin, kink))
        if slope > below:
            begin, below = kink, slope
    return _Passed(sign * math.inf, ())


def _slope_at_infinity(table: Table, j: int, sign: int) -> float:
    """Compute the loss's slope at large b; inf if unknown.

    It is min_v sum_i rho(-x_i - V_i'v).
    """
    V, x = np.delete(table.Z, j, axis=1), sign * table.Z[:, j]
    r = -x
    if V.shape[1] > 0:
        try:
            r -= V @ solve(V, -x, quantile=table.quantile, fit_intercept=False).coef
        except CertificateFailed:
            return math.inf
    return float(np.sum(np.maximum(table.quantile * r, (table.quantile - 1) * r)))
