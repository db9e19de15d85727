"""Calls the kernel's look-ups of the cells that points lie in.

What they compute is in ``native/boxes/look_up.h``. Points (N, D) are finite.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from treadle.hardware.native import extension
from treadle.hardware.native.arrays import ANY, FLOAT64, INT32, INT64, check_array


class _Described:
    """A value with a compiled form, made once and not pickled."""

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "compiled"}


@dataclass(frozen=True, eq=False)
class Axis(_Described):
    """One axis of a grid: its cells, and buckets that find them.

    Parameters
    ----------
    inner : ndarray of float64, shape (n_cells - 1,)
        The edges but the first and the last.
    starts : ndarray of int32, shape (n_buckets + 1,)
        How many inner edges lie in the buckets before each.
    origin, scale : float

    Raises
    ------
    InvalidInput
        If an array is of another dtype or shape.
    """

    inner: NDArray[np.float64]
    starts: NDArray[np.int32]
    origin: float
    scale: float

    def __post_init__(self) -> None:
        check_array("inner", self.inner, FLOAT64, (ANY,))
        check_array("starts", self.starts, INT32, (ANY,))

    @cached_property
    def compiled(self) -> extension._native.Axis:
        """The axis in the kernel's form."""
        return extension._native.Axis(self.inner, self.starts, self.origin, self.scale)


@dataclass(frozen=True, eq=False)
class Splits(_Described):
    """A tree of tests: x[axis] < threshold leads to children[0], else children[1].

    Parameters
    ----------
    axis : ndarray of int64, shape (n_nodes,)
        From 0 to D - 1.
    threshold : ndarray of float64, shape (n_nodes,)
    children : ndarray of int64, shape (n_nodes, 2)
        Nodes, or -1 - c for the cell c.

    Raises
    ------
    InvalidInput
        If an array is of another dtype or shape.
    """

    axis: NDArray[np.int64]
    threshold: NDArray[np.float64]
    children: NDArray[np.int64]

    def __post_init__(self) -> None:
        check_array("axis", self.axis, INT64, (ANY,))
        check_array("threshold", self.threshold, FLOAT64, (self.axis.size,))
        check_array("children", self.children, INT64, (self.axis.size, 2))

    @cached_property
    def compiled(self) -> extension._native.Splits:
        """The tree in the kernel's form."""
        return extension._native.Splits(self.axis, self.threshold, self.children)


def cells_in_grid(points: NDArray[np.float64], axes: Sequence[Axis], threads: int) -> NDArray[np.int64]:
    """Return each point's cell (N,), numbered with the last axis fastest."""
    check_array("points", points, FLOAT64, (ANY, len(axes)))
    cells = np.empty(len(points), np.int64)
    extension._native.look_up_grid(points, [axis.compiled for axis in axes], None, cells, None, threads)
    return cells


def values_in_grid(
    points: NDArray[np.float64], axes: Sequence[Axis], values: NDArray[np.float64], threads: int
) -> NDArray[np.float64]:
    """Return the value (N,) of each point's cell.

    ``values`` is of shape (n_cells,).
    """
    check_array("points", points, FLOAT64, (ANY, len(axes)))
    check_array("values", values, FLOAT64, (math.prod(axis.inner.size + 1 for axis in axes),))
    found = np.empty(len(points))
    extension._native.look_up_grid(points, [axis.compiled for axis in axes], values, None, found, threads)
    return found


def cells_in_trees(
    points: NDArray[np.float64], trees: Iterable[Splits], threads: int
) -> Iterator[NDArray[np.int64]]:
    """Yield for each tree the cell (N,) of each point.

    The next tree's cells overwrite the array.
    """
    check_array("points", points, FLOAT64, (ANY, ANY))
    cells = np.empty(len(points), np.int64)
    for tree in trees:
        extension._native.look_up_tree(points, tree.compiled, None, cells, None, threads)
        yield cells


def values_in_trees(
    points: NDArray[np.float64], trees: Iterable[Splits], values: NDArray[np.float64], threads: int
) -> Iterator[NDArray[np.float64]]:
    """Yield for each tree the value (N,) of each point's cell.

    The next tree's values overwrite the array. ``values`` holds one for each cell of any of the trees.
    """
    check_array("points", points, FLOAT64, (ANY, ANY))
    check_array("values", values, FLOAT64, (ANY,))
    found = np.empty(len(points))
    for tree in trees:
        extension._native.look_up_tree(points, tree.compiled, values, None, found, threads)
        yield found
