"""Halves cells where the error is large, until eps or the number is reached.

What a cell's error is, a judge says. A cell is halved across the axis where both halves vary least. Halving
towards a jump ends at a cell of one number: there is nothing between it and the next.

Whether it will end with as many cells as are built is not left to be seen: now and then it is estimated how
many there will be, by ``n_cells_to_come``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from treadle.boxes.cells.split_tree import SplitTree
from treadle.boxes.proof.bounds import root_of_squares
from treadle.boxes.proof.cell_errors import Judge
from treadle.boxes.proof.known_function import Array, Target, cut
from treadle.errors import InvalidInput

# In one dimension; in d, where a cell's bounds take more work and corners more memory, this over d^2.
MAX_REFINED = 4_000_000
# Cells at which it is first estimated how many there will be; then each time there are four times as many.
FIRST_ESTIMATE = 4096
# Random descents of an estimate, in two halves, and how many times too many both have to see.
DESCENTS, CERTAINLY_TOO_MANY = 512, 1.25
# Values that choose the axis, in a cell.
VALUES_PER_CHOICE = 256
# How much wider a cell may be along one axis than along another, relative to the domain, and be halved there.
MOST_STRETCHED = 8
# Of both halves' ranges, to what part of the cell's halving must bring them for it to be stretched further.
LEAST_GAIN = 0.75


@dataclass(frozen=True)
class Refined:
    """A refinement's cells, the judge's error and height of each, and the cuts."""

    tree: SplitTree
    error: Array
    height: Array


def refine(
    target: Target,
    judge: Judge,
    *,
    eps: float | None,
    n_boxes: int | None,
    squares: bool = False,
    given: float | None = None,
    cells: str = "boxes",
) -> Refined:
    """Halve cells, starting from the whole domain, until the errors are small enough.

    Parameters
    ----------
    target : Target
    judge : callable
        The error and the height of cells.
    eps : float or None
        Until no cell's error is above it; with ``squares``, until the root of the sum of their squares is
        not.
    n_boxes : int or None
        Or: until there are that many cells, the worst first.
    squares : bool
        Errors are parts of a norm of L2.
    given : float or None
        eps as the user gave it, where that is not ``eps`` itself.
    cells : str
        What they are, in messages.

    Raises
    ------
    InvalidInput
        If there would be more than 4e6 / d^2 cells, or eps is smaller than what is known of f at one number.
    """
    said = eps if given is None else given
    most = MAX_REFINED // target.n_dims**2
    if n_boxes is not None and n_boxes > most:
        raise InvalidInput(f"n_boxes={n_boxes} is more than the {most} boxes that are refined: take fewer")
    next_estimate = FIRST_ESTIMATE
    lower, upper = target.bounds[np.newaxis, :, 0], target.bounds[np.newaxis, :, 1]
    error, height = judge(lower, upper)
    # Where a cell's name is written in the flat table of children, 2 * parent + side: of each cell, of
    # each node.
    slots, node_slots = np.array([-1]), [np.empty(0, np.int64)]
    axes, cuts = [np.empty(0, np.int64)], [np.empty(0)]
    n_nodes = 0
    while True:
        # 1) The cells to halve. One of a single number has no halves: eps is not reached there.
        chosen = _worst(error, len(error), eps, n_boxes, squares)
        can_split = _can_split(lower[chosen], upper[chosen])
        splits = can_split.any(axis=1)
        if eps is not None and not splits.all():
            i = chosen[np.flatnonzero(~splits)[0]]
            raise InvalidInput(_not_reached(target, said, lower[i], upper[i], float(error[i])))
        chosen, can_split = chosen[splits], can_split[splits]
        if not chosen.size:
            break
        # 2) Give up as soon as there certainly will be too many.
        expected = len(lower) + chosen.size
        if eps is not None and not squares and next_estimate <= len(lower) and expected <= most:
            next_estimate = 4 * len(lower)
            enough = CERTAINLY_TOO_MANY * most
            to_come = n_cells_to_come(target, judge, eps, lower[chosen], upper[chosen], enough)
            if to_come > enough:
                expected = len(lower) + int(to_come)
        if expected > most:
            raise InvalidInput(_too_many(said, cells, len(lower), expected, most, target.n_dims))
        # 3) Each of the cells becomes a node, and its halves are cells in its place, at the end.
        rows = np.arange(chosen.size)
        low, high, axis, at = _halves(target, lower[chosen], upper[chosen], can_split)
        node_slots.append(slots[chosen])
        axes.append(axis)
        cuts.append(at)
        nodes = n_nodes + rows
        n_nodes += chosen.size
        new_error, new_height = judge(low, high)
        kept = np.ones(len(lower), np.bool_)
        kept[chosen] = False
        lower, upper = np.concatenate([lower[kept], low]), np.concatenate([upper[kept], high])
        error, height = np.concatenate([error[kept], new_error]), np.concatenate([height[kept], new_height])
        slots = np.concatenate([slots[kept], 2 * nodes, 2 * nodes + 1])
    # 4) The tree: in its slot each node but the first is its number, each cell -1 less its number.
    children = np.empty((n_nodes, 2), np.int64)
    if n_nodes:
        children.reshape(-1)[np.concatenate(node_slots)[1:]] = np.arange(1, n_nodes)
        children.reshape(-1)[slots] = -1 - np.arange(len(lower))
    tree = SplitTree(target.bounds, np.concatenate(axes), np.concatenate(cuts), children)
    return Refined(tree, error, height)


def _not_reached(target: Target, said: float | None, lower: Array, upper: Array, error: float) -> str:
    """Write the error message for a cell of one number that exceeds eps."""
    if upper[0] == target.bounds[0, 1] and target.n_dims == 1:
        return (
            f"f jumps at the upper bound {float(upper[0])!r} itself, which belongs to the last "
            "box: choose one just below or beyond"
        )
    return (
        f"eps={said!r} is not reached even by a box that holds the one number {lower.tolist()}: f "
        f"is known there to {error:.3g} only; take a larger eps"
    )


def _too_many(said: float | None, cells: str, reached: int, expected: int, most: int, n_dims: int) -> str:
    order = ""
    if cells == "boxes":
        order = "order=1, " if n_dims == 1 else "order=1 with partition='uniform', "
    return (
        f"eps={said!r} takes {expected:.2g} {cells} or more, where at most {most} are built; {reached} were "
        f"reached: take a larger eps, {order}or n_boxes instead of eps, for the best that so many do"
    )


def n_cells_to_come(
    target: Target, judge: Judge, eps: float, lower: Array, upper: Array, enough: float
) -> float:
    """Estimate how many cells the cells above eps will be halved into.

    A random descent halves a cell, goes on with one of its halves, and ends where that is within eps: two to
    the number of halvings is the number of cells, on average (Knuth, Estimating the efficiency of backtrack
    programs, 1975). Of two sets of descents the lesser mean counts: few deep cells, as at a jump, make a mean
    large, but rarely two.

    Parameters
    ----------
    lower, upper : ndarray of shape (n, d)
    enough : float
        Descents end as soon as the estimate is above that; it is then too low.
    """
    rng = np.random.default_rng(len(lower))
    start = rng.integers(0, len(lower), DESCENTS)
    low, high = lower[start], upper[start]
    weights = np.ones(DESCENTS)
    going = np.arange(DESCENTS)
    while going.size:
        can_split = _can_split(low, high)
        splits = can_split.any(axis=1)
        low, high, going, can_split = low[splits], high[splits], going[splits], can_split[splits]
        if not going.size:
            break
        # One half, at random: it stands for both, so that its weight is twice that of the cell.
        both_low, both_high, _, _ = _halves(target, low, high, can_split)
        half = np.arange(going.size) + going.size * rng.integers(0, 2, going.size)
        low, high = both_low[half], both_high[half]
        weights[going] *= 2
        if _lesser_mean(weights) * len(lower) > enough:
            break
        error, _ = judge(low, high)
        above = ~(error <= eps)
        low, high, going = low[above], high[above], going[above]
    return _lesser_mean(weights) * len(lower)


def _lesser_mean(weights: Array) -> float:
    return float(weights.reshape(2, -1).mean(axis=1).min())


def _halves(
    target: Target, lower: Array, upper: Array, can_split: NDArray[np.bool_]
) -> tuple[Array, Array, NDArray[np.int64], Array]:
    """Cut each of n cells in two; return the halves and the cuts.

    The corners (2 n, d) are those of all lower halves and then of all upper ones; the axis and the place of
    each cut follow.
    """
    axis = _axes_to_split(target, lower, upper, can_split)
    rows = np.arange(len(lower))
    at = _middle(lower[rows, axis], upper[rows, axis])
    low, high = np.tile(lower, (2, 1)), np.tile(upper, (2, 1))
    high[rows, axis] = at
    low[len(lower) + rows, axis] = at
    return low, high, axis, at


def _worst(
    error: Array, n_cells: int, eps: float | None, n_boxes: int | None, squares: bool
) -> NDArray[np.int64]:
    """Choose the cells to halve now: all above eps, or the worst eighth.

    All those above eps are taken in the supremum norm. Where squares add up, or a number is given, it is an
    eighth of all cells, so that errors are looked at anew in between.
    """
    if eps is not None and not squares:
        # NaN is above eps.
        return np.flatnonzero(~(error <= eps))
    n = max(1, n_cells // 8)
    if eps is not None and root_of_squares(error) <= eps:
        n = 0
    elif n_boxes is not None:
        n = min(n, n_boxes - n_cells)
    # A cell without error is left whole.
    n = min(n, int(np.count_nonzero(error)))
    return np.argsort(-error, kind="stable")[:n] if n else np.empty(0, np.int64)


def _middle(lower: Array, upper: Array) -> Array:
    # Halved first: the sum of both could overflow.
    return lower / 2 + upper / 2


def _can_split(lower: Array, upper: Array) -> NDArray[np.bool_]:
    """Say along which axes (n, d) a number lies between a cell's corners."""
    middle = _middle(lower, upper)
    return (lower < middle) & (middle < upper)


