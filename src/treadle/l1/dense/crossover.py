r"""From a point near the optimum to a vertex that is optimal, by long-step simplex pivots.

A vertex interpolates p independent rows, the basis B: w = Z_B^-1 y_B. Every other row's dual value is at a
bound, h_i where it lies above and l_i where below, and the basis has what is left::

    u_B = -Z_B^-T (g + sum over the others of u_i z_i)

The vertex is optimal exactly if l_B <= u_B <= h_B. Where u_k is beyond a bound, letting row k go to that side
lowers the objective; the line search goes on past every row whose residual changes its sign until the slope,
which each raises by (h_i - l_i) |z_i' d|, is no longer negative (Barrodale and Roberts 1973; Koenker and
d'Orey 1987). The row there takes the place of k.

Rows outside the basis whose residual is zero make a vertex degenerate, and pivots could go round in circles.
Their targets are moved by a little at random while pivots run; the dual values found are as good for the
targets as they were, because the constraints on them do not hold y.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dgeqp3, dgetrf, dgetri

from treadle.errors import CertificateFailed
from treadle.l1.dense.coordinates import row_lengths
from treadle.l1.interior.interior_point import Unbounded

EPS = float(np.finfo(np.float64).eps)
# An entry of a pivot's column, relative to the sizes of what it is a product of.
SMALLEST_PIVOT = 1e-9
PIVOTS_PER_COLUMN = 400
# Pivots between two inverses from scratch.
REFRESH = 64
# Corners of a line search that are sorted at first.
FIRST_CORNERS = 128


@dataclass
class Vertex:
    """``basis`` (p,) with its inverse, ``w`` (p,), every row's residual and dual value, pivots taken."""

    basis: NDArray[np.int64]
    inverse: NDArray[Any]
    w: NDArray[Any]
    r: NDArray[Any]
    u: NDArray[Any]
    n_pivots: int


def independent_rows(Z: NDArray[Any], weight: NDArray[Any]) -> NDArray[np.int64] | None:
    """p rows of Z that are far from dependent, heavy ones before light ones; None if there are none."""
    n, p = Z.shape
    largest = weight.max()
    for most in (4 * p, 32 * p, n):
        heavy = np.argpartition(-weight, most - 1)[:most] if most < n else np.arange(n)
        if len(heavy) < p:
            continue
        rows = Z[heavy] * np.sqrt(weight[heavy] / largest)[:, None]
        factors, order, _, _, info = dgeqp3(rows.T)
        chosen = order[:p] - 1
        if not info and (np.abs(np.diagonal(factors)[:p]) > 1e-7 * row_lengths(rows[chosen])).all():
            return np.asarray(heavy[chosen])
    return None


def inverse_of(matrix: NDArray[Any]) -> NDArray[Any]:
    """The inverse of a (p, p) matrix; LinAlgError where there is none."""
    factors, pivots, info = dgetrf(matrix)
    if info:
        raise np.linalg.LinAlgError("the basis became singular")
    return np.ascontiguousarray(dgetri(factors, pivots)[0])


def _corner(t: NDArray[Any], rise: NDArray[Any], slope: float) -> tuple[NDArray[np.int64], int]:
    """The first corners along a line, ascending, and at which of them a falling slope has risen to 0.

    Few corners are passed as a rule, so that not all are sorted.
    """
    most = FIRST_CORNERS
    while True:
        first = np.argpartition(t, most - 1)[:most] if most < len(t) else np.arange(len(t))
        order = first[np.argsort(t[first], kind="stable")]
        stop = int(np.searchsorted(np.cumsum(rise[order]), slope))
        if stop < len(order) or most >= len(t):
            return order, stop
        most *= 8


