r"""Computes each cell's mean and its leave-one-out error in closed form.

Where cells do not depend on y, leaving out row i moves only its own cell's mean, and the error at row i is
its residual times W / (W - 1), W being the rows in the cell. So the leave-one-out error of all rows is

    sum over cells of  SSE_c (W_c / (W_c - 1))^2,      SSE_c = Q_c - S_c^2 / W_c,

from the cells' sums of w, w y and w y^2 alone: W, S and Q. y has to be centred first, or an offset of 1e8
leaves nothing of SSE. Weights are repetitions of rows: what is left out is one of them.

A cell without rows takes the mean of the smallest block of 2^l cells along each axis that has rows; a cell
of one row is left to that block when its row is left out, and the formula says so too.

Dimensions: N rows, d features, m_1 x ... x m_d cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class CellSums(NamedTuple):
    """Sums over the rows in each cell: three arrays (m_1, ..., m_d)."""

    weights: NDArray[np.float64]
    y: NDArray[np.float64]
    squares: NDArray[np.float64]


def cell_sums(
    cells: NDArray[np.int64], shape: Sequence[int], y: NDArray[np.float64], weights: NDArray[np.float64]
) -> CellSums:
    """Sum the rows in each cell of a grid.

    Parameters
    ----------
    cells : ndarray of int64, shape (N,)
        Of each row, numbered with the last axis fastest.
    shape : (m_1, ..., m_d)
    y : ndarray of shape (N,)
        Centred.
    weights : ndarray of shape (N,)
    """

    def summed(terms: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.bincount(cells, terms, int(np.prod(shape))), np.float64).reshape(shape)

    return CellSums(summed(weights), summed(weights * y), summed(weights * y * y))


class SortedSums:
    """Prefix sums over one feature's sorted rows.

    With them the sums of m cells cost O(m log N), not O(N).

    Parameters
    ----------
    x : ndarray of shape (N,)
        In increasing order.
    y, weights : ndarray of shape (N,)
        As for ``cell_sums``.
    """

    def __init__(self, x: NDArray[np.float64], y: NDArray[np.float64], weights: NDArray[np.float64]) -> None:
        self.x = x
        terms = (weights, weights * y, weights * y * y)
        self.prefixes = [np.concatenate([[0.0], np.cumsum(term)]) for term in terms]

    def cells(self, edges: NDArray[np.float64]) -> CellSums:
        """Return the sums of the cells [e_j, e_(j+1)).

        The first cell takes all rows below its edges too, the last all above.
        """
        places = np.concatenate([[0], np.searchsorted(self.x, edges[1:-1]), [self.x.size]])
        return CellSums(*(np.diff(prefix[places]) for prefix in self.prefixes))


def heights_of(sums: CellSums) -> NDArray[np.float64]:
    """Return each cell's mean.

    A cell without rows takes that of the smallest block of cells around it that has any.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        heights = sums.y / sums.weights
    level = 0
    while (empty := ~(sums.weights > 0) & ~np.isfinite(heights)).any():
        level += 1
        weights, y = _block_sums(sums.weights, level), _block_sums(sums.y, level)
        with np.errstate(invalid="ignore", divide="ignore"):
            heights[empty] = (y / weights)[empty]
    return heights


def leave_one_out_error(sums: CellSums) -> float:
    """Return the mean squared error of rows, each predicted from the others.

    It is infinite for one row.
    """
    total = float(sums.weights.sum())
    if not total > 1:
        return np.inf
    # Prefix sums leave crumbs of rounding in cells without rows: they have no squares worth counting.
    occupied = sums.weights > 1e-9
    alone = occupied & ~(sums.weights > 1)
    many = occupied & ~alone
    w, s, q = sums.weights[many], sums.y[many], sums.squares[many]
    error = float((np.maximum(q - s * s / w, 0) * (w / (w - 1)) ** 2).sum())
    level = 0
    while alone.any():
        level += 1
        others = _block_sums(sums.weights, level) - sums.weights
        found = alone & (others > 1e-9)
        mean = (_block_sums(sums.y, level) - sums.y)[found] / others[found]
        w, s, q = sums.weights[found], sums.y[found], sums.squares[found]
        error += float((q - 2 * mean * s + mean * mean * w).sum())
        alone &= ~found
        if all(2**level >= m for m in sums.weights.shape):
            break
    return error / total


def _block_sums(values: NDArray[np.float64], level: int) -> NDArray[np.float64]:
    """Replace each cell's value by the sum over its block of cells.

    A block has 2^level cells along each axis; the array's shape stays.
    """
    for axis, m in enumerate(values.shape):
        starts = np.arange(0, m, 2**level)
        sums = np.add.reduceat(values, starts, axis=axis)
        values = np.repeat(sums, np.diff([*starts, m]), axis=axis)
    return values
