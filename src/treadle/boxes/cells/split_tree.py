"""The partition that refinement makes: a box cut repeatedly at right angles to axes.

Arrays describe the tree. Node i sends a point to ``children[i, 0]`` where x[axis[i]] < threshold[i], and to
``children[i, 1]`` elsewhere. A child c >= 0 is a node, later in the arrays than its parent; a child c < 0
is the cell -1 - c. With no node there is one cell, all of the domain.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from treadle.boxes.cells.look_up import POINTS_PER_BLOCK
from treadle.boxes.cells.partition import Partition
from treadle.boxes.cells.points import as_bounds
from treadle.errors import InvalidInput
from treadle.hardware.native.boxes import Splits, cells_in_trees, values_in_trees
from treadle.hardware.native.extension import kernels_if_built
from treadle.hardware.processors import usable_threads


class SplitTree(Partition):
    """Cells made by successive cuts.

    Parameters
    ----------
    bounds : array_like of shape (d, 2)
    axis : array_like of shape (n_nodes,), int64
    threshold : array_like of shape (n_nodes,), float64
    children : array_like of shape (n_nodes, 2), int64

    Raises
    ------
    InvalidInput
        If these are no tree that reaches each cell once, a cut lies outside the cell that it cuts, or
        TREADLE_SIMD names no kernel that can run here.
    """

    def __init__(self, bounds: ArrayLike, axis: ArrayLike, threshold: ArrayLike, children: ArrayLike) -> None:
        kernels_if_built()  # where TREADLE_SIMD is wrong, this says so
        self.bounds = as_bounds(bounds)
        self.axis = np.ascontiguousarray(axis, dtype=np.int64)
        self.threshold = np.ascontiguousarray(threshold, dtype=np.float64)
        self.children = np.ascontiguousarray(children, dtype=np.int64)
        n_nodes = self.axis.size
        if self.axis.shape != (n_nodes,) or self.threshold.shape != (n_nodes,):
            raise InvalidInput(f"axis and threshold must be one number a node; got {self.threshold.shape}")
        if self.children.shape != (n_nodes, 2):
            raise InvalidInput(f"children must be of shape ({n_nodes}, 2); got {self.children.shape}")
        self.n_cells = n_nodes + 1
        self._check_children()
        self._lower, self._upper = self._cells()
        self._splits = Splits(self.axis, self.threshold, self.children)
        self.edges = tuple(
            np.unique(np.concatenate([self.bounds[i], self.threshold[self.axis == i]]))
            for i in range(self.n_dims)
        )

    def _check_children(self) -> None:
        n_nodes = self.axis.size
        if n_nodes and not ((self.axis >= 0) & (self.axis < self.n_dims)).all():
            raise InvalidInput(f"axis must lie in 0 .. {self.n_dims - 1}")
        # Every cell once, and every node but the root.
        named = np.concatenate([np.arange(-self.n_cells, 0), np.arange(1, n_nodes)])
        if n_nodes and not np.array_equal(np.sort(self.children.ravel()), named):
            raise InvalidInput("children must name each cell and each node but the first exactly once")
        parents = np.arange(n_nodes)[:, np.newaxis]
        if not ((self.children < 0) | (self.children > parents)).all():
            raise InvalidInput("a child that is a node must come after its parent")

    def _cells(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The corners of all cells, found level by level."""
        n_nodes, d = self.axis.size, self.n_dims
        lower, upper = np.empty((2, self.n_cells, d))
        if n_nodes == 0:
            return self.bounds[np.newaxis, :, 0].copy(), self.bounds[np.newaxis, :, 1].copy()
        nodes = np.array([0])
        low, high = self.bounds[np.newaxis, :, 0].copy(), self.bounds[np.newaxis, :, 1].copy()
        while nodes.size:
            rows, axes, cuts = np.arange(nodes.size), self.axis[nodes], self.threshold[nodes]
            if not ((low[rows, axes] < cuts) & (cuts < high[rows, axes])).all():
                raise InvalidInput("a threshold must lie within the cell that it cuts")
            left_high, right_low = high.copy(), low.copy()
            left_high[rows, axes] = cuts
            right_low[rows, axes] = cuts
            children = self.children[nodes].T.ravel()
            low, high = np.concatenate([low, right_low]), np.concatenate([left_high, high])
            cells = children < 0
            lower[-1 - children[cells]], upper[-1 - children[cells]] = low[cells], high[cells]
            nodes, low, high = children[~cells], low[~cells], high[~cells]
        return lower, upper

    def locate_by_numpy(self, points: NDArray[np.float64]) -> NDArray[np.int64]:
        """See ``Partition.locate_by_numpy``."""
        cells = np.empty(len(points), np.int64)
        for start in range(0, len(points), POINTS_PER_BLOCK):
            block = points[start : start + POINTS_PER_BLOCK]
            place = np.full(len(block), 0 if self.axis.size else -1)
            active = np.flatnonzero(place >= 0)
            while active.size:
                nodes = place[active]
                right = block[active, self.axis[nodes]] >= self.threshold[nodes]
                place[active] = self.children[nodes, right.astype(np.int64)]
                active = active[place[active] >= 0]
            cells[start : start + len(block)] = -1 - place
        return cells

    def _locate_natively(self, points: NDArray[np.float64]) -> NDArray[np.int64]:
        return next(cells_in_trees(points, [self._splits], usable_threads().n))

    def _values_natively(
        self, points: NDArray[np.float64], values: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        return next(values_in_trees(points, [self._splits], values, usable_threads().n))

    def corners(
        self, cells: NDArray[np.int64] | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """See ``Partition.corners``."""
        if cells is None:
            return self._lower, self._upper
        return self._lower[cells], self._upper[cells]