def crossover(
    Z: NDArray[Any],
    y: NDArray[Any],
    low: NDArray[Any],
    high: NDArray[Any],
    g: NDArray[Any],
    basis: NDArray[np.int64],
    rng: np.random.Generator,
    tolerance: float,
    tie: NDArray[Any],
) -> Vertex:
    """Pivot until the dual values of the basis are in their boxes.

    Parameters
    ----------
    Z, y, low, high, g
        As in ``interior_point``.
    basis : ndarray of shape (p,), int64
        Independent rows to begin with.
    rng : numpy.random.Generator
        Moves tied targets.
    tolerance : float
        What a dual value may be beyond its box, times the norm of its column of the basis' inverse.
    tie : ndarray of shape (n,)
        Residuals up to that are zero to rounding.

    Raises
    ------
    Unbounded
        If the rows do not bound the objective from below.
    CertificateFailed
        If no vertex is optimal after very many pivots.
    """
    y = y.copy()
    basis = basis.copy()
    n_pivots = refreshed = 0
    most = PIVOTS_PER_COLUMN * (len(basis) + 10)
    width = high - low
    is_basic = np.zeros(len(y), bool)
    is_basic[basis] = True
    refresh = True
    lengths = row_lengths(Z)
    while True:
        if refresh:
            inverse = inverse_of(Z[basis])
            w = inverse @ y[basis]
            r = y - Z @ w
            tied = (np.abs(r) <= tie) & ~is_basic
            if tied.any():
                # Away from zero, to either side.
                moved = rng.uniform(2, 6, tied.sum()) * rng.choice([-1.0, 1.0], tied.sum()) * tie[tied] * 100
                y[tied] += moved
                r[tied] += moved
            r[basis] = 0
            u = np.where(r > 0, high, low)
            u[basis] = 0
            gradient = g + Z.T @ u
            refresh = False
            refreshed = n_pivots
        u_basic = -(gradient @ inverse)
        over = np.maximum(u_basic - high[basis], low[basis] - u_basic)
        norms = np.sqrt(np.einsum("ij,ij->j", inverse, inverse))
        steep = over / norms
        k = int(steep.argmax())
        if steep[k] <= tolerance:
            if n_pivots > refreshed:  # what pivots summed up may have drifted
                refresh = True
                continue
            u[basis] = u_basic
            return Vertex(basis, inverse, w, r, u, n_pivots)
        sign = 1.0 if u_basic[k] > high[basis[k]] else -1.0
        direction = sign * inverse[:, k]
        along = Z @ direction  # of -w: residuals grow by t times it
        along[basis] = 0
        # Towards its zero; what hardly moves would make a singular basis, and does not count in the slope.
        towards = np.where(u == low, along, -along)
        candidates = np.flatnonzero(
            towards > SMALLEST_PIVOT * math.sqrt(float(direction @ direction)) * lengths
        )
        t = np.maximum(-r[candidates] / along[candidates], 0)
        order, stop = _corner(t, width[candidates] * np.abs(along[candidates]), float(over[k]))
        if stop == len(order):
            raise Unbounded
        entering = int(candidates[order[stop]])
        flipped = candidates[order[:stop]]
        step = t[order[stop]]
        w = w - step * direction
        r += step * along
        leaving = int(basis[k])
        u_new = np.where(u[flipped] == low[flipped], high[flipped], low[flipped])
        gradient = gradient + (u_new - u[flipped]) @ Z[flipped] - u[entering] * Z[entering]
        u[flipped] = u_new
        u[leaving] = high[leaving] if sign > 0 else low[leaving]
        gradient += u[leaving] * Z[leaving]
        r[leaving] = sign * step
        r[entering] = 0
        u[entering] = 0
        row = Z[entering] @ inverse
        pivot = row[k]
        row[k] -= 1
        inverse = inverse - np.outer(inverse[:, k], row / pivot)
        basis[k] = entering
        is_basic[leaving], is_basic[entering] = False, True
        n_pivots += 1
        if n_pivots > most:
            raise CertificateFailed(
                f"no optimal vertex after {n_pivots} pivots over {len(y)} rows: their numbers are too far "
                "apart for the precision of a double; scale or drop what is out of range"
            )
        refresh = n_pivots - refreshed == REFRESH or abs(pivot) < 1e-7 * np.abs(row).max()
