"""The kernel's look-ups of the cells that points lie in; what they compute is in ``native/boxes/look_up.h``.

Points (N, D) are finite.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from treadle.hardware.native import extension
from treadle.hardware.native.arrays import ANY, FLOAT64, INT32, INT64, check_array


@dataclass(frozen=True)
class Axis:
    """The cells of one axis of a grid, and buckets that find them.

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


@dataclass(frozen=True)
class Splits:
    """A tree of tests: where x[axis] < threshold a point goes to children[0], else to children[1].

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


def cells_in_grid(points: NDArray[np.float64], axes: Sequence[Axis], threads: int) -> NDArray[np.int64]:
    """The cell (N,) of each point, numbered with the last axis fastest."""
    check_array("points", points, FLOAT64, (ANY, len(axes)))
    cells = np.empty(len(points), np.int64)
    extension._native.look_up_grid(points, _compiled(axes), None, cells, None, threads)
    return cells


def values_in_grid(
    points: NDArray[np.float64], axes: Sequence[Axis], values: NDArray[np.float64], threads: int
) -> NDArray[np.float64]:
    """The value (N,) of each point's cell, of values (n_cells,)."""
    check_array("points", points, FLOAT64, (ANY, len(axes)))
    check_array("values", values, FLOAT64, (math.prod(axis.inner.size + 1 for axis in axes),))
    found = np.empty(len(points))
    extension._native.look_up_grid(points, _compiled(axes), values, None, found, threads)
    return found


def _compiled(axes: Sequence[Axis]) -> list[extension._native.Axis]:
    return [extension._native.Axis(axis.inner, axis.starts, axis.origin, axis.scale) for axis in axes]


def cells_in_tree(
    points: NDArray[np.float64], splits: Splits, cells: NDArray[np.int64], threads: int
) -> None:
    """Write the cell (N,) of each point."""
    check_array("points", points, FLOAT64, (ANY, ANY))
    check_array("cells", cells, INT64, points.shape[:1], writable=True)
    extension._native.look_up_tree(
        points, splits.axis, splits.threshold, splits.children, None, cells, None, threads
    )


def values_in_tree(
    points: NDArray[np.float64],
    splits: Splits,
    values: NDArray[np.float64],
    found: NDArray[np.float64],
    threads: int,
) -> None:
    """Write the value (N,) of each point's cell, of values (n_cells,) or more."""
    check_array("points", points, FLOAT64, (ANY, ANY))
    check_array("values", values, FLOAT64, (ANY,))
    check_array("found", found, FLOAT64, points.shape[:1], writable=True)
    extension._native.look_up_tree(
        points, splits.axis, splits.threshold, splits.children, values, None, found, threads
    )
