r"""Coefficients and dual values of an optimal vertex, as exact as doubles are.

With X_B the basis' rows (1, x) in the user's units, y_B their targets, and g the sum of u_i (1, x_i) over all
rows off the basis::

    w = X_B^-1 y_B,     u_B = -X_B^-T g                                                                  (1)

1. w, by iterative refinement: residuals y_B - X_B w in extended precision, then in twice the precision of a
   double, solved for with the inverse that pivots ended with.
2. r = y - X w of the rows kept, and g.
3. u_B, likewise; it is cut to its box.
4. The objective, primal sum_i loss_i(r_i) and dual, which is less by sum_i (loss_i(r_i) - u_i r_i).
5. Rows off the basis whose residual may be zero: ties, whose u a certificate has to give.
6. What is not sure: dual values near a bound, signs of r and u that do not agree.

What it ends with is a candidate: whether it is the optimum of the exact data is for ``treadle.l1.proof`` to
say. ``sure`` is set where every margin is so much larger than rounding that nobody need ask during the fit.
"""

from __future__ import annotations

from dataclasses import dataclass

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
DOUBLE_DOUBLE_NOISE = 2.0**-96
# Of a coefficient that is less, what a step of refinement adds may underflow.
UNDERFLOW_BELOW = 1e-250


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
    guess: NDArray[np.float64],
    reduced: Reduced,
    vertex: Vertex,
    n_rows: int,
) -> Candidate:
    """Refine a vertex of all rows, and say what is sure of it.

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
    kept, n_penalties = screened.kept, reduced.n_penalties
    basis = _basis_of(coordinates, screened, reduced, vertex)
    # 1. Coefficients.
    coef, intercept, theta, faithful = _coefficients(coordinates, vertex, basis)
    # 2. Residuals of the rows kept; those of the basis by themselves, in extended precision.
    u = vertex.u.copy()
    u[vertex.basis] = 0
    r, sizes, others = _measured(coordinates, screened, reduced, coef, intercept, u)
    w = _joined(coef, intercept).astype(EXTENDED)
    r[basis.in_kept] = (basis.y[basis.real] - basis.X[basis.real] @ w).astype(np.float64)
    # 3. Dual values of the basis.
    u_b = _basis_dual(coordinates, vertex, others, basis.X)
    low, high = reduced.low[vertex.basis], reduced.high[vertex.basis]
    margin = MARGIN * (high - low)
    at_bound = (u_b <= low + margin) | (u_b >= high - margin)
    u[vertex.basis] = np.minimum(np.maximum(u_b, low), high)
    # 4. The objective; that of the rows folded is linear between the guess and here.
    low_kept, high_kept, u_kept = reduced.low[n_penalties:], reduced.high[n_penalties:], u[n_penalties:]
    loss = np.maximum(low_kept * r, high_kept * r)
    moved = coordinates.gradient(screened.fold) @ (theta - guess)
    penalty = float(reduced.high[0]) * float(np.abs(coef).sum()) if n_penalties else 0.0
    primal = screened.loss - moved + float(loss.sum()) + penalty
    slack = float((loss - u_kept * r).sum())
    # 5. Ties.
    tied = np.abs(r) <= NEAR_ZERO * (sizes + reduced.noise)
    tied[basis.in_kept] = True
    ties_of_penalty = coef[coordinates.columns] == 0 if n_penalties else np.zeros(0, bool)
    names, values = _ties(coordinates, screened, u, tied, ties_of_penalty, vertex.basis, n_rows)
    # 6. What is not sure.
    unique: bool | None = coordinates.size == coordinates.n_features + coordinates.fit_intercept
    if unique and at_bound.any():
        unique = is_unique(reduced, u, np.concatenate([ties_of_penalty, tied]))
    opposed = bool(((loss - u_kept * r > EPS * (high_kept - low_kept) * np.abs(r)) & ~tied).any())
    doubts = at_bound.any() or opposed or len(names) or not np.isfinite(primal) or coordinates.is_doubtful
    return Candidate(
        coef=coef,
        intercept=intercept,
        primal=float(primal),
        dual=float(primal) - slack,
        basis=basis.names(kept.indices, n_rows),
        kept=coordinates.columns,
        ties=names,
        tie_values=values,
        side=_sides(screened, u_kept, r, tied),
        unique=unique,
        sure=not doubts,
        faithful=faithful,
        basis_rows=kept.take(basis.in_kept[np.argsort(kept.indices[basis.in_kept])]),
    )


@dataclass(frozen=True)
class _Basis:
    """The basis in the user's units.

    ``X`` (p, 1 + D) is X_B in extended precision, ``y`` (p,) its targets.

    ``real`` (p,) tells its rows from those of the penalty, e_j with target 0; ``in_kept`` are the places of
    the former among the rows kept, ``pinned`` the features j of the latter, whose coefficient is 0.
    """

    X: NDArray[np.longdouble]
    y: NDArray[np.float64]
    real: NDArray[np.bool_]
    in_kept: NDArray[np.int64]
    pinned: NDArray[np.int64]

    def names(self, indices: NDArray[np.int64], n_rows: int) -> NDArray[np.int64]:
        """Names in a certificate: a row's number, N + j for the penalty's j-th."""
        names = np.empty(len(self.real), np.int64)
        names[self.real] = indices[self.in_kept]
        names[~self.real] = n_rows + self.pinned
        return names


def _basis_of(coordinates: Coordinates, screened: Screened, reduced: Reduced, vertex: Vertex) -> _Basis:
    """X_B and y_B, from the rows kept."""
    real = vertex.basis >= reduced.n_penalties
    in_kept = vertex.basis[real] - reduced.n_penalties
    pinned = coordinates.columns[vertex.basis[~real]]
    X = np.zeros((len(real), 1 + coordinates.n_features), EXTENDED)
    X[real, 0] = float(coordinates.fit_intercept)
    X[real, 1:] = screened.kept.take(in_kept).X
    X[np.flatnonzero(~real), 1 + pinned] = 1
    return _Basis(X, reduced.y[vertex.basis], real, in_kept, pinned)


def _coefficients(
    coordinates: Coordinates, vertex: Vertex, basis: _Basis
) -> tuple[NDArray[np.float64], float, NDArray[np.float64], bool]:
    """Coefficients, intercept, theta; and whether they surely are next to the exact ones."""
    theta = vertex.inverse @ basis.y  # of the targets as they are: pivots may have moved tied ones
    target = basis.y.astype(EXTENDED)
    w = _joined(*coordinates.coefficients(theta))
    for _ in range(REFINEMENTS):
        step = vertex.inverse @ (target - basis.X @ w.astype(EXTENDED)).astype(np.float64)
        theta, before = theta + step, w
        w = w + _joined(*coordinates.coefficients(step))
        if (w == before).all():
            break
    w[1 + basis.pinned] = 0
    # What is but rounding is 0, unless the rows interpolated tell better.
    size = _joined(*coordinates.coefficients(np.abs(vertex.inverse) @ np.abs(basis.y), np.abs(coordinates.A)))
    rounded = np.where(np.abs(w) <= 16 * EPS * size, 0, w)
    changed = bool((rounded != w).any())
    if changed and _misfit(basis.X, target, rounded) <= max(_misfit(basis.X, target, w), 4 * EPS):
        w = rounded
    w, faithful = _to_the_last_place(coordinates, vertex, basis, w)
    return w[1:], float(w[0]), theta, faithful


def _to_the_last_place(
    coordinates: Coordinates, vertex: Vertex, basis: _Basis, w: NDArray[np.float64]
) -> tuple[NDArray[np.float64], bool]:
    """Refine w with doubled precision; return whether it is next to the exact one."""
    free = _free_coefficients(coordinates, basis.pinned)
    doubles = basis.X.astype(np.float64)
    nothing = np.zeros(len(basis.y))
    for _ in range(2):
        rest, _ = minus_products((basis.y, nothing), doubles, w)
        step = _joined(*coordinates.coefficients(vertex.inverse @ rest))
        step[~free] = 0
        w = w + step
    # What sums in twice the precision are off by: a coefficient that is 0 may seem to be 1e-33.
    sizes = np.abs(vertex.inverse) @ (np.abs(basis.y) + np.abs(doubles) @ np.abs(w))
    noise = DOUBLE_DOUBLE_NOISE * _joined(*coordinates.coefficients(sizes, np.abs(coordinates.A)))
    small = np.abs(step) + noise < 0.9 * np.spacing(np.abs(w))
    return w, bool((small & (np.abs(w) > UNDERFLOW_BELOW))[free].all())


def _free_coefficients(coordinates: Coordinates, pinned: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of (b, w), (1 + D,), are neither left out nor held at 0."""
    free = np.ones(1 + coordinates.n_features, bool)
    if coordinates.size < len(free):
        free[1:] = False
        free[1 + coordinates.columns] = True
        free[0] = coordinates.fit_intercept
    free[1 + pinned] = False
    return free


