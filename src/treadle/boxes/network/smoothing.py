r"""Evaluates steps that rise over a width: sigmoids and ramps.

A sigmoid is s(k (x - e)), a ramp clip(k (x - e) + 1/2, 0, 1).

k is the steepness.

A superposition of steps F(x) = c_0 + sum_j D_j H(x - e_j) becomes F convolved with the unit's density: the
logistic one, of mean absolute deviation 2 ln 2 / k, or the uniform one on a width 1 / k, of 1 / (4 k). So

- the result is a convex combination of the heights;
- its distance from F in the norm of L1 is at most mean deviation times sum |D_j|;
- with f extended beyond the domain by its point reflection f~(a - t) = 2 f(a) - f(a + t), which has f's
  Lipschitz constant L, |F_k - f| <= sup |F - f~| + L times the mean deviation, everywhere: convolution
  takes sup |F - f~| no further, and moves f~ by that at most.

The boxes of f~ are ghost cells beyond both ends. Without them F is constant there, and the ends are as
wrong as a step. **Steeper is not better**: the first term is the step's own error, and only units as wide
as a cell let neighbouring errors cancel.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from treadle.boxes.cells.look_up import AxisTable
from treadle.choices import SmoothBoxName

# Mean absolute deviation of a unit's density, times the steepness.
MEAN_DEVIATION = {"sigmoid": 2 * math.log(2), "relu": 0.25}
# Beyond this many units of 1 / steepness a unit is 0 or 1: exp(-40) is less than half of float64's last
# place.
REACH = {"sigmoid": 40.0, "relu": 0.5}
# Within this many the ghost cells continue f; what a sigmoid sees beyond is exp(-20) of it.
GHOST_REACH = {"sigmoid": 20.0, "relu": 0.5}
# Values of units computed at a time.
UNITS_PER_BLOCK = 1 << 20


def rise(activation: SmoothBoxName, place: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute the unit of steepness 1 at a distance from its edge."""
    if activation == "sigmoid":
        return np.asarray(expit(place))
    return np.clip(place + 0.5, 0.0, 1.0)


def superpose(
    activation: SmoothBoxName,
    steepness: float,
    edges: NDArray[np.float64],
    heights: NDArray[np.float64],
    x: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Compute F_k(x) = c_0 + sum of D_j rise(k (x - e_j)).

    The sum is over the inner edges. Edges further from x than a unit's reach have passed fully or not at all:
    their sum is a height. So a point costs as many units as there are edges within reach.

    Parameters
    ----------
    activation : {"sigmoid", "relu"}
    steepness : float
    edges : ndarray of shape (N + 1,), heights : ndarray of shape (N,), x : ndarray of shape (n,); float64
    """
    inner, jumps = edges[1:-1], np.diff(heights)
    if not inner.size:
        return np.full(x.size, heights[0])
    # And as far again as x - reach may be rounded by.
    reach = REACH[activation] / steepness + 4 * float(np.spacing(np.abs(edges).max()))
    table = AxisTable(edges)
    n_within = (
        int((np.searchsorted(inner, inner + 2 * reach, side="right") - np.arange(inner.size)).max()) + 1
    )
    n_within = min(n_within, inner.size)
    result = np.empty(x.size)
    rows = max(1, UNITS_PER_BLOCK // n_within)
    for start in range(0, x.size, rows):
        block = x[start : start + rows]
        first = np.clip(table.cells(block - reach), 0, inner.size - n_within)
        units = first[:, np.newaxis] + np.arange(n_within)
        values = rise(activation, steepness * (block[:, np.newaxis] - inner[units]))
        values *= jumps[units]
        result[start : start + rows] = heights[first] + values.sum(axis=1)
    return result


def n_ghost_cells(activation: SmoothBoxName, steepness: float, edges: NDArray[np.float64]) -> int:
    """Count the ghost cells needed at each end, at most N.

    They are those within a unit's reach.
    """
    reach = GHOST_REACH[activation] / steepness
    within = max(
        np.searchsorted(edges, edges[0] + reach, side="left"),
        edges.size - np.searchsorted(edges, edges[-1] - reach, side="right"),
    )
    return int(min(max(within, 1), edges.size - 1))


def with_ghost_cells(
    edges: NDArray[np.float64],
    heights: NDArray[np.float64],
    end_values: tuple[float, float],
    n_ghost: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Extend edges and heights by the point reflection of g cells at each end.

    They become arrays (N + 2 g + 1,) and (N + 2 g,).

    Parameters
    ----------
    edges : ndarray of shape (N + 1,), heights : ndarray of shape (N,)
    end_values : (f(a), f(b))
    n_ghost : int
        g, N at most.
    """
    a, b = float(edges[0]), float(edges[-1])
    left = 2 * a - edges[n_ghost:0:-1]
    right = 2 * b - edges[-2 : -n_ghost - 2 : -1]
    below = 2 * end_values[0] - heights[n_ghost - 1 :: -1] if n_ghost else heights[:0]
    above = 2 * end_values[1] - heights[: -n_ghost - 1 : -1]
    return np.concatenate([left, edges, right]), np.concatenate([below, heights, above])
