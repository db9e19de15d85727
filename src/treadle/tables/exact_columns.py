"""Columns of a matrix in types of their own, where doubles would round them: whole numbers, time stamps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Exact: TypeAlias = NDArray[np.float64 | np.integer | np.datetime64]


@dataclass(frozen=True)
class ExactColumns:
    """Columns as a frame has them, without names: float64, int64, uint64 or datetime64.

    ``LADRegressor`` and its certificate take it as X, and lose nothing.
    """

    arrays: tuple[Exact, ...]

    @property
    def columns(self) -> range:
        """What the columns are called: their places."""
        return range(len(self.arrays))

    @property
    def dtypes(self) -> list[np.dtype[np.generic]]:
        """The type of each."""
        return [array.dtype for array in self.arrays]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self), len(self.arrays)

    @property
    def ndim(self) -> int:
        """Two."""
        return 2

    def __len__(self) -> int:
        return len(self.arrays[0]) if self.arrays else 0

    def __getitem__(self, place: int) -> Exact:
        return self.arrays[place]
