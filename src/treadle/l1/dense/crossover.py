r"""Long-step simplex pivots from a basis near the optimum to the optimal vertex.

A vertex interpolates p independent rows, the basis B, and every other row's dual value is at a bound, h_i
where it lies above and l_i where below::

    w = Z_B^-1 y_B,       u_B = -Z_B^-T q,    q = g + sum over the others of u_i z_i                     (1)

The vertex is optimal exactly if l_B <= u_B <= h_B. Else some u_k is beyond a bound by an excess e > 0. Along

    d = s Z_B^-1 e_k,     s = 1 if u_k > h_k, -1 if u_k < l_k                                            (2)

row k leaves zero, all others of the basis stay there, and as w - t d moves, the residuals are r + t Z d. The
objective, linear but for breakpoints t_i where a residual is zero, starts with the slope -e, and each
breakpoint passed adds to it:

    t_i = -r_i / z_i'd > 0,     slope after some i:  -e + sum of (h_i - l_i) |z_i'd|                     (3)

The line search goes on past rows, whose u_i change to the other bound, as long as that slope is negative; the
row at the breakpoint where it no longer is takes the place of k. These are the long steps of Barrodale and
Roberts (1973), for quantiles Koenker and d'Orey (1987).

Rows outside the basis whose residual is zero make a vertex degenerate, and pivots could go round in circles.
Their targets are moved by a little at random while pivots run; the dual values found are as good for the
targets as they were, because the constraints Z'u = -g do not involve y.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dgeqp3, dgetrf, dgetri

from treadle.errors import CertificateFailed
from treadle.l1.dense.coordinates import row_lengths
from treadle.l1.interior.interior_point import Unbounded

EPS = float(np.finfo(np.float64).eps)
# An entry of a pivot's column, relative to the sizes of what it is a product of.
SMALLEST_PIVOT = 1e-9
# A pivot that is so small a share of its row has made the inverse inaccurate.
INACCURATE_PIVOT = 1e-7
PIVOTS_PER_COLUMN = 400
# Pivots between two inverses from scratch.
PIVOTS_PER_INVERSE = 64
# Breakpoints of a line search that are sorted at first.
FIRST_BREAKPOINTS = 128
# A row whose part outside of the rows chosen before is a smaller share of it depends on them.
DEPENDENT_ROW = 1e-7


@dataclass(frozen=True)
class Vertex:
    """A basis (p,) with its inverse, coefficients, residuals and dual values.

    ``w`` (p,) interpolates its rows; ``r`` and ``u`` (n,) are every row's residual and dual value.
    """

    basis: NDArray[np.int64]
    inverse: NDArray[np.float64]
    w: NDArray[np.float64]
    r: NDArray[np.float64]
    u: NDArray[np.float64]
    n_pivots: int


def independent_rows(Z: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.int64] | None:
    """Choose p rows of Z far from dependent, heavy ones first; None without such."""
    n, p = Z.shape
    largest = weight.max()
    # Pivoted QR of the rows as columns, of few heavy ones at first: its first p pivots are independent rows.
    for most in (4 * p, 32 * p, n):
        heavy = np.argpartition(-weight, most - 1)[:most] if most < n else np.arange(n)
        if len(heavy) < p:
            continue
        rows = Z[heavy] * np.sqrt(weight[heavy] / largest)[:, None]
        factors, order, _, _, info = dgeqp3(rows.T)
        # LAPACK numbers from 1. R's diagonal is the length of what the rows chosen before leave of each.
        chosen = order[:p] - 1
        if not info and (np.abs(np.diagonal(factors)[:p]) > DEPENDENT_ROW * row_lengths(rows[chosen])).all():
            return np.asarray(heavy[chosen])
    return None


def inverse_of(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Invert a (p, p) matrix; LinAlgError where it is singular."""
    factors, pivots, info = dgetrf(matrix)
    if info:
        raise np.linalg.LinAlgError("the basis became singular")
    return np.ascontiguousarray(dgetri(factors, pivots)[0])


