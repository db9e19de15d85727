r"""Refines an optimal vertex's coefficients and dual values to full double precision.

With X_B the basis' rows (1, x) in the user's units, y_B their targets, and g the sum of u_i (1, x_i) over all
rows off the basis::

    w = X_B^-1 y_B,     u_B = -X_B^-T g                                                                  (1)

1. w, by iterative refinement: residuals y_B - X_B w, each rounded once, solved for with the inverse that
   pivots ended with.
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
from treadle.l1.dense.double_double import rounded_residuals
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
# What is not told of a coefficient, in shares of what it is a sum of.
NOISE = 2.0**-96
# Of a coefficient that is less, what a step of refinement adds may underflow.
UNDERFLOW_BELOW = 1e-250


@dataclass(frozen=True)
class Candidate:
    """A vertex that may be optimal.

    ``basis`` (p,), ``ties`` (t,) and ``tie_values`` (t,) name rows, N + j the penalty's, as a certificate
    does; ``kept`` the columns whose coefficients the basis determines, ``basis_rows`` its rows, ascending.
    ``sure``: that the vertex is optimal needs no proof yet; ``faithful``: nor that coefficients are right
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
    """Refine a vertex of all rows, and say what is sure about it.

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
    # Off the basis loss_i = u_i r_i where u is at the bound of the residual's side: else they do not agree.
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
        """Return names for a certificate: a row's number, N + j for penalties.

        N + j is the penalty's j-th row.
        """
        names = np.empty(len(self.real), np.int64)
        names[self.real] = indices[self.in_kept]
        names[~self.real] = n_rows + self.pinned
        return names


def _basis_of(coordinates: Coordinates, screened: Screened, reduced: Reduced, vertex: Vertex) -> _Basis:
    """Take X_B and y_B from the rows kept."""
    # The reduced problem has the penalty's rows first.
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
    """Solve for coefficients, intercept and theta; say whether they are sure.

    Sure coefficients are next to the exact ones.
    """
    theta = vertex.inverse @ basis.y  # of the targets as they are: pivots may have moved tied ones
    doubles = basis.X.astype(np.float64)
    free = _free_coefficients(coordinates, basis.pinned)

    def missing(w: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Tell what w lacks of the vertex, to the digits of the inverse; in coordinates as well."""
        step = vertex.inverse @ rounded_residuals(basis.y, doubles, w)
        return np.where(free, _joined(*coordinates.coefficients(step)), 0), step

    w = np.where(free, _joined(*coordinates.coefficients(theta)), 0)
    added, step = missing(w)
    for _ in range(REFINEMENTS):
        # What w leaves of y_B, solved for with the inverse of the pivots, until it changes w no longer.
        theta, before, w = theta + step, w, w + added
        if (w == before).all():
            break
        added, step = missing(w)
    # What is but rounding is 0, unless the rows interpolated tell better.
    lengths, sizes = np.abs(vertex.inverse), np.abs(coordinates.A)
    size = _joined(*coordinates.coefficients(lengths @ np.abs(basis.y), sizes))
    rounded = np.where(np.abs(w) <= 16 * EPS * size, 0, w)
    if (rounded != w).any():
        target = basis.y.astype(EXTENDED)
        if _misfit(basis.X, target, rounded) <= max(_misfit(basis.X, target, w), 4 * EPS):
            w = rounded + missing(rounded)[0]
            added = missing(w)[0]
    # Next to the exact ones if what they lack is less than half a last place, and the inverse tells that:
    # a coefficient that is 0 may seem to be 1e-33.
    terms = np.abs(basis.y) + np.abs(doubles) @ np.abs(w)
    left = np.abs(added) + NOISE * _joined(*coordinates.coefficients(lengths @ terms, sizes))
    near = (left < 0.9 * np.spacing(np.abs(w))) & (np.abs(w) > UNDERFLOW_BELOW)
    return w[1:], float(w[0]), theta, bool(near[free].all())


def _free_coefficients(coordinates: Coordinates, pinned: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which of (b, w), (1 + D,), are neither left out nor zero.

    Zero are those held at 0.
    """
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
    """Compute the kept rows' residuals, their terms' sizes, and g of (1)."""
    kept, n_penalties = screened.kept, reduced.n_penalties
    # g of (1) is over the rows folded, the rows kept, and the penalty's; u is 0 on the basis here.
    others = screened.fold.copy()
    others[0] += u[n_penalties:].sum()
    r, sizes = np.empty((2, len(kept)))
    for place, chunk in kept.blocks():
        X = np.asarray(chunk.X, np.float64)
        others[1:] += u[n_penalties:][place] @ X
        r[place] = chunk.y - X @ coef - intercept
        sizes[place] = np.abs(X) @ np.abs(coef) + np.abs(chunk.y)
    if n_penalties:
        others[1 + coordinates.columns] += u[:n_penalties]
    return r, sizes + abs(intercept), others


def _basis_dual(
    coordinates: Coordinates, vertex: Vertex, others: NDArray[np.float64], X_b: NDArray[np.longdouble]
) -> NDArray[np.float64]:
    """Solve for u_B of (1), which makes the sum of u (1, x) zero."""
    u_b = -(coordinates.gradient(others) @ vertex.inverse)
    for _ in range(REFINEMENTS):
        before = u_b
        # What u_B leaves of X'u = 0, in the user's columns, is solved for as w was.
        rest = np.asarray((others + u_b.astype(EXTENDED) @ X_b).astype(np.float64))
        u_b = u_b - coordinates.gradient(rest) @ vertex.inverse
        if (u_b == before).all():
            break
    return np.asarray(u_b)


def _sides(
    screened: Screened, u_kept: NDArray[np.float64], r: NDArray[np.float64], tied: NDArray[np.bool_]
) -> NDArray[np.int8] | None:
    """Return the sign of every row's u; of a tie, its residual's."""
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
    """Return the ties off the basis, by ascending name, and their u."""
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
    """Return the largest residual of the interpolated rows, relative to its terms."""
    sizes = np.abs(target) + np.abs(X_b) @ np.abs(w)
    rest = np.abs(target - X_b @ w.astype(EXTENDED))
    return float(np.max(rest / np.where(sizes > 0, sizes, 1), initial=0))
