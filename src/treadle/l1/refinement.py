"""From an optimal vertex to coefficients and dual values as exact as doubles are, and their certificate."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from treadle.errors import CertificateFailed
from treadle.l1.certificate import EXTENDED, Certificate, tolerance_for
from treadle.l1.coordinates import Coordinates
from treadle.l1.crossover import Vertex
from treadle.l1.reduced import EPS, Reduced
from treadle.l1.screening import Screened
from treadle.l1.uniqueness import is_unique

# A dual value that is so near to a bound, in shares of its box, may be at it.
MARGIN = 1e-9
# Steps of iterative refinement; each takes off as many digits as the basis is well-conditioned.
REFINEMENTS = 4


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

    w = X_B^-1 y_B and u_B = -X_B^-T g are solved once more in the user's units: steps of refinement with
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

    Raises
    ------
    CertificateFailed
        If residuals and dual values do not prove it, to the rounding of a double.
    """
    kept, basis, n_penalties = screened.kept, vertex.basis, reduced.n_penalties
    real = basis >= n_penalties
    in_kept = basis[real] - n_penalties
    penalised = coordinates.columns[basis[~real]]
    X_b = np.zeros((len(basis), 1 + coordinates.n_features), EXTENDED)
    X_b[real, 0] = float(coordinates.fit_intercept)
    X_b[real, 1:] = kept.take(in_kept).X
    if n_penalties:
        X_b[np.flatnonzero(~real), 1 + penalised] = 1
    coef, intercept, theta = _coefficients(coordinates, vertex, X_b, reduced.y[basis])
    coef[penalised] = 0

    known_to = _known_to(coordinates, vertex, X_b, reduced.y[basis], coef, intercept)

    u = vertex.u.copy()
    u[basis] = 0
    u_kept = u[n_penalties:]
    low_kept, high_kept = reduced.low[n_penalties:], reduced.high[n_penalties:]
    width_kept = high_kept - low_kept
    others = screened.fold.copy()
    others[0] += u_kept.sum()
    # Residuals, what they are sums of, how far they are known, and the boxes' X'u.
    r, sizes, errors = np.empty((3, len(kept)))
    reach = np.zeros(1 + coordinates.n_features)
    reach[0] = width_kept.sum()
    magnitudes = np.array([np.abs(coef), known_to[1:]]).T
    for place, chunk in kept.blocks():
        X = np.asarray(chunk.X, np.float64)  # a copy: blocks are
        others[1:] += u_kept[place] @ X
        r[place] = chunk.y - X @ coef - intercept
        np.abs(X, out=X)
        sizes[place], errors[place] = (X @ magnitudes).T
        sizes[place] += np.abs(chunk.y)
        reach[1:] += width_kept[place] @ X
    sizes += abs(intercept)
    errors += known_to[0]
    if n_penalties:
        others[1 + coordinates.columns] += u[:n_penalties]
    u_b = -(coordinates.gradient(others) @ vertex.inverse)
    for _ in range(REFINEMENTS):
        before = u_b
        u_b = u_b - coordinates.gradient(_plus(others, u_b, X_b)) @ vertex.inverse
        if (u_b == before).all():
            break
    low, high = reduced.low[basis], reduced.high[basis]
    width = high - low
    excess = float((np.maximum(u_b - high, low - u_b) / width).max(initial=0))
    at_bound = (u_b <= low + MARGIN * width) | (u_b >= high - MARGIN * width)
    u[basis] = np.minimum(np.maximum(u_b, low), high)
    rest = _plus(others, u[basis], X_b)

    w = _joined(coef, intercept).astype(EXTENDED)
    r[in_kept] = (reduced.y[basis[real]] - X_b[real] @ w).astype(np.float64)
    loss = np.maximum(low_kept * r, high_kept * r)
    moved = coordinates.gradient(screened.fold) @ (theta - guess)
    penalty = float(reduced.high[0]) * float(np.abs(coef).sum()) if n_penalties else 0.0
    primal = screened.loss - moved + float(loss.sum()) + penalty
    slack = float((loss - u_kept * r).sum())
    # Where a residual is zero to rounding, its computed sign does not tell u.
    tied = np.abs(r) <= 256 * EPS * (sizes + reduced.noise)
    tied[in_kept] = True
    known = np.flatnonzero(tied)
    known = known[np.argsort(kept.indices[known], kind="stable")]
    tolerance = tolerance_for(n_rows, coordinates.n_features)
    opposed = np.where(loss - u_kept * r <= EPS * width_kept * np.abs(r), 0, np.abs(r))
    opposed /= np.maximum(sizes + errors, 1e-300)
    against = float(opposed.max(initial=0))
    # Column by column, in the user's units; of rows folded, as if they were as long as those kept.
    share = 1 + screened.size / max(float(width_kept.sum()), 1e-300)
    reach *= share
    reach[1:] += float(reduced.high[0]) if n_penalties else 0.0
    judged = np.arange(len(rest)) if len(kept) == n_rows else np.append(0, 1 + coordinates.columns)
    judged = judged[judged >= 1 - coordinates.fit_intercept]
    stationarity = float((np.abs(rest[judged]) / np.maximum(reach[judged], 1e-300)).max(initial=0))
    if n_penalties:
        penalised_wrongly = coef[coordinates.columns] * u[:n_penalties] > 0
        against = max(against, float(penalised_wrongly.any()))
    if not (against <= tolerance and stationarity <= tolerance):
        raise CertificateFailed(
            "the best vertex found is not optimal to the precision of a double: a residual is on the wrong "
            f"side of its dual value by {against:.1e} of its size, and X'u off zero by {stationarity:.1e} "
            f"(at most {tolerance:.1e} each). A row, a column or a weight may be larger than the others by "
            "too many orders of magnitude: scale or drop it"
        )
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
        float(primal),
        float(primal) - slack,
        stationarity,
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
    """The coefficients, the intercept and theta; what is added to the former rounds no other digits."""
    theta = vertex.inverse @ y_b  # of the targets as they are: pivots may have moved tied ones
    target = y_b.astype(EXTENDED)
    w = _joined(*coordinates.coefficients(theta))
    for _ in range(REFINEMENTS):
        step = vertex.inverse @ (target - X_b @ w.astype(EXTENDED)).astype(np.float64)
        theta, before = theta + step, w
        w = w + _joined(*coordinates.coefficients(step))
        if (w == before).all():
            break
    # What is but rounding is 0, unless the rows interpolated tell better.
    size = _joined(*coordinates.coefficients(np.abs(vertex.inverse) @ np.abs(y_b), np.abs(coordinates.A)))
    rounded = np.where(np.abs(w) <= 16 * EPS * size, 0, w)
    changed = bool((rounded != w).any())
    if changed and _misfit(X_b, target, rounded) <= max(_misfit(X_b, target, w), 4 * EPS):
        w = rounded
    return w[1:], float(w[0]), theta


