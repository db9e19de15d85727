"""Chooses the grid of least leave-one-out error, for boxes or for hats.

One feature: numbers of cells from 1 up are tried, all small ones and then each 2 % (hats: 5 %) more. Several
features: from one cell for all, the axis, or the pair of axes, whose finer division lowers the error most is
divided, while it lowers the error by more than the best of as many useless divisions would by chance (Foster
and George 1994: 2 ln(divisions tried) / rows). So a feature that does not matter keeps one cell, and one that
matters only together with two others may not be found.

The edges depend on X alone, so that the closed forms of ``treadle.boxes.from_data.leave_one_out`` and
``treadle.boxes.from_data.hat_fit`` are exact for every grid tried.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from treadle.boxes.cells.partition import check_n_cells
from treadle.boxes.from_data.data_edges import Feature
from treadle.boxes.from_data.hat_fit import MOST_NODES, fit_hats
from treadle.boxes.from_data.leave_one_out import (
    CellSums,
    SortedSums,
    cell_sums,
    heights_of,
    leave_one_out_error,
)

MOST_CELLS = 1_000_000  # of a grid of several features
MOST_ON_A_LINE = 10_000  # tried for one feature
MOST_BY_CHANCE = 0.5  # of the error, that a division has to win however few the rows are
MOST_IN_PAIRS = 12  # features; with more, no pairs of them are divided together
PATIENCE = 4  # the search on a line ends at this multiple of the best number yet, plus 50


@dataclass(frozen=True)
class ChosenGrid:
    """A grid fitted to rows.

    Parameters
    ----------
    features : ndarray of int64
        Of the axes: all; for hats those that have a say, one at least.
    edges : list of ndarray
        Of these features.
    heights : ndarray
        Of the cells, or for hats of the nodes.
    n_boxes_tried : ndarray of int64
        Cells of each grid that was tried, in the order of trying.
    errors : ndarray of float64
        Its mean squared leave-one-out error.
    """

    features: NDArray[np.int64]
    edges: list[NDArray[np.float64]]
    heights: NDArray[np.float64]
    n_boxes_tried: NDArray[np.int64]
    errors: NDArray[np.float64]


def first_of_least(errors: Sequence[float], scale: float | None = None) -> int:
    """Return the index of the least error, the first among equal ones.

    Errors that differ by rounding alone count as equal.

    Parameters
    ----------
    errors : sequence of float
    scale : float, optional
        What rounding is relative to; the first error, if None.
    """
    scale = errors[0] if scale is None else scale
    slack = 1e-10 * scale if math.isfinite(scale) else 0.0
    return int(np.argmax(np.asarray(errors) <= min(errors) + slack))


class GridFitter:
    """Fits grids to rows, and computes the leave-one-out error of each.

    Parameters
    ----------
    X : ndarray of float64, shape (N, d)
    y, weights : ndarray of float64, shape (N,)
        y centred; weights positive.
    partition : {"uniform", "quantile"}
    order : {0, 1}
    """

    def __init__(
        self,
        X: NDArray[np.float64],
        y: NDArray[np.float64],
        weights: NDArray[np.float64],
        partition: str,
        order: int,
    ) -> None:
        self.X, self.y, self.weights = X, y, weights
        self.partition, self.order = partition, order
        self.features = [Feature(column, weights) for column in X.T]
        self.edges_of = cache(self._edges_of)
        self.codes_of = cache(self._codes_of)
        self._sorted: SortedSums | None = None
        if len(self.features) == 1 and order == 0:
            by_x = np.argsort(X[:, 0], kind="stable")
            self._sorted = SortedSums(X[by_x, 0], y[by_x], weights[by_x])

    def choose(self, n_boxes: int | None) -> ChosenGrid:
        """Return the grid of least leave-one-out error.

        Parameters
        ----------
        n_boxes : int or None
            One feature: exactly this many cells, or as many as ties allow. Several: at most this many.
        """
        one = len(self.features) == 1
        shapes, errors = self._on_a_line(n_boxes) if one else self._axis_by_axis(n_boxes)
        best = shapes[first_of_least(errors)]
        features = np.flatnonzero(best) if any(best) else np.zeros(1, np.int64)
        edges = [self.edges_of(i, max(best[i], 1)) for i in features.tolist()]
        if self.order == 0:
            heights = heights_of(self._sums(best))
        else:
            heights = self._hats(best)[0] if any(best) else np.zeros(2)
        n_cells = [math.prod(max(m, 1) for m in shape) for shape in shapes]
        return ChosenGrid(features, edges, heights, np.array(n_cells), np.array(errors))

    def _edges_of(self, i: int, m: int) -> NDArray[np.float64]:
        feature = self.features[i]
        return feature.uniform(m) if self.partition == "uniform" else feature.quantile(m)

    def _codes_of(self, i: int, m: int) -> NDArray[np.int64]:
        """Return each row's cell along an axis."""
        return np.searchsorted(self.edges_of(i, m)[1:-1], self.X[:, i], side="right")

    def _on_a_line(self, n_boxes: int | None) -> tuple[list[tuple[int, ...]], list[float]]:
        if n_boxes is not None:
            check_n_cells((n_boxes,))
            return [(n_boxes,)], [self._error((n_boxes,))]
        most = min(self.features[0].most_cells, MOST_ON_A_LINE)
        ratio = 1.02 if self.order == 0 else 1.05
        shapes: list[tuple[int, ...]] = []
        errors: list[float] = []
        m, best = 1, 1
        while m <= most and m <= PATIENCE * best + 50:
            shapes.append((m,))
            errors.append(self._error((m,)))
            best = shapes[first_of_least(errors)][0]
            m = max(m + 1, int(m * ratio))
        return shapes, errors

    def _axis_by_axis(self, n_boxes: int | None) -> tuple[list[tuple[int, ...]], list[float]]:
        """Divide one axis, or a pair, at a time while the error falls enough.

        For hats an axis may have 0 cells: the function is constant along it.
        """
        most = MOST_CELLS if n_boxes is None else n_boxes
        start = 1 if self.order == 0 else 0
        shape = (start,) * len(self.features)
        shapes, errors = [shape], [self._error(shape)]
        while True:
            finer = [tried for tried in self._divisions(shape) if self._fits(tried, most)]
            errors_of_finer = [self._error(tried) for tried in finer]
            # Staying as it is comes first, and so wins where nothing is better.
            by_chance = 2 * math.log(max(1, len(finer))) / float(self.weights.sum())
            stay = (1 - min(MOST_BY_CHANCE, by_chance)) * errors[-1]
            chosen = first_of_least([stay, *errors_of_finer], errors[0])
            if chosen == 0:
                return shapes, errors
            shape = finer[chosen - 1]
            shapes.append(shape)
            errors.append(errors_of_finer[chosen - 1])

    def _divisions(self, shape: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        """Yield the shapes in which one axis, or a pair of axes, is finer.

        One axis takes from one cell more to eight times as many; two axes take twice as many each.
        """
        doubled = [max(m + 1, 2 * m) for m in shape]
        for i, m in enumerate(shape):
            for step in sorted({m + 1, max(m + 1, m * 5 // 4), doubled[i], 2 * doubled[i], 4 * doubled[i]}):
                yield (*shape[:i], step, *shape[i + 1 :])
        if len(shape) <= MOST_IN_PAIRS:
            for i, k in combinations(range(len(shape)), 2):
                yield tuple(doubled[j] if j in (i, k) else m for j, m in enumerate(shape))

    def _fits(self, shape: Sequence[int], most: int) -> bool:
        n_cells = math.prod(max(m, 1) for m in shape)
        if any(m > max(1, f.most_cells) for m, f in zip(shape, self.features, strict=True)):
            return False
        return n_cells <= most and (self.order == 0 or math.prod(m + 1 for m in shape) <= MOST_NODES)

    def _error(self, shape: tuple[int, ...]) -> float:
        if self.order == 1:
            return self._hats(shape)[1]
        if self._sorted:
            return leave_one_out_error(self._sorted.cells(self.edges_of(0, shape[0])))
        return leave_one_out_error(self._sums(shape))

    def _sums(self, shape: tuple[int, ...]) -> CellSums:
        sizes = [self.edges_of(i, m).size - 1 for i, m in enumerate(shape)]
        cells = np.zeros(len(self.y), np.int64)
        for i, (m, size) in enumerate(zip(shape, sizes, strict=True)):
            cells = cells * size + self.codes_of(i, m)
        return cell_sums(cells, sizes, self.y, self.weights)

    def _hats(self, shape: tuple[int, ...]) -> tuple[NDArray[np.float64], float]:
        """Fit hats over the axes with cells; return their values and error.

        An axis with m = 0 cells plays no part.
        """
        active = [i for i, m in enumerate(shape) if m > 0]
        if not active:
            n = float(self.weights.sum())
            squares = float((self.weights * self.y**2).sum())
            return np.zeros(()), math.inf if not n > 1 else squares / n * (n / (n - 1)) ** 2
        edges = [self.edges_of(i, shape[i]) for i in active]
        return fit_hats(edges, self.X[:, active], self.y, self.weights)
