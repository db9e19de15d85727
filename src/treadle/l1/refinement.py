"""From an optimal vertex to coefficients and dual values as exact as doubles are, and their certificate."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from treadle.l1.certificate import EXTENDED, Certificate
from treadle.l1.coordinates import Coordinates
from treadle.l1.crossover import Vertex
from treadle.l1.reduced import EPS, Reduced
from treadle.l1.screening import Screened
from treadle.l1.uniqueness import is_unique

# A dual value that is so near to a bound, in shares of its box, may be at it.
MARGIN = 1e-9


def certified(
    coordinates: Coordinates,
    screened: Screened,
    guess: NDArray[Any],
    reduced: Reduced,
    vertex: Vertex,
    quantile: float,
    alpha: float,
    n_rows: int,
) -> Certificate:
    """The certificate of the vertex of all rows.

    w = X_B^-1 y_B and u_B = -X_B^-T g are solved once more in the user's units: two steps of refinement with
    residuals in extended precision. u_B is then cut to its box, and what that leaves of X'u is told.

    Parameters
    ----------
    coordinates : Coordinates
    screened : Screened
        The rows kept, in the order in which ``reduced`` has them after the penalty's.
    guess : ndarray of shape (p,)
        Where the losses of the others were counted.
    reduced : Reduced
    vertex : Vertex
    quantile, alpha : float
    n_rows : int
    """
    kept, basis, n_penalties = screened.kept, vertex.basis, reduced.n_penalties
    real = basis >= n_penalties
    in_kept = basis[real] - n_penalties
    penalised = coordinates.columns[basis[~real]]
    X = np.asarray(kept.X, np.float64)
    X_b = np.zeros((len(basis), 1 + coordinates.n_features), EXTENDED)
    X_b[real, 0] = float(coordinates.fit_intercept)
    X_b[real, 1:] = X[in_kept]
    X_b[np.flatnonzero(~real), 1 + penalised] = 1
    coef, intercept, theta = _coefficients(coordinates, vertex, X_b, reduced.y[basis])
    coef[penalised] = 0

    u = vertex.u.copy()
    u[basis] = 0
    u_kept = u[n_penalties:]
    others = screened.fold + np.concatenate(([u_kept.sum()], u_kept @ X))
    if n_penalties:
        others[1 + coordinates.columns] += u[:n_penalties]
    u_b = -(coordinates.gradient(others) @ vertex.inverse)
    for _ in range(2):
        u_b -= coordinates.gradient(_plus(others, u_b, X_b)) @ vertex.inverse
    low, high = reduced.low[basis], reduced.high[basis]
    width = high - low
    excess = float(np.max(np.maximum(u_b - high, low - u_b) / width, initial=0))
    at_bound = (u_b <= low + MARGIN * width) | (u_b >= high - MARGIN * width)
    u[basis] = np.clip(u_b, low, high)
    rest = _plus(others, u[basis], X_b)
    off = np.abs(coordinates.gradient(rest))

    r = kept.y - X @ coef - intercept
    loss = np.maximum(reduced.low[n_penalties:] * r, reduced.high[n_penalties:] * r)
    moved = coordinates.gradient(screened.fold) @ (theta - guess)
    penalty = float(reduced.high[0]) * float(np.abs(coef).sum()) if n_penalties else 0.0
    primal = screened.loss - moved + float(loss.sum()) + penalty
    slack = float((loss - u_kept * r).sum())
    # Where a residual is zero to rounding, its computed sign does not tell u.
    sizes = np.abs(kept.y) + np.abs(X) @ np.abs(coef) + abs(intercept)
    tied = np.abs(r) <= 256 * EPS * (sizes + reduced.noise)
    tied[in_kept] = True
    known = np.flatnonzero(tied)
    known = known[np.argsort(kept.indices[known], kind="stable")]
    side = screened.side
    if side is not None:
        side[kept.indices] = np.sign(u_kept)
    names = np.empty(len(basis), np.int64)
    names[real] = kept.indices[in_kept]
    names[~real] = n_rows + penalised
    unique: bool | None = coordinates.size == coordinates.n_features + coordinates.fit_intercept
    if unique and at_bound.any():
        ties = np.concatenate([coef[coordinates.columns] == 0, tied] if n_penalties else [tied])
        unique = is_unique(reduced, u, ties)
    return Certificate(
        coef,
        intercept,
        quantile,
        alpha,
        coordinates.fit_intercept,
        primal,
        primal - slack,
        float(off.max(initial=0)) / max(screened.size + float(np.abs(u).sum()), 1e-300),
        max(0.0, excess),
        names,
        unique,
        kept.indices[known],
        u_kept[known],
        side,
    )


def _coefficients(
    coordinates: Coordinates, vertex: Vertex, X_b: NDArray[Any], y_b: NDArray[Any]
) -> tuple[NDArray[Any], float, NDArray[Any]]:
    theta = vertex.inverse @ y_b  # of the targets as they are: pivots may have moved tied ones
    target = y_b.astype(EXTENDED)
    for _ in range(3):
        coef, intercept = coordinates.coefficients(theta)
        rest = target - X_b[:, 1:] @ coef.astype(EXTENDED) - X_b[:, 0] * EXTENDED(intercept)
        theta = theta + vertex.inverse @ rest.astype(np.float64)
    coef, intercept = coordinates.coefficients(theta)
    # What is but rounding is 0.
    size, _ = coordinates.coefficients(np.abs(vertex.inverse) @ np.abs(y_b), np.abs(coordinates.A))
    coef[np.abs(coef) <= 16 * EPS * size] = 0
    return coef, intercept, theta


def _plus(others: NDArray[Any], u_b: NDArray[Any], X_b: NDArray[Any]) -> NDArray[Any]:
    """The sum of all u_i (1, x_i), the basis' in extended precision."""
    return np.asarray((others + u_b.astype(EXTENDED) @ X_b).astype(np.float64))
