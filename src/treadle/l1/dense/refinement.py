"""From a vertex that pivots found optimal to coefficients and dual values as exact as doubles are.

What it ends with is a candidate: whether it is the optimum of the exact data is for ``treadle.l1.proof`` to
say. ``sure`` is set where every margin is so much larger than rounding that nobody need ask during the fit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from treadle.l1.dense.coordinates import Coordinates
from treadle.l1.dense.crossover import Vertex
from treadle.l1.dense.double_double import minus_products
from treadle.l1.dense.reduced_problem import EPS, Reduced
from treadle.l1.dense.screening import Screened
from treadle.l1.dense.uniqueness import is_unique
from treadle.l1.sources.rows import Chunk

EXTENDED = np.longdouble
# A dual value that is so near to a bound, in shares of its box, may be at it.
MARGIN = 1e-9
# Steps of iterative refinement; each takes off as many digits as the basis is well-conditioned.
REFINEMENTS = 4
# Residuals so small, in roundings of what they are sums of, may be zero.
NEAR_ZERO = 256 * EPS
# What sums in twice the precision of a double are off by, in shares of what they are sums of.
NOISE = 2.0**-96
# Below it, what a step adds may underflow.
LEAST = 1e-250


@dataclass(frozen=True)
class Candidate:
    """A vertex that may be optimal.

    ``basis`` (p,), ``ties`` (t,) and ``tie_values`` (t,) name rows, N + j the penalty's, as a certificate
    does; ``kept`` the columns whose coefficients the basis determines, ``basis_rows`` its rows, ascending.
    ``sure``: that the vertex is optimal need not be asked; ``faithful``: nor whether coefficients are right
    to the last digit.
    """

    coef: NDArray[np.float64]
    intercept: float
    primal: float
    dual: float
    basis: NDArray[np.int64]
    kept: NDArray[np.int64]
    ties: NDArray[np.int64]
    tie_values: NDArray[np.float64]
    side: NDArray[np.int8] | None
    unique: bool | None
    sure: bool
    faithful: bool
    basis_rows: Chunk


def candidate_of(
    coordinates: Coordinates,
    screened: Screened,
    guess: NDArray[Any],
    reduced: Reduced,
    vertex: Vertex,
    n_rows: int,
) -> Candidate:
    """The candidate of a vertex of all rows.

    w = X_B^-1 y_B and u_B = -X_B^-T g are solved once more in the user's units: steps of refinement with
    residuals in extended precision.

    Parameters
    ----------
    coordinates : Coordinates
    screened : Screened
        The rows kept, in the order in which ``reduced`` has them after the penalty's.
    guess : ndarray of shape (p,)
        Where the losses of the others were counted.
    reduced : Reduced
    vertex : Vertex
    n_rows : int
    """
    kept, basis, n_penalties = screened.kept, vertex.basis, reduced.n_penalties
    real = basis >= n_penalties
    in_kept = basis[real] - n_penalties
    pinned = coordinates.columns[basis[~real]]
    X_b = _basis_rows(coordinates, screened, real, in_kept, pinned)
    coef, intercept, theta, faithful = _coefficients(coordinates, vertex, X_b, reduced.y[basis], pinned)
    u = vertex.u.copy()
    u[basis] = 0
    r, sizes, others = _measured(coordinates, screened, reduced, coef, intercept, u)
    u_b = _basis_dual(coordinates, vertex, others, X_b)
    low, high = reduced.low[basis], reduced.high[basis]
    width = high - low
    at_bound = (u_b <= low + MARGIN * width) | (u_b >= high - MARGIN * width)
    u[basis] = np.minimum(np.maximum(u_b, low), high)
    w = _joined(coef, intercept).astype(EXTENDED)
    r[in_kept] = (reduced.y[basis[real]] - X_b[real] @ w).astype(np.float64)
    low_kept, high_kept = reduced.low[n_penalties:], reduced.high[n_penalties:]
    u_kept = u[n_penalties:]
    loss = np.maximum(low_kept * r, high_kept * r)
    moved = coordinates.gradient(screened.fold) @ (theta - guess)
    penalty = float(reduced.high[0]) * float(np.abs(coef).sum()) if n_penalties else 0.0
    primal = screened.loss - moved + float(loss.sum()) + penalty
    slack = float((loss - u_kept * r).sum())
    tied = np.abs(r) <= NEAR_ZERO * (sizes + reduced.noise)
    tied[in_kept] = True
    ties_of_penalty = (
        (coef[coordinates.columns] == 0)[: n_penalties or None] if n_penalties else np.zeros(0, bool)
    )
    side = screened.side
    if side is not None:
        side[kept.indices] = np.sign(u_kept)
        side[kept.indices[tied]] = np.where(r[tied] > 0, 1, -1)
    names, values = _ties(coordinates, screened, u, tied, ties_of_penalty, basis, n_rows)
    unique: bool | None = coordinates.size == coordinates.n_features + coordinates.fit_intercept
    if unique and at_bound.any():
        unique = is_unique(reduced, u, np.concatenate([ties_of_penalty, tied]))
    opposed = bool(((loss - u_kept * r > EPS * (high_kept - low_kept) * np.abs(r)) & ~tied).any())
    basis_names = np.empty(len(basis), np.int64)
    basis_names[real] = kept.indices[in_kept]
    basis_names[~real] = n_rows + pinned
    return Candidate(
        coef,
        intercept,
        float(primal),
        float(primal) - slack,
        basis_names,
        coordinates.columns,
        names,
        values,
        side,
        unique,
        not (at_bound.any() or opposed or len(names) or not np.isfinite(primal) or coordinates.is_doubtful),
        faithful,
        kept.take(in_kept[np.argsort(kept.indices[in_kept])]),
    )


def _basis_rows(
    coordinates: Coordinates,
    screened: Screened,
    real: NDArray[np.bool_],
    in_kept: NDArray[np.int64],
    pinned: NDArray[np.int64],
) -> NDArray[Any]:
    """(1, x) of the basis' rows, and the penalty's e_j, in extended precision."""
    X_b = np.zeros((len(real), 1 + coordinates.n_features), EXTENDED)
    X_b[real, 0] = float(coordinates.fit_intercept)
    X_b[real, 1:] = screened.kept.take(in_kept).X
    X_b[np.flatnonzero(~real), 1 + pinned] = 1
    return X_b


def _coefficients(
    coordinates: Coordinates,
    vertex: Vertex,
    X_b: NDArray[Any],
    y_b: NDArray[Any],
    pinned: NDArray[np.int64],
) -> tuple[NDArray[Any], float, NDArray[Any], bool]:
    """The coefficients, the intercept, theta; and whether the former are surely next to the exact ones."""
    theta = vertex.inverse @ y_b  # of the targets as they are: pivots may have moved tied ones
    target = y_b.astype(EXTENDED)
    w = _joined(*coordinates.coefficients(theta))
    for _ in range(REFINEMENTS):
        step = vertex.inverse @ (target - X_b @ w.astype(EXTENDED)).astype(np.float64)
        theta, before = theta + step, w
        w = w + _joined(*coordinates.coefficients(step))
        if (w == before).all():
            break
    w[1 + pinned] = 0
    # What is but rounding is 0, unless the rows interpolated tell better.
    size = _joined(*coordinates.coefficients(np.abs(vertex.inverse) @ np.abs(y_b), np.abs(coordinates.A)))
    rounded = np.where(np.abs(w) <= 16 * EPS * size, 0, w)
    changed = bool((rounded != w).any())
    if changed and _misfit(X_b, target, rounded) <= max(_misfit(X_b, target, w), 4 * EPS):
        w = rounded
    open_ones = np.ones(len(w), bool)
    open_ones[1 + pinned] = False
    if coordinates.size < len(w):
        open_ones[1:] = False
        open_ones[1 + coordinates.columns] = True
        open_ones[1 + pinned] = False
        open_ones[0] = coordinates.fit_intercept
    w, faithful = _to_the_last_place(coordinates, vertex, X_b, y_b, w, open_ones)
    return w[1:], float(w[0]), theta, faithful


def _to_the_last_place(
    coordinates: Coordinates,
    vertex: Vertex,
    X_b: NDArray[Any],
    y_b: NDArray[Any],
    w: NDArray[Any],
    open_ones: NDArray[np.bool_],
) -> tuple[NDArray[Any], bool]:
    """w with residuals in twice the precision; whether it is next to the exact one where it is open."""
    doubles = X_b.astype(np.float64)
    nothing = np.zeros(len(y_b))
    for _ in range(2):
        rest, _ = minus_products((y_b, nothing), doubles, w)
        step = _joined(*coordinates.coefficients(vertex.inverse @ rest))
        step[~open_ones] = 0
        w = w + step
    # What sums in twice the precision are off by: a coefficient that is 0 may seem to be 1e-33.
    sizes = np.abs(vertex.inverse) @ (np.abs(y_b) + np.abs(doubles) @ np.abs(w))
    noise = NOISE * _joined(*coordinates.coefficients(sizes, np.abs(coordinates.A)))
    small = np.abs(step) + noise < 0.9 * np.spacing(np.abs(w))
    return w, bool((small & (np.abs(w) > LEAST))[open_ones].all())


def _measured(
    coordinates: Coordinates,
    screened: Screened,
    reduced: Reduced,
    coef: NDArray[Any],
    intercept: float,
    u: NDArray[Any],
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Residuals of the rows kept, the sizes that sum up to them, and the sum of u (1, x) off the basis."""
    kept, n_penalties = screened.kept, reduced.n_penalties
    others = screened.fold.copy()
    others[0] += u[n_penalties:].sum()
    r, sizes = np.empty((2, len(kept)))
    for place, chunk in kept.blocks():
        X = np.asarray(chunk.X, np.float64)  # a copy: blocks are
        others[1:] += u[n_penalties:][place] @ X
        r[place] = chunk.y - X @ coef - intercept
        np.abs(X, out=X)
        sizes[place] = X @ np.abs(coef) + np.abs(chunk.y)
    if n_penalties:
        others[1 + coordinates.columns] += u[:n_penalties]
    return r, sizes + abs(intercept), others


