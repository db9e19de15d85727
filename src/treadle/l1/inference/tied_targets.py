"""Detects targets that tie too often near a quantile to have a density.

Standard errors and ranks are of errors that have a density. With many equal targets the quantile of a row
jumps from one value to the next, or stays on it, and intervals may be far too short, or of length zero.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from treadle.l1.inference.bandwidths import bandwidth_within


class Ties(NamedTuple):
    """The most frequent target near the quantile, its rows, and how many are allowed."""

    value: float
    n_rows: int
    n_allowed: float


def heavy_ties(y: NDArray[np.float64], r: NDArray[np.float64], quantile: float) -> Ties | None:
    """Find the target that too many rows share for a density; else None.

    Of the values of rows whose residuals r are among the quantiles tau - h to tau + h, the most frequent one
    is looked at: the quantile function is flat over a whole bandwidth there. One row more may share it than
    that, so that a few rows with two equal targets are none.
    """
    N = len(y)
    h = bandwidth_within("hall_sheather", N, quantile)
    low, high = np.quantile(r, [quantile - h, quantile + h])
    near = y[(r >= low) & (r <= high)]
    values, counts = np.unique(near, return_counts=True)
    value = float(values[np.argmax(counts)])
    n_rows = int(np.sum(y == value))
    return Ties(value, n_rows, N * h) if n_rows > N * h + 1 else None