def crossover(
    Z: NDArray[np.float64],
    y: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    g: NDArray[np.float64],
    basis: NDArray[np.int64],
    rng: np.random.Generator,
    tolerance: float,
    tie: NDArray[np.float64],
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
    at = _Pivoting(Z, y.copy(), low, high, g, basis.copy())
    most = PIVOTS_PER_COLUMN * (len(basis) + 10)
    n_pivots = n_refreshed = 0
    stale = True
    while True:
        # 0) Every so often, and before the end, (1) from scratch: what pivots summed up drifts.
        if stale:
            at.refresh(tie, rng)
            stale, n_refreshed = False, n_pivots
        # 1) The dual values of the basis; which of them is farthest beyond its box, as lengths along d count.
        u_basic = at.basic_dual_values()
        excess = np.maximum(u_basic - high[at.basis], low[at.basis] - u_basic)
        steepness = excess / np.sqrt(np.einsum("ij,ij->j", at.inverse, at.inverse))
        k = int(steepness.argmax())
        # 2) None is: the vertex is optimal, if that is seen in fresh numbers.
        if steepness[k] <= tolerance:
            if n_pivots > n_refreshed:
                stale = True
                continue
            at.u[at.basis] = u_basic
            return Vertex(at.basis, at.inverse, at.w, at.r, at.u, n_pivots)
        # 3) Along (2), past the breakpoints (3) until the objective would rise.
        sign = 1.0 if u_basic[k] > high[at.basis[k]] else -1.0
        step = at.line_search(k, sign, float(excess[k]))
        # 4) The row there takes the place of row k.
        at.move(k, sign, step)
        is_inaccurate = at.exchange(k, step.entering)
        n_pivots += 1
        if n_pivots > most:
            raise CertificateFailed(
                f"no optimal vertex after {n_pivots} pivots over {len(y)} rows: their numbers are too far "
                "apart for the precision of a double; scale or drop what is out of range"
            )
        stale = n_pivots - n_refreshed == PIVOTS_PER_INVERSE or is_inaccurate


@dataclass(frozen=True)
class _Step:
    """A step along d: z_i'd of every row (n,), rows passed, the row entering."""

    direction: NDArray[np.float64]
    along: NDArray[np.float64]
    length: float
    passed: NDArray[np.int64]
    entering: int


class _Pivoting:
    """The vertex that pivots change in place, in the names of (1).

    ``basis`` (p,), ``inverse`` Z_B^-1, ``w`` (p,), ``r`` and ``u`` (n,), both 0 on the basis, and ``q`` (p,).
    """

    w: NDArray[np.float64]
    r: NDArray[np.float64]
    u: NDArray[np.float64]
    q: NDArray[np.float64]
    inverse: NDArray[np.float64]

    def __init__(
        self,
        Z: NDArray[np.float64],
        y: NDArray[np.float64],
        low: NDArray[np.float64],
        high: NDArray[np.float64],
        g: NDArray[np.float64],
        basis: NDArray[np.int64],
    ) -> None:
        self.Z, self.y, self.low, self.high, self.g, self.basis = Z, y, low, high, g, basis
        self.width = high - low
        self.lengths = row_lengths(Z)
        self.is_basic = np.zeros(len(y), bool)
        self.is_basic[basis] = True

    def refresh(self, tie: NDArray[np.float64], rng: np.random.Generator) -> None:
        """Compute (1) from scratch; move the targets of tied rows."""
        self.inverse = inverse_of(self.Z[self.basis])
        self.w = self.inverse @ self.y[self.basis]
        self.r = self.y - self.Z @ self.w
        tied = (np.abs(self.r) <= tie) & ~self.is_basic
        if tied.any():
            # Ties off the basis, where pivots could go round in circles: moved by hundreds of times their
            # rounding.
            n = tied.sum()
            moves = rng.uniform(2, 6, n) * rng.choice([-1.0, 1.0], n) * tie[tied] * 100
            self.y[tied] += moves
            self.r[tied] += moves
        self.r[self.basis] = 0
        self.u = np.where(self.r > 0, self.high, self.low)
        self.u[self.basis] = 0
        # q of (1): u is 0 on the basis.
        self.q = self.g + self.Z.T @ self.u

    def basic_dual_values(self) -> NDArray[np.float64]:
        """u_B of (1)."""
        return np.asarray(-(self.q @ self.inverse))

    def line_search(self, k: int, sign: float, excess: float) -> _Step:
        """Find the breakpoint along (2) where the objective would rise; Unbounded without one."""
        # d of (2), and z_i'd of (3). The basis stays at zero; row k only moves away from it.
        direction = sign * self.inverse[:, k]
        along = self.Z @ direction
        along[self.basis] = 0
        # Rows on their way to zero. What hardly moves would make a singular basis, and does not count in the
        # slope.
        towards = np.where(self.u == self.low, along, -along)
        candidates = np.flatnonzero(
            towards > SMALLEST_PIVOT * math.sqrt(float(direction @ direction)) * self.lengths
        )
        # (3): where each residual is zero, at once for ties; and by how much the slope rises there.
        t = np.maximum(-self.r[candidates] / along[candidates], 0)
        rise = self.width[candidates] * np.abs(along[candidates])
        order, stop = first_breakpoints(t, rise, excess)
        if stop == len(order):
            raise Unbounded
        passed = candidates[order[:stop]]
        return _Step(direction, along, t[order[stop]], passed, int(candidates[order[stop]]))

    def move(self, k: int, sign: float, step: _Step) -> None:
        """Take the step: w, r, u and q after it.

        The rows passed change to their other bound, row k goes to one, and the one entering to zero.
        """
        low, high, Z, u = self.low, self.high, self.Z, self.u
        leaving, entering, passed = int(self.basis[k]), step.entering, step.passed
        self.w = self.w - step.length * step.direction
        self.r += step.length * step.along
        # q of (1) follows u: the rows passed are at their other bound, the one entering is part of it no
        # longer.
        other_bound = np.where(u[passed] == low[passed], high[passed], low[passed])
        self.q = self.q + (other_bound - u[passed]) @ Z[passed] - u[entering] * Z[entering]
        u[passed] = other_bound
        # Row k leaves to the side that its u exceeded: above zero with u at h, below with u at l.
        u[leaving] = high[leaving] if sign > 0 else low[leaving]
        self.q += u[leaving] * Z[leaving]
        self.r[leaving] = sign * step.length
        self.r[entering] = 0
        u[entering] = 0

    def exchange(self, k: int, entering: int) -> bool:
        """Replace the basis' k-th row; return whether that made the inverse inaccurate.

        With z the row that enters and a = Z_B^-T z, the new inverse is Z_B^-1 (I - e_k (a - e_k)' / a_k).
        """
        # a', and a_k: the rank-one update of Sherman and Morrison.
        row = self.Z[entering] @ self.inverse
        pivot = row[k]
        row[k] -= 1
        self.inverse = self.inverse - np.outer(self.inverse[:, k], row / pivot)
        self.is_basic[self.basis[k]], self.is_basic[entering] = False, True
        self.basis[k] = entering
        return bool(abs(pivot) < INACCURATE_PIVOT * np.abs(row).max())


def first_breakpoints(
    t: NDArray[np.float64], rise: NDArray[np.float64], excess: float
) -> tuple[NDArray[np.int64], int]:
    """Sort the first breakpoints t, up to where the slope is 0.

    The slope is -excess at first, and rises at each. Few are passed as a rule, so that not all are sorted.
    Returns their positions, ascending by t, and at which of these the slope is no longer negative; the number
    of all where there is none.
    """
    most = FIRST_BREAKPOINTS
    while True:
        first = np.argpartition(t, most - 1)[:most] if most < len(t) else np.arange(len(t))
        order = first[np.argsort(t[first], kind="stable")]
        # The slope of (3) after each breakpoint is what is summed up to it, less the excess.
        stop = int(np.searchsorted(np.cumsum(rise[order]), excess))
        if stop < len(order) or most >= len(t):
            return order, stop
        most *= 8
