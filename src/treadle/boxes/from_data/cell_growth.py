"""Splits boxes where that lowers the error of y most; validates their number.

- ``best``: a box is split at the edge that lowers the squared error most, along any axis, as a regression
  tree is grown (Breiman, Friedman, Olshen and Stone 1984), best box first.
- ``middle``: a box is split in its middle, along one axis: dyadic boxes (Donoho 1997). How much a box has to
  win is judged by its halves, quarters and eighths, so that a symmetric bump is no obstacle.

As the cells depend on y, a leave-one-out error in closed form would flatter them. Five growths, each without
a fifth of the distinct rows, tell the error for every number of cells on the rows left out; ties of rows stay
together, so that weights and repeated rows mean the same.

Dimensions: N rows, d features.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from treadle.boxes.from_data.data_edges import between
from treadle.boxes.from_data.grid_choice import first_of_least

MOST_GROWN = 1024
N_FOLDS = 5
MOST_HALVINGS = 60
SLACK = 1e-9  # gains that differ by less are equal, and the first is taken
PATIENCE = 3  # a validated growth ends at this multiple of the best number of cells yet, plus 50


@dataclass(frozen=True)
class Rows:
    """Rows of data: X (N, d), y (N,) centred, weights (N,) positive."""

    X: NDArray[np.float64]
    y: NDArray[np.float64]
    weights: NDArray[np.float64]

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Rows:
        """Return the rows with these indices."""
        return Rows(self.X[rows], self.y[rows], self.weights[rows])

    def mean(self) -> float:
        """Return the weighted mean of y."""
        return float((self.weights * self.y).sum() / self.weights.sum())


@dataclass
class Growth:
    """A tree of cuts, and the height of each of its cells.

    Node i sends x[axes[i]] < edges[i] to children[i][0]; a child c < 0 is the cell -1 - c.
    ``errors[k]`` is the sum of squares of the validation rows with k + 1 cells.
    """

    axes: list[int] = field(default_factory=list)
    edges: list[float] = field(default_factory=list)
    children: list[list[int]] = field(default_factory=list)
    heights: list[float] = field(default_factory=list)
    errors: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class _Cut:
    gain: float
    axis: int
    edge: float


@dataclass(frozen=True)
class _Cell:
    """A growing tree's cell, its rows, and its entry in ``children``.

    ``parent`` is (node, side) there; None for the first cell, which no node refers to.
    """

    number: int
    rows: Rows
    left_out: Rows
    box: NDArray[np.float64]
    parent: tuple[int, int] | None


def grow(
    rows: Rows, bounds: NDArray[np.float64], where: str, most: int, validation: Rows | None = None
) -> Growth:
    """Split until there are ``most`` cells, or no split lowers the error.

    Parameters
    ----------
    rows : Rows
    bounds : ndarray of shape (d, 2)
        The domain.
    where : {"best", "middle"}
    most : int
    validation : Rows, optional
        Whose error is followed.
    """
    growth = Growth(heights=[rows.mean()])
    held_out = rows.take(np.zeros(0, np.int64)) if validation is None else validation
    growth.errors.append(_squares(held_out, growth.heights[0]))
    find = _best_cut if where == "best" else _middle_cut
    waiting: list[tuple[float, int, _Cut, _Cell]] = []  # the best cut first, then the oldest cell

    def consider(cell: _Cell) -> None:
        cut = find(cell.rows, cell.box)
        if cut is not None:
            heapq.heappush(waiting, (-cut.gain, cell.number, cut, cell))

    consider(_Cell(0, rows, held_out, bounds, None))
    best = 1
    while waiting and len(growth.heights) < most:
        if validation is not None and len(growth.heights) > PATIENCE * best + 50:
            break
        _, _, cut, cell = heapq.heappop(waiting)
        node, new = len(growth.axes), len(growth.heights)
        growth.axes.append(cut.axis)
        growth.edges.append(cut.edge)
        growth.children.append([-1 - cell.number, -1 - new])
        if cell.parent is not None:
            parent, side = cell.parent
            growth.children[parent][side] = node
        sides = cell.rows.X[:, cut.axis] >= cut.edge
        sides_out = cell.left_out.X[:, cut.axis] >= cut.edge
        error = growth.errors[-1] - _squares(cell.left_out, growth.heights[cell.number])
        growth.heights.append(0.0)
        for side, number in ((0, cell.number), (1, new)):
            part, part_out = cell.rows.take(sides == side), cell.left_out.take(sides_out == side)
            growth.heights[number] = part.mean()
            error += _squares(part_out, growth.heights[number])
            box = cell.box.copy()
            box[cut.axis, 1 - side] = cut.edge
            consider(_Cell(number, part, part_out, box, (node, side)))
        growth.errors.append(error)
        if error <= growth.errors[best - 1]:
            best = len(growth.errors)
    return growth


def validated_growth(
    rows: Rows, bounds: NDArray[np.float64], where: str, n_boxes: int | None
) -> tuple[Growth, NDArray[np.float64]]:
    """Grow n_boxes cells, or the number of least validation error; return errors by number.

    Parameters
    ----------
    rows, bounds, where
        As for ``grow``.
    n_boxes : int or None

    Returns
    -------
    growth : Growth
    errors : ndarray of shape (n,)
        Mean squared error on rows left out, for 1, 2, .. n cells; of length 0 where n_boxes is given.
    """
    if n_boxes is not None:
        return grow(rows, bounds, where, n_boxes), np.zeros(0)
    errors = validation_errors(rows, lambda train, test, most: grow(train, bounds, where, most, test).errors)
    return grow(rows, bounds, where, first_of_least(errors.tolist()) + 1), errors


def validation_errors(
    rows: Rows, errors_of: Callable[[Rows, Rows, int], Sequence[float]]
) -> NDArray[np.float64]:
    """Cross-validate growths of 1, 2, ... cells over five folds of the distinct rows.

    Parameters
    ----------
    rows : Rows
    errors_of : callable
        Of the rows to learn from, the rows left out and the greatest number of cells: the sum of squares of
        the latter for 1, 2, ... cells, as far as it goes. A growth that ends early stays as it was.
    """
    distinct = rows.X[:, 0] if rows.X.shape[1] == 1 else rows.X  # sorting numbers is faster than sorting rows
    numbers = np.unique(distinct, axis=0, return_inverse=True)[1].ravel()
    n_distinct = int(numbers.max()) + 1
    n_folds = min(N_FOLDS, n_distinct)
    if n_folds < 2:
        return np.zeros(1)
    most = min(MOST_GROWN, n_distinct)
    totals = np.zeros(most)
    for k in range(n_folds):
        out = numbers % n_folds == k
        errors = np.asarray(errors_of(rows.take(~out), rows.take(out), most))
        totals += np.append(errors, np.full(most - errors.size, errors[-1]))
    return totals / float(rows.weights.sum())


def _squares(rows: Rows, height: float) -> float:
    return float((rows.weights * (rows.y - height) ** 2).sum())


def _best_cut(rows: Rows, box: NDArray[np.float64]) -> _Cut | None:
    """Return the cut between neighbouring values that lowers the sum of squares most.

    Among equally good cuts it is the first.
    """
    best: _Cut | None = None
    total = float(rows.weights.sum())
    y = rows.y - rows.mean()
    for axis in range(rows.X.shape[1]):
        order = np.argsort(rows.X[:, axis], kind="stable")
        x = rows.X[order, axis]
        weight = np.cumsum(rows.weights[order])[:-1]
        height = np.cumsum((rows.weights * y)[order])[:-1]
        edges = between(x[:-1], x[1:])
        allowed = (x[:-1] < x[1:]) & (edges < box[axis, 1])
        if not allowed.any():
            continue
        with np.errstate(divide="ignore"):
            gains = np.where(allowed, height**2 * (1 / weight + 1 / (total - weight)), -1.0)
        k = int(np.argmax(gains >= (1 - SLACK) * gains.max()))
        if gains[k] > ((1 + SLACK) * best.gain if best else 0.0):
            best = _Cut(float(gains[k]), axis, float(edges[k]))
    return best


def _middle_cut(rows: Rows, box: NDArray[np.float64]) -> _Cut | None:
    """Cut one axis in its middle: the one that lowers the error most.

    Where one half has no rows, the other half takes the place of the whole.
    """
    best: _Cut | None = None
    y = rows.y - rows.mean()
    for axis in range(rows.X.shape[1]):
        x = rows.X[:, axis]
        ends = _ends_of_rows(x, float(box[axis, 0]), float(box[axis, 1]))
        if ends is None:
            continue
        lower, upper = ends
        gain = 0.0
        number = np.clip((8 * ((x - lower) / (upper - lower))).astype(np.int64), 0, 7)
        weight, height = np.bincount(number, rows.weights, 8), np.bincount(number, rows.weights * y, 8)
        while weight.size > 1:  # eighths, quarters, halves: what each wins for a cut
            lowered = np.divide(height**2, weight, out=np.zeros(weight.size), where=weight > 0).sum()
            gain = max(gain, float(lowered) / (weight.size - 1))
            weight, height = weight[::2] + weight[1::2], height[::2] + height[1::2]
        if gain > ((1 + SLACK) * best.gain if best else 0.0):
            best = _Cut(gain, axis, lower / 2 + upper / 2)
    return best


def _ends_of_rows(x: NDArray[np.float64], lower: float, upper: float) -> tuple[float, float] | None:
    """Return the smallest dyadic part of [lower, upper] whose halves both have rows.

    It is None where there is no such part.
    """
    for _ in range(MOST_HALVINGS):
        middle = lower / 2 + upper / 2
        if not lower < middle < upper:
            return None
        right = x >= middle
        if right.all():
            lower = middle
        elif not right.any():
            upper = middle
        else:
            return lower, upper
    return None