def _measured(
    coordinates: Coordinates,
    screened: Screened,
    reduced: Reduced,
    coef: NDArray[np.float64],
    intercept: float,
    u: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Residuals of the rows kept, their terms' sizes, and g of (1)."""
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
    coordinates: Coordinates, vertex: Vertex, others: NDArray[np.float64], X_b: NDArray[np.longdouble]
) -> NDArray[np.float64]:
    """u_B of (1), which takes the sum of all u (1, x) to 0."""
    u_b = -(coordinates.gradient(others) @ vertex.inverse)
    for _ in range(REFINEMENTS):
        before = u_b
        rest = np.asarray((others + u_b.astype(EXTENDED) @ X_b).astype(np.float64))
        u_b = u_b - coordinates.gradient(rest) @ vertex.inverse
        if (u_b == before).all():
            break
    return np.asarray(u_b)


def _sides(
    screened: Screened, u_kept: NDArray[np.float64], r: NDArray[np.float64], tied: NDArray[np.bool_]
) -> NDArray[np.int8] | None:
    """The sign of every row's u; of a tie that of its residual."""
    side, kept = screened.side, screened.kept
    if side is not None:
        side[kept.indices] = np.sign(u_kept)
        side[kept.indices[tied]] = np.where(r[tied] > 0, 1, -1)
    return side


def _ties(
    coordinates: Coordinates,
    screened: Screened,
    u: NDArray[np.float64],
    tied: NDArray[np.bool_],
    ties_of_penalty: NDArray[np.bool_],
    basis: NDArray[np.int64],
    n_rows: int,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Ties off the basis, by name, ascending, and their u."""
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


def _joined(coef: NDArray[np.float64], intercept: float) -> NDArray[np.float64]:
    return np.concatenate(([intercept], coef))


def _misfit(X_b: NDArray[np.longdouble], target: NDArray[np.longdouble], w: NDArray[np.float64]) -> float:
    """The largest residual of the rows interpolated, relative to its terms."""
    sizes = np.abs(target) + np.abs(X_b) @ np.abs(w)
    rest = np.abs(target - X_b @ w.astype(EXTENDED))
    return float(np.max(rest / np.where(sizes > 0, sizes, 1), initial=0))