def _axes_to_split(
    target: Target, lower: Array, upper: Array, can_split: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Choose each cell's axis to halve: the least sum of both halves' ranges.

    The ranges are those of values on a lattice. Where axes are equal, or there are too many for a lattice,
    the cell's greatest width decides, relative to the domain's.
    """
    n, d = lower.shape
    if d == 1:
        return np.zeros(n, np.int64)
    relative = np.where(can_split, (upper - lower) / target.widths, -1.0)
    # Halving one axis may help only once another is halved, as in x + y z: none is left far behind, unless
    # halving the one ahead removes a good part of the range by itself, as at a jump along it.
    ahead = relative < relative.max(axis=1, keepdims=True) / MOST_STRETCHED
    parts = int(VALUES_PER_CHOICE ** (1 / d) + 1e-9) // 2 * 2
    if parts < 2:
        return np.asarray(np.argmax(relative, axis=1))
    axes = np.empty(n, np.int64)
    rows = max(1, (1 << 18) // parts**d)
    for start in range(0, n, rows):
        block = slice(start, start + rows)
        # f in the middles of parts^d equal parts; the number is even, so that a half has as many as the
        # other.
        low, high = cut(lower[block], upper[block], parts)
        values = target.values(_middle(low, high)).reshape(-1, *[parts] * d)
        scores = np.empty((len(values), d))
        others = tuple(range(1, d + 1))
        for i in range(d):
            halves = np.split(values, 2, axis=i + 1)
            scores[:, i] = sum(half.max(axis=others) - half.min(axis=others) for half in halves)
        whole = values.max(axis=others) - values.min(axis=others)
        little = scores > LEAST_GAIN * 2 * whole[:, np.newaxis]
        # Not the axes that cannot be halved, nor those ahead of the others where that gains little.
        scores[~can_split[block] | (ahead[block] & little)] = np.inf
        best = scores <= scores.min(axis=1, keepdims=True) * (1 + 1e-9)
        axes[block] = np.argmax(np.where(best, relative[block], -2.0), axis=1)
    return axes
