"""A domain cut into boxes: the contract of every partition, and the grid.

A partition of the box [a_1, b_1] x ... x [a_d, b_d] consists of cells [lower, upper), half-open along every
axis, closed where upper is the domain's own bound: each point lies in exactly one. Points outside belong to
the first cell on the way in, that of their coordinates clamped to the bounds.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from treadle.boxes.cells.look_up import AxisTable
from treadle.errors import InvalidInput
from treadle.hardware.native.boxes import cells_in_grid, values_in_grid
from treadle.hardware.native.extension import is_built, kernels_if_built
from treadle.hardware.processors import usable_threads

# A height and a cell's place in the tables: what a box takes of memory at the least.
MAX_CELLS = 100_000_000


class Partition(ABC):
    """Cells that tile a box."""

    bounds: NDArray[np.float64]  # (d, 2)
    edges: tuple[NDArray[np.float64], ...]  # along each axis all values at which some cell ends, increasing
    n_cells: int

    @property
    def n_dims(self) -> int:
        """The number of dimensions, d."""
        return len(self.bounds)

    def locate(self, points: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the cell (n,) of each of the finite points (n, d).

        Cells are numbered 0 .. n_cells - 1.
        """
        if not is_built():
            return self.locate_by_numpy(points)
        return self._locate_natively(np.ascontiguousarray(points))

    def values_at(self, points: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The value (n,) of each point's cell, of values (n_cells,)."""
        if not is_built():
            return np.asarray(values[self.locate_by_numpy(points)])
        return self._values_natively(np.ascontiguousarray(points), values)

    @abstractmethod
    def locate_by_numpy(self, points: NDArray[np.float64]) -> NDArray[np.int64]:
        """``locate`` in NumPy: the specification of the compiled one."""

    @abstractmethod
    def _locate_natively(self, points: NDArray[np.float64]) -> NDArray[np.int64]:
        """``locate`` by the compiled look-up."""

    @abstractmethod
    def _values_natively(
        self, points: NDArray[np.float64], values: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """``values_at`` by the compiled look-up."""

    @abstractmethod
    def corners(
        self, cells: NDArray[np.int64] | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return lower and upper corners (n, d) of the given cells, or all."""

    def inside(self, points: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether each of the points (n, d) lies in the domain."""
        return np.asarray(((points >= self.bounds[:, 0]) & (points <= self.bounds[:, 1])).all(axis=1))


class Grid(Partition):
    """A grid: the product of a partition of each axis.

    Cells are numbered with the last axis fastest.

    Parameters
    ----------
    edges : sequence of d array_like
        Of each axis, increasing and finite.

    Raises
    ------
    InvalidInput
        If edges are no increasing finite numbers, two at least, there would be more than 1e8 cells, or
        TREADLE_SIMD names no kernel that can run here.
    """

    def __init__(self, edges: Sequence[ArrayLike]) -> None:
        kernels_if_built()  # where TREADLE_SIMD is wrong, this says so
        self.edges = tuple(np.ascontiguousarray(axis, dtype=np.float64) for axis in edges)
        for i, axis in enumerate(self.edges):
            if (
                axis.ndim != 1
                or axis.size < 2
                or not np.isfinite(axis).all()
                or not (np.diff(axis) > 0).all()
            ):
                raise InvalidInput(
                    f"edges must be at least two finite numbers that increase; those of dimension {i + 1} of "
                    f"{len(self.edges)} do not"
                )
        if not self.edges:
            raise InvalidInput("edges must be those of one dimension at least; got none")
        self.shape = tuple(axis.size - 1 for axis in self.edges)
        check_n_cells(self.shape)
        self.n_cells = math.prod(self.shape)
        self.bounds = np.array([[axis[0], axis[-1]] for axis in self.edges])
        self.tables = tuple(AxisTable(axis) for axis in self.edges)

    def locate_by_numpy(self, points: NDArray[np.float64]) -> NDArray[np.int64]:
        """See ``Partition.locate_by_numpy``."""
        flat = self.tables[0].cells(points[:, 0])
        for i in range(1, self.n_dims):
            flat *= self.shape[i]
            flat += self.tables[i].cells(points[:, i])
        return flat

    def _locate_natively(self, points: NDArray[np.float64]) -> NDArray[np.int64]:
        return cells_in_grid(points, [table.described for table in self.tables], usable_threads().n)

    def _values_natively(
        self, points: NDArray[np.float64], values: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        return values_in_grid(points, [table.described for table in self.tables], values, usable_threads().n)

    def corners(
        self, cells: NDArray[np.int64] | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """See ``Partition.corners``."""
        cells = np.arange(self.n_cells) if cells is None else cells
        indices = np.unravel_index(cells, self.shape)
        lower = np.stack([axis[i] for axis, i in zip(self.edges, indices, strict=True)], axis=1)
        upper = np.stack([axis[i + 1] for axis, i in zip(self.edges, indices, strict=True)], axis=1)
        return lower, upper


def check_n_cells(shape: Sequence[int]) -> None:
    """Refuse a grid that is too large, before anything is allocated for it.

    Raises
    ------
    InvalidInput
        If there are more than 1e8 cells: it says how many there would be, and the memory for their heights.
    """
    n_cells = min(math.prod(shape), 10**300)
    if n_cells > MAX_CELLS:
        product = " x ".join(str(m) if m < 10**15 else _short(min(m, 10**300)) for m in shape)
        raise InvalidInput(
            f"a grid of {product} is {_short(n_cells)} cells, and their heights alone take "
            f"{_short(n_cells * 8 / 1e9)} GB; at most {_short(MAX_CELLS)} are built: take fewer boxes, a "
            "larger eps or partition='adaptive'"
        )


def n_cells_at_least(number: float) -> int:
    """Round a number up to a whole number of cells, at least one.

    Raises
    ------
    InvalidInput
        If there are more than 1e8, or the number is infinite or NaN.
    """
    n_cells = math.ceil(min(max(number, 1.0), 1e300)) if number == number else 10**300
    check_n_cells((n_cells,))
    return n_cells


def _short(number: float) -> str:
    """Write a number with three digits: 1e10, 2.5e12, 80."""
    return f"{number:.3g}".replace("e+", "e") if number < 10**300 else "more than 1e300"
