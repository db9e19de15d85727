"""Coarse levels: random samples, each at most 16 times the last, that lead to a guess for all rows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from treadle.l1.dense.coordinates import row_lengths

FACTOR = 16
# The rows with the smallest residuals, by which their density at 0 is estimated: so many for each coordinate,
# at most that share of all.
NEAR, MOST_NEAR = 800, 0.3
# The share of rows in a window of ``smoothed_loss``.
WINDOW = 0.2
# Near rows whose curvature in some direction is less than that share of the largest do not tell of it: those
# of counts on dummies lie in some cells only.
LEAST_CURVATURE = 1e-6


def smallest_sample(size: int) -> int:
    """Rows of the first level; fewer than twice as many are solved as they are."""
    return max(2000, 60 * size)


def level_sizes(n_rows: int, size: int) -> list[int]:
    """Rows of each level, the last being all; ``size`` counts the coordinates p."""
    smallest = smallest_sample(size)
    if n_rows <= 2 * smallest:
        return [n_rows]
    n_steps = max(1, math.ceil(math.log(n_rows / smallest, FACTOR)))
    ratio = (n_rows / smallest) ** (1 / n_steps)
    return [*(round(smallest * ratio**i) for i in range(n_steps)), n_rows]


def limited_sizes(sizes: list[int], size: int) -> list[int]:
    """Those levels for rows that memory need not hold: the last as large as what the pass after it keeps.

    With rows far off that pull at the solution, a sample of m rows of N leaves some 4 N sqrt(p / m) to keep
    or more, which is m itself at m^3 = (4 N)^2 p. So memory grows as N^(2/3).
    """
    *samples, n_rows = sizes
    if not samples:
        return sizes
    most = max(samples[0], math.ceil(((4 * n_rows) ** 2 * size) ** (1 / 3)))
    return [*(m for m in samples if 2 * m < most), min(most, n_rows), n_rows]


@dataclass(frozen=True)
class Scatter:
    """How solutions of samples scatter about that of all rows, by the rows of one (Koenker 2005, 3.2).

    With J (p, p) the Hessian of the expected objective, from the density of residuals at 0, and S (p, p) the
    sum of u_i^2 z_i z_i', their covariance is J^-1 S J^-1. Rows far off are no part of J, but of S. A share
    ``WINDOW`` of the rows have |r_i| <= ``window`` |z_i|; ``share`` is theirs of the weight of all.
    """

    J: NDArray[Any]
    covariance: NDArray[Any]
    n_rows: int
    n_near: int
    window: float
    share: float

    def radius(self, n_rows: int) -> float:
        """How far a sample's solution is from that of n_rows rows; seldom further."""
        variances = np.linalg.eigvalsh(self.covariance) * (1 - self.n_rows / n_rows)
        spread = math.sqrt(2 * float(variances @ variances))
        return math.sqrt(float(variances.sum()) + 3 * spread)

    def miss(self, n_crossed: float) -> float:
        """How far a Newton step that changes the sign of so many residuals ends, in lengths of the step.

        J is known by ``n_near`` rows, and the number of rows whose sign changes varies by its root.
        """
        p = len(self.J)
        return 4 * math.sqrt(p / max(1.0, n_crossed)) + 2 * math.sqrt(p / self.n_near)

    def step(self, gradient: NDArray[Any]) -> NDArray[Any]:
        """The Newton step that takes sum u_i z_i of all rows to 0."""
        return np.asarray(np.linalg.solve(self.J, gradient) * self.share)


def scatter(
    Z: NDArray[Any], r: NDArray[Any], low: NDArray[Any], high: NDArray[Any], share: float
) -> Scatter | None:
    """From rows Z (m, p), their residuals and boxes; None where too few tell of all directions."""
    m, p = Z.shape
    lengths = row_lengths(Z)
    # A move by h may cross |r_i| <= h |z_i|: far rows are looked at as much further from 0 as they reach.
    size = np.abs(r) / np.maximum(lengths, 1e-300)
    k = int(min(MOST_NEAR * m, NEAR * p))
    h, window = np.partition(size, [k, int(WINDOW * m)])[[k, int(WINDOW * m)]].tolist()
    near = np.flatnonzero((size <= h) & (lengths > 0))
    if not h > 0 or len(near) < 4 * p:
        return None
    J = (Z[near] * ((high - low)[near] / (2 * h * lengths[near]))[:, None]).T @ Z[near]
    curvatures = np.linalg.eigvalsh(J)
    if not curvatures[0] > LEAST_CURVATURE * curvatures[-1]:
        return None
    u = np.where(r > 0, high, low)
    try:
        S = (Z * (u * u)[:, None]).T @ Z
        covariance = np.linalg.solve(J, np.linalg.solve(J, S).T)
    except np.linalg.LinAlgError:
        return None
    return Scatter(J, covariance, m, len(near), window, share) if np.isfinite(covariance).all() else None
