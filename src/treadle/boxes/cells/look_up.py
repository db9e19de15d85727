"""Finds the cell of an axis that holds a number, by buckets.

One multiplication gives the bucket; then the number is compared with the edges in it.

The cells of edges e_0 < ... < e_N are [e_j, e_(j+1)); the first takes all below e_1 and the last all from
e_(N-1) on, so only the inner edges e_1 .. e_(N-1) are looked at: the cell of x is how many of them are <= x.

K buckets share the axis evenly, b(x) = floor((x - e_0) K / (e_N - e_0)), cut to 0 .. K - 1. Rounding makes
b neither exact nor needs it to be: it never decreases as x grows, so an inner edge in an earlier bucket than
x's is <= x and one in a later bucket is above x. ``starts[b]`` inner edges lie in buckets before b; those in
x's own are compared with x, by bisection. The result is that of comparing all, to the bit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from treadle.hardware.native.boxes import Axis

# Points at a time: what is looked up for them stays in the processor's caches.
POINTS_PER_BLOCK = 16384


class AxisTable:
    """The buckets of one axis.

    Parameters
    ----------
    edges : ndarray of shape (N + 1,), float64
        Increasing.
    """

    def __init__(self, edges: NDArray[np.float64]) -> None:
        self.origin = float(edges[0])
        self.inner = np.ascontiguousarray(edges[1:-1])
        n_buckets = max(1, self.inner.size)
        with np.errstate(over="ignore"):
            scale = float(n_buckets / (edges[-1] - edges[0]))
        self.n_buckets = n_buckets if np.isfinite(scale) else 1
        self.scale = scale if np.isfinite(scale) else 0.0
        buckets = self._buckets(self.inner)
        self.starts = np.searchsorted(buckets, np.arange(self.n_buckets + 1)).astype(np.int32)
        self.described = Axis(self.inner, self.starts, self.origin, self.scale)
        self._n_rounds = int(np.diff(self.starts).max()).bit_length()

    def _buckets(self, x: NDArray[np.float64]) -> NDArray[np.int64]:
        if self.scale == 0.0:  # infinity times nothing is nothing here
            return np.zeros(x.shape, np.int64)
        with np.errstate(over="ignore"):
            place = (x - self.origin) * self.scale
        return np.clip(place, 0.0, float(self.n_buckets - 1)).astype(np.int64)

    def cells(self, x: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the cell of each finite x, of shape (n,).

        A number below all edges is in the first cell, one above all in the last.
        """
        cells = np.empty(x.size, np.int64)
        for start in range(0, x.size, POINTS_PER_BLOCK):
            block = slice(start, start + POINTS_PER_BLOCK)
            cells[block] = self._block_cells(x[block])
        return cells

    def _block_cells(self, x: NDArray[np.float64]) -> NDArray[np.int64]:
        buckets = self._buckets(x)
        low = self.starts[buckets].astype(np.int64)
        high = self.starts[buckets + 1].astype(np.int64)
        for _ in range(self._n_rounds):
            middle = (low + high) >> 1
            # Where low equals high the cell is found; the index is kept within the array.
            passed = (low < high) & (self.inner[np.minimum(middle, self.inner.size - 1)] <= x)
            high = np.where(passed, high, middle)
            low = np.where(passed, middle + 1, low)
        return low
