r"""Solves the regression with one coefficient by sorting: a weighted median or quantile.

The objective sum_i max(l_i r_i, h_i r_i) - g w, r_i = y_i - z_i w, is convex and piecewise linear, with a
corner at each y_i / z_i, where its slope rises by (h_i - l_i) |z_i|. So the corner at which the slope is no
longer negative is the optimum: the median of y_i / z_i with weights |z_i|; for an intercept alone, that of y.
"""

from __future__ import annotations

import numpy as np

from treadle.l1.dense.crossover import Vertex
from treadle.l1.dense.reduced_problem import Reduced
from treadle.l1.interior.interior_point import Unbounded


def weighted_median(reduced: Reduced) -> Vertex:
    """Find the optimal vertex of rows of one column, in n log n operations.

    Raises
    ------
    Unbounded
        If the slope has one sign everywhere.
    """
    z, y, low, high = reduced.Z[:, 0], reduced.y, reduced.low, reduced.high
    moving = np.flatnonzero(z)
    order = moving[np.argsort(y[moving] / z[moving], kind="stable")]
    rise = np.cumsum((high - low)[order] * np.abs(z[order]))
    # Left of all corners a row is above the line where z > 0, below it where z < 0.
    fall = float(np.maximum(low * z, high * z).sum() + reduced.g[0])
    k = int(np.searchsorted(rise, fall))
    if not fall > 0 or k == len(order):
        raise Unbounded
    at = order[k]
    w = y[at] / z[at]
    u = np.where(y > 0, high, low)  # of rows that w does not move
    u[order[:k]] = np.where(z[order[:k]] > 0, low[order[:k]], high[order[:k]])
    u[order[k:]] = np.where(z[order[k:]] > 0, high[order[k:]], low[order[k:]])
    u[at] = 0
    u[at] = -(u @ z + reduced.g[0]) / z[at]
    r = y - z * w
    r[at] = 0
    return Vertex(np.array([at]), np.array([[1 / z[at]]]), np.array([w]), r, u, 0)
