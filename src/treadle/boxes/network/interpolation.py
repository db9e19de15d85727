"""Interpolates linearly between a grid's nodes: in one dimension and over Kuhn's simplices.

A cell is cut into d! simplices by the order of its coordinates (Kuhn 1960): with t_i in [0, 1] the place
along axis i, sorted so that t_(1) >= ... >= t_(d), the path from the lower corner to the upper that steps
along the axes in that order visits the d + 1 vertices of x's simplex, and

    F(x) = y_0 + sum_k t_(k) (y_k - y_(k-1)),    y_0 .. y_d the values along the path.

F is continuous, is a convex combination of d + 1 values, and is the superposition of the hats
ReLU(1 - max(0, z) + min(0, z)), z the place relative to the node. In one dimension it is linear
interpolation.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from treadle.boxes.cells.look_up import POINTS_PER_BLOCK
from treadle.boxes.cells.partition import Grid


def interpolate(grid: Grid, values: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute F at the points, clamped to the grid's bounds first.

    Parameters
    ----------
    grid : Grid
        Of cells (m_1, ..., m_d).
    values : ndarray of shape (m_1 + 1, ..., m_d + 1), float64
        At the nodes.
    points : ndarray of shape (n, d), float64

    Returns
    -------
    ndarray of shape (n,), float64
    """
    result = np.empty(len(points))
    flat = values.ravel()
    strides = np.cumprod((1, *values.shape[:0:-1]))[::-1]
    for start in range(0, len(points), POINTS_PER_BLOCK):
        block = np.clip(points[start : start + POINTS_PER_BLOCK], grid.bounds[:, 0], grid.bounds[:, 1])
        node = np.zeros(len(block), np.int64)
        places = np.empty(block.shape)
        for i, (table, axis) in enumerate(zip(grid.tables, grid.edges, strict=True)):
            cells = table.cells(block[:, i])
            node += cells * strides[i]
            lower, upper = axis[cells], axis[cells + 1]
            places[:, i] = (block[:, i] - lower) / (upper - lower)
        order = np.argsort(-places, axis=1, kind="stable")
        total = flat[node]
        before = total
        for k in range(grid.n_dims):
            along = order[:, k]
            node = node + strides[along]
            value = flat[node]
            total = total + np.take_along_axis(places, along[:, np.newaxis], axis=1)[:, 0] * (value - before)
            before = value
        result[start : start + len(block)] = total
    return result