def _known_to(
    coordinates: Coordinates,
    vertex: Vertex,
    X_b: NDArray[Any],
    y_b: NDArray[Any],
    coef: NDArray[Any],
    intercept: float,
) -> NDArray[Any]:
    """What rounding in the rows interpolated does to intercept and coefficients, (1 + D,), per unit."""
    sizes = np.abs(X_b).astype(np.float64) @ np.abs(_joined(coef, intercept)) + np.abs(y_b)
    inverse = coordinates.A @ vertex.inverse
    coefficients = np.zeros(1 + coordinates.n_features)
    coefficients[0] = np.abs(inverse[0]) @ sizes
    coefficients[1 + coordinates.columns] = np.abs(inverse[1:]) @ sizes
    return coefficients


def _joined(coef: NDArray[Any], intercept: float) -> NDArray[Any]:
    return np.concatenate(([intercept], coef))


def _misfit(X_b: NDArray[Any], target: NDArray[Any], w: NDArray[Any]) -> float:
    """The largest residual of the rows interpolated, relative to the sizes that sum up to it."""
    sizes = np.abs(target) + np.abs(X_b) @ np.abs(w)
    rest = np.abs(target - X_b @ w.astype(EXTENDED))
    return float(np.max(rest / np.where(sizes > 0, sizes, 1), initial=0))


def _plus(others: NDArray[Any], u_b: NDArray[Any], X_b: NDArray[Any]) -> NDArray[Any]:
    """The sum of all u_i (1, x_i), the basis' in extended precision."""
    return np.asarray((others + u_b.astype(EXTENDED) @ X_b).astype(np.float64))
