"""Estimates how random samples' solutions scatter about that of all rows."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from treadle.l1.dense.coordinates import row_lengths

# The rows with the smallest residuals, by which their density at 0 is estimated: so many for each coordinate,
# at most that share of all.
NEAR_ROWS_PER_COORDINATE, LARGEST_NEAR_SHARE = 800, 0.3
# The share of rows in a window of ``smoothed_loss``.
WINDOW_SHARE = 0.2
# Near rows whose curvature in some direction is less than that share of the largest do not tell of it: those
# of counts on dummies lie in some cells only.
LEAST_CURVATURE = 1e-6


@dataclass(frozen=True)
class Scatter:
    """The scatter of samples' solutions about that of all rows (Koenker 2005, 3.2).

    With J (p, p) the Hessian of the expected objective, from the density of residuals at 0, and S (p, p) the
    sum of u_i^2 z_i z_i', their covariance is J^-1 S J^-1. Rows far off are no part of J, but of S. A share
    ``WINDOW_SHARE`` of the rows have |r_i| <= ``window`` |z_i|; ``share`` is theirs of the weight of all.
    """

    J: NDArray[np.float64]
    covariance: NDArray[np.float64]
    n_rows: int
    n_near: int
    window: float
    share: float

    def radius(self, n_rows: int) -> float:
        """Bound a sample's solution's distance from that of n_rows rows.

        It is seldom exceeded.
        """
        variances = np.linalg.eigvalsh(self.covariance) * (1 - self.n_rows / n_rows)
        spread = math.sqrt(2 * float(variances @ variances))
        return math.sqrt(float(variances.sum()) + 3 * spread)

    def miss(self, n_crossed: float) -> float:
        """Estimate a Newton step's error, relative to the step's length.

        ``n_crossed`` residuals change their sign on the step. J is known by ``n_near`` rows, and the number
        of rows whose sign changes varies by its root.
        """
        p = len(self.J)
        return 4 * math.sqrt(p / max(1.0, n_crossed)) + 2 * math.sqrt(p / self.n_near)

    def step(self, gradient: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the Newton step that makes sum u_i z_i of all rows zero."""
        return np.asarray(np.linalg.solve(self.J, gradient) * self.share)


def scatter_of(
    Z: NDArray[np.float64],
    r: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    share: float,
) -> Scatter | None:
    """Estimate the scatter from Z (m, p), residuals and boxes.

    None if too few rows say something about it.
    """
    m, p = Z.shape
    lengths = row_lengths(Z)
    # A move by h may cross |r_i| <= h |z_i|: long rows count as near from farther off than short ones.
    distances = np.abs(r) / np.maximum(lengths, 1e-300)
    k = int(min(LARGEST_NEAR_SHARE * m, NEAR_ROWS_PER_COORDINATE * p))
    k_window = int(WINDOW_SHARE * m)
    h, window = np.partition(distances, [k, k_window])[[k, k_window]].tolist()
    near = np.flatnonzero((distances <= h) & (lengths > 0))
    if not h > 0 or len(near) < 4 * p:
        return None
    # J: the rows within h of 0 stand for the density there, (h_i - l_i) / (2 h |z_i|) each.
    J = (Z[near] * ((high - low)[near] / (2 * h * lengths[near]))[:, None]).T @ Z[near]
    curvatures = np.linalg.eigvalsh(J)
    if not curvatures[0] > LEAST_CURVATURE * curvatures[-1]:
        return None
    # S, and J^-1 S J^-1.
    u = np.where(r > 0, high, low)
    try:
        S = (Z * (u * u)[:, None]).T @ Z
        covariance = np.linalg.solve(J, np.linalg.solve(J, S).T)
    except np.linalg.LinAlgError:
        return None
    return Scatter(J, covariance, m, len(near), window, share) if np.isfinite(covariance).all() else None