def _basis_dual(
    coordinates: Coordinates, vertex: Vertex, others: NDArray[Any], X_b: NDArray[Any]
) -> NDArray[Any]:
    """u of the basis, which takes the sum of all u (1, x) to zero."""
    u_b = -(coordinates.gradient(others) @ vertex.inverse)
    for _ in range(REFINEMENTS):
        before = u_b
        rest = np.asarray((others + u_b.astype(EXTENDED) @ X_b).astype(np.float64))
        u_b = u_b - coordinates.gradient(rest) @ vertex.inverse
        if (u_b == before).all():
            break
    return np.asarray(u_b)


def _ties(
    coordinates: Coordinates,
    screened: Screened,
    u: NDArray[Any],
    tied: NDArray[np.bool_],
    ties_of_penalty: NDArray[np.bool_],
    basis: NDArray[np.int64],
    n_rows: int,
) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Rows off the basis whose residual may be zero, by name, ascending, and their u."""
    both = np.concatenate([ties_of_penalty, tied])
    both[basis] = False
    at = np.flatnonzero(both)
    n_penalties = len(ties_of_penalty)
    names = np.empty(len(at), np.int64)
    of_penalty = at < n_penalties
    names[of_penalty] = n_rows + coordinates.columns[at[of_penalty]]
    names[~of_penalty] = screened.kept.indices[at[~of_penalty] - n_penalties]
    order = np.argsort(names, kind="stable")
    return names[order], u[at[order]]


def _joined(coef: NDArray[Any], intercept: float) -> NDArray[Any]:
    return np.concatenate(([intercept], coef))


def _misfit(X_b: NDArray[Any], target: NDArray[Any], w: NDArray[Any]) -> float:
    """The largest residual of the rows interpolated, relative to the sizes that sum up to it."""
    sizes = np.abs(target) + np.abs(X_b) @ np.abs(w)
    rest = np.abs(target - X_b @ w.astype(EXTENDED))
    return float(np.max(rest / np.where(sizes > 0, sizes, 1), initial=0))
