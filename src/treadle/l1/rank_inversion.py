r"""Confidence intervals by inverting a rank-score test: for each coefficient, all values that it accepts.

For a value b of the coefficient j, fit y - b x_j on the other columns V. The dual solution a(b) in [0, 1]^N,
with V'a = (1 - tau) V'1, holds the regression rank scores, and::

    T(b) = x_j'(a(b) - (1 - tau)) / sqrt(tau (1 - tau) q_j)

is standard normal if b is right, with q_j the squared length of x_j's residual from V. T is a step function
that falls from T = 0 at the estimate as b grows. Its steps are found by parametric linear programming, a
pivot each: as b moves, the rows of the basis keep residual zero, the next row whose residual reaches zero
enters, and the dual moves until a score reaches 0 or 1, whose row leaves. The interval ends where \|T\|
passes the critical value of Student's t, interpolated between the steps, as in R's quantreg.

It estimates no density, and needs no symmetry; each interval costs some hundred pivots of N P operations.

Sources: Gutenbrunner and Jureckova (1992), Koenker (1994), Koenker and Machado (1999).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from treadle.errors import InvalidInput
from treadle.l1.solve import solve

Matrix = NDArray[np.float64]
JITTER = 1e-10  # of the median |r|: what parts rows that tie
TIE = 1e-6  # of the median |r|, over x_j's length: steps nearer than this are one
PIVOTS_PER_ROW = 20


def rank_intervals(
    Z: Matrix, y: Matrix, quantile: float, level: float, densities: Matrix | None = None
) -> Matrix:
    """The interval of each coefficient; infinite at an end that no value is far enough for.

    Parameters
    ----------
    Z : ndarray of shape (N, P)
        Of full rank, with the column of ones if there is an intercept.
    y : ndarray of shape (N,)
    quantile, level : float in (0, 1)
    densities : ndarray of shape (N,), optional
        Of the errors at their quantile, up to a factor, where they differ between rows: they weigh the rows
        in q_j, after Koenker and Machado.

    Returns
    -------
    ndarray of shape (P, 2)

    Raises
    ------
    InvalidInput
        If most residuals are zero.
    """
    N, P = Z.shape
    cutoff = float(stdtrit(N - P, (1 + level) / 2))
    y, basis, r = _without_ties(Z, y, quantile)
    w = _estimate(Z, y, basis)
    scores = _scores(Z, r, basis, quantile)
    ends = np.empty((P, 2))
    for j in range(P):
        V = np.delete(Z, j, axis=1)
        scale = math.sqrt(quantile * (1 - quantile) * _distance_squared(V, Z[:, j], densities))
        tie = TIE * float(np.median(np.abs(r))) * math.sqrt(N / _distance_squared(V, Z[:, j], None))
        for side, sign in enumerate((-1.0, 1.0)):
            step = _reach(V, sign * Z[:, j], r.copy(), scores.copy(), basis, cutoff * scale, tie)
            ends[j, side] = w[j] + sign * step
    return ends


def _estimate(Z: Matrix, y: Matrix, basis: NDArray[np.int64]) -> Matrix:
    return np.asarray(np.linalg.solve(Z[basis], y[basis]))


def _without_ties(Z: Matrix, y: Matrix, quantile: float) -> tuple[Matrix, NDArray[np.int64], Matrix]:
    """y, moved so little that P residuals alone are zero; their rows, and the residuals."""
    P = Z.shape[1]
    rng = np.random.default_rng(0)
    spread = float(np.median(np.abs(y - Z @ solve(Z, y, quantile=quantile, fit_intercept=False).coef)))
    if not spread > 64 * float(np.finfo(np.float64).eps) * float(np.median(np.abs(y))):
        raise InvalidInput(
            "at least half of the residuals are zero: the ranks of the others do not give intervals; take a "
            "bootstrap"
        )
    for attempt in range(4):
        moved = y if attempt == 0 else y + 10.0**attempt * JITTER * spread * rng.uniform(-1, 1, len(y))
        basis = solve(Z, moved, quantile=quantile, fit_intercept=False).certificate.basis
        r = moved - Z @ _estimate(Z, moved, basis)
        r[basis] = 0.0
        others = np.delete(np.abs(r), basis)
        if len(basis) == P and others.min(initial=math.inf) > 1e-3 * JITTER * spread:
            return moved, basis, r
    raise InvalidInput(
        "the rows tie in so many ways that their ranks do not give intervals; take a bootstrap"
    )


def _scores(Z: Matrix, r: Matrix, basis: NDArray[np.int64], quantile: float) -> Matrix:
    """a (N,): 1 where the residual is positive, 0 where negative, else what Z'a = (1 - tau) Z'1 asks for."""
    a = (r > 0).astype(np.float64)
    a[basis] = 0.0
    a[basis] = np.linalg.solve(Z[basis].T, (1 - quantile) * Z.sum(axis=0) - Z.T @ a)
    return a


def _distance_squared(V: Matrix, x: Matrix, weights: Matrix | None) -> float:
    """Of x from its projection on the columns of V, which the weights, if any, define."""
    if V.shape[1] == 0:
        return float(x @ x)
    root = np.ones(len(x)) if weights is None else np.sqrt(weights)
    gamma = np.linalg.lstsq(root[:, None] * V, root * x, rcond=None)[0]
    return float(np.sum((x - V @ gamma) ** 2))


def _reach(
    V: Matrix, x: Matrix, r: Matrix, a: Matrix, zero_rows: NDArray[np.int64], cutoff: float, tie: float
) -> float:
    """How far the coefficient of x can grow until its statistic, times its scale, passes the cutoff.

    ``zero_rows`` are P rows of residual zero; r and a are changed. Steps not farther apart than ``tie`` are
    one.
    """
    step, next_step = 0.0, 0.0  # where the statistic took the value ``below``, and ``statistic``
    below, statistic = 0.0, 0.0
    at_zero = zero_rows
    for _ in range(PIVOTS_PER_ROW * len(r)):
        leaving, gain = _move_scores(V, x, a, at_zero)
        statistic += gain
        kept = np.delete(at_zero, leaving)
        time, entering, speed = _next_zero(V, x, r, a, at_zero, kept)
        if time > tie:
            if statistic > cutoff:
                return step + (cutoff - below) / (statistic - below) * (next_step - step)
            if time == math.inf:
                return math.inf
            step, below = next_step, statistic
        next_step += time
        r += time * speed
        r[kept] = r[entering] = 0.0
        at_zero = np.append(kept, entering)
    raise InvalidInput("the ranks of these rows go in circles; take method='nid' or a bootstrap")


def _move_scores(V: Matrix, x: Matrix, a: Matrix, at_zero: NDArray[np.int64]) -> tuple[int, float]:
    """Move the scores of the P rows at zero along the one direction that keeps V'a, x'a falling, to a bound.

    Returns which of them is now at its bound, and by how much x'a fell.
    """
    # An orthonormal basis of P dimensions, of which V's P - 1 columns take all but the last.
    direction = np.linalg.qr(V[at_zero], mode="complete")[0][:, -1]
    slope = float(x[at_zero] @ direction)
    direction = -direction if slope > 0 else direction
    scores = a[at_zero]
    away = np.abs(direction) > 1e-13 * np.abs(direction).max()
    room = np.full(len(at_zero), math.inf)
    bound = np.where(direction > 0, 1.0, 0.0)
    room[away] = np.maximum((bound - scores)[away] / direction[away], 0.0)
    leaving = int(np.argmin(room))
    a[at_zero] = np.clip(scores + room[leaving] * direction, 0.0, 1.0)
    a[at_zero[leaving]] = bound[leaving]
    return leaving, float(room[leaving]) * abs(slope)


def _next_zero(
    V: Matrix, x: Matrix, r: Matrix, a: Matrix, at_zero: NDArray[np.int64], kept: NDArray[np.int64]
) -> tuple[float, int, Matrix]:
    """By how much the coefficient grows until another residual is zero, which, and each residual's speed."""
    speed = V @ np.linalg.solve(V[kept], x[kept]) - x if len(kept) else -x
    speed[kept] = 0.0
    toward = np.where(a > 0.5, -speed, speed)
    toward[at_zero] = 0.0
    times = np.full(len(r), math.inf)
    np.divide(np.abs(r), toward, out=times, where=toward > 0)
    entering = int(np.argmin(times))
    return float(times[entering]), entering, speed
