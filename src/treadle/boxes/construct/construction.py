"""The request to a construction and its result; the adaptive construction, which halves cells."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from treadle.boxes.cells.partition import Grid, Partition
from treadle.boxes.construct.halving import Refined, refine
from treadle.boxes.network.exact_sums import summable
from treadle.boxes.proof.bounds import ErrorBound, outward, root_of_squares, theorem, unproved
from treadle.boxes.proof.cell_errors import box_judge
from treadle.boxes.proof.known_function import Array, Target
from treadle.choices import BoxHeightName, BoxNormName


@dataclass(frozen=True)
class Request:
    """The number of boxes or eps, the norm, and the rule for heights.

    Either ``eps`` or ``counts`` is None.

    Parameters
    ----------
    eps : float or None
    counts : tuple of int, or None
        Boxes in all, or along each axis.
    norm : {"sup", "l2"}
    rule : {"middle", "midrange", "lower"}
        Where the height of a uniform box is taken.
    given : float or None
        eps as the user gave it, which messages name; ``eps`` is what smooth units leave of it.
    """

    eps: float | None
    counts: tuple[int, ...] | None
    norm: BoxNormName
    rule: BoxHeightName = "middle"
    given: float | None = None

    @property
    def n_boxes(self) -> int | None:
        """Boxes in all."""
        return None if self.counts is None else math.prod(self.counts)


@dataclass(frozen=True)
class Built:
    """A construction's result: a partition, its heights, and the proved bound."""

    partition: Partition
    heights: Array
    bound: ErrorBound
    fewest: int | None = None


def norm_bound(target: Target, norm: BoxNormName, errors: Array, name: str) -> ErrorBound:
    """Combine the errors of single cells into the network's bound.

    For L2 each error comes multiplied by the root of its cell's volume.
    """
    if target.kind == "none":
        return unproved(norm)
    # Cells are disjoint: the squares of their L2 norms add up. One that nothing is proved of leaves no bound.
    value = float(errors.max()) if norm == "sup" else root_of_squares(errors)
    if not math.isfinite(value):
        return unproved(norm)
    return ErrorBound(value, target.kind, theorem(name, norm), norm)


def refined_boxes(target: Target, request: Request) -> Built:
    """Build boxes by halving cells, each as high as its midrange."""
    refined = refine(
        target,
        box_judge(target, request.eps, request.norm),
        eps=request.eps,
        n_boxes=request.n_boxes,
        squares=request.norm == "l2",
        given=request.given,
    )
    # The judge has the midranges, the heights of least error.
    return _of_refined(target, request.norm, refined)


def _of_refined(target: Target, norm: BoxNormName, refined: Refined) -> Built:
    lower, upper = refined.tree.corners()
    errors, heights = refined.error, refined.height
    partition: Partition = refined.tree
    if target.n_dims == 1:
        # In one dimension the cells are a grid, and heights are rounded so that sums of their jumps are
        # exact.
        order = np.argsort(lower[:, 0])
        errors, heights = errors[order], heights[order]
        lower, upper = lower[order], upper[order]
        partition = Grid([np.append(lower[:, 0], upper[-1, 0])])
        rounded = summable(heights)
        shift, heights = np.abs(rounded - heights), rounded
    else:
        # The form of a tree sums no jumps: one cell is up at a time.
        shift = np.zeros(len(lower))
    if norm == "l2":
        # What a height was moved by is an error over all of its cell.
        shift = shift * np.sqrt((upper - lower).prod(axis=1))
    return Built(partition, heights, norm_bound(target, norm, outward(errors + shift), "midrange"))
