"""A quantile's loss, its dual bounds, and its best constant.

The loss is 2 rho(r) = 2 max(tau r, (tau - 1) r).

At the median, tau = 1/2, it is the absolute value, and the constant a weighted median.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]


def dual_bounds(weight: Vector, quantile: float) -> tuple[Vector, Vector]:
    """Return the slopes of the loss on both sides of zero.

    They are -2 (1 - tau) c and 2 tau c, -c and c for the median.
    """
    return -2 * (1 - quantile) * weight, 2 * quantile * weight


def pinball_loss(residuals: Vector, quantile: float) -> float:
    """Sum 2 rho over residuals of shape (N,)."""
    return float(2 * np.sum(np.where(residuals > 0, quantile, quantile - 1) * residuals))


def best_constant(y: Vector, quantile: float, weights: Vector | None = None) -> float:
    """Return the least constant b of least loss: a weighted quantile.

    It minimises sum_i c_i 2 rho(y_i - b), and is one of the y.

    Parameters
    ----------
    y : ndarray of shape (N,), finite
    quantile : float in (0, 1)
    weights : ndarray of shape (N,), optional
        At least 0, not all 0. None: all 1.
    """
    if weights is None:
        rank = int(np.ceil(quantile * len(y) * (1 - 4 * np.finfo(float).eps))) - 1
        return float(np.partition(y, rank)[rank])
    order = np.argsort(y, kind="stable")
    below = np.cumsum(weights[order])
    # Where the weights up to a row are its share of all but for rounding, they are it.
    share = quantile * below[-1] * (1 - len(y) * np.finfo(float).eps)
    return float(y[order[np.searchsorted(below, share)]])
