"""Solves a reduced problem exactly: interior point, basis, pivots.

1. The interior point stops while its gap is still a tenth of p median residuals (``interior_point``).
2. The rows with the largest D of its equation (3), which are about to be interpolated, make up a basis.
3. Pivots lead from there to the optimal vertex (``crossover``). They run on a window of the rows
   nearest to the point, the others being folded.
4. Rows that were folded with the wrong sign join the window, until there are none.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from treadle.l1.dense.coordinates import row_lengths
from treadle.l1.dense.crossover import Vertex, crossover, independent_rows
from treadle.l1.dense.radii import Ball, upper_median
from treadle.l1.dense.reduced_problem import EPS, Reduced
from treadle.l1.dense.task import Task
from treadle.l1.dense.weighted_median import weighted_median
from treadle.l1.interior.interior_point import InteriorPoint, Unbounded, interior_point

# The gap at which the interior point stops, times p and the median |r|.
GAP = 0.1
# Rows of the first window: at least that many, and as many for each coordinate; and by how much it is widened
# where its rows do not bound the objective.
FIRST_WINDOW, WINDOW_PER_COORDINATE, WIDER = 1000, 30, 4


def optimal_vertex(task: Task, reduced: Reduced, ball: Ball, farthest: float) -> Vertex:
    """Solve a reduced problem exactly, from the center of a ball.

    Parameters
    ----------
    task : Task
    reduced : Reduced
    ball : Ball
        Its radius is how far off the center may be.
    farthest : float
        Distance from the center at which a solution is taken for a sign that there is none.

    Raises
    ------
    Unbounded
        If the rows do not bound the objective from below, or the solution is farther off.
    CertificateFailed
        If pivots do not end.
    """
    rows, theta = task.rows, ball.center
    if reduced.Z.shape[1] == 1:
        return weighted_median(reduced)
    median = upper_median(np.abs(reduced.y - reduced.Z @ theta))
    gap = GAP * reduced.Z.shape[1] * median
    close = closely(reduced, theta, min(ball.radius, median), gap, farthest)
    task.effort.n_iter += close.n_steps
    tolerance = 8 * EPS * math.sqrt(rows.n_rows) * (task.total_weight / rows.n_rows)
    basis = basis_near(reduced, close)
    vertex = exactly(reduced, close.w, basis, task.rng, tolerance + EPS * task.penalty)
    task.effort.n_pivots += vertex.n_pivots
    return vertex


def closely(
    reduced: Reduced, theta: NDArray[np.float64], mu: float, gap: float, farthest: float = math.inf
) -> InteriorPoint:
    """Run the interior point to near the optimum.

    mu and gap are residuals of rows of weight 1.
    """
    weight = reduced.mean_weight
    return interior_point(
        reduced.Z,
        reduced.y,
        reduced.low,
        reduced.high,
        reduced.g,
        theta,
        weight * max(mu, reduced.noise),
        weight * max(gap, 4 * len(reduced) * reduced.noise),
        farthest,
    )


def basis_near(reduced: Reduced, close: InteriorPoint) -> NDArray[np.int64]:
    """Choose rows that an interior point all but interpolates.

    Unbounded if they do not span.
    """
    basis = independent_rows(reduced.Z, close.certainty)
    if basis is None:
        raise Unbounded
    return basis


def exactly(
    reduced: Reduced,
    theta: NDArray[np.float64],
    basis: NDArray[np.int64],
    rng: np.random.Generator,
    tolerance: float,
) -> Vertex:
    """Pivot to the optimal vertex, from a basis close to it.

    Raises
    ------
    Unbounded
        If the rows do not bound the objective from below.
    """
    Z, y = reduced.Z, reduced.y
    n, p = Z.shape
    r = y - Z @ theta
    lengths = row_lengths(Z)
    tie = 16 * EPS * (np.abs(y) + lengths * math.sqrt(float(theta @ theta))) + EPS * reduced.noise
    size = max(FIRST_WINDOW, WINDOW_PER_COORDINATE * p)
    inside = np.empty(n, bool)
    while True:
        inside[:] = n <= 2 * size
        if n > 2 * size:
            inside[np.argpartition(np.abs(r) / np.maximum(lengths, 1e-300), size)[:size]] = True
            inside[basis] = True
            inside[: reduced.n_penalties] = True
        try:
            return _by_windows(reduced, inside, r, basis, rng, tolerance, tie)
        except Unbounded:
            if inside.all():
                raise
            size *= WIDER


def _by_windows(
    reduced: Reduced,
    inside: NDArray[np.bool_],
    r: NDArray[np.float64],
    basis: NDArray[np.int64],
    rng: np.random.Generator,
    tolerance: float,
    tie: NDArray[np.float64],
) -> Vertex:
    """Find the optimal vertex from windows that grow; ``inside`` is the first."""
    if inside.all():
        return _pivots(reduced, basis, rng, tolerance, tie)
    n_pivots = 0
    u = np.where(r > 0, reduced.high, reduced.low)
    while True:
        # Rows outside fold by the sign that they have.
        some = np.flatnonzero(inside)
        u[some] = 0
        g = reduced.g + u @ reduced.Z
        positions = np.searchsorted(some, basis)
        vertex = _pivots(reduced.part(some, g), positions, rng, tolerance, tie[some])
        n_pivots += vertex.n_pivots
        basis = some[vertex.basis]
        r = reduced.y - reduced.Z @ vertex.w
        # A row at zero to rounding may be at either bound.
        wrong = (u * r < 0) & (np.abs(r) > tie)
        if not wrong.any():
            u[some] = vertex.u
            r[some] = vertex.r
            return Vertex(basis, vertex.inverse, vertex.w, r, u, n_pivots)
        inside |= wrong


def _pivots(
    reduced: Reduced,
    basis: NDArray[np.int64],
    rng: np.random.Generator,
    tolerance: float,
    tie: NDArray[np.float64],
) -> Vertex:
    return crossover(reduced.Z, reduced.y, reduced.low, reduced.high, reduced.g, basis, rng, tolerance, tie)
