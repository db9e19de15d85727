"""Keeps columns in exact types where doubles would round them.

They are whole numbers and time stamps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Exact: TypeAlias = NDArray[np.float64 | np.integer | np.datetime64]


@dataclass(frozen=True)
class ExactColumns:
    """Unnamed columns, each of its own type, as in a frame.

    Types are float64, int64, uint64 and datetime64. ``LADRegressor`` and its certificate take it as X, and
    lose nothing.
    """

    arrays: tuple[Exact, ...]

    @property
    def columns(self) -> range:
        """The columns' labels: their positions."""
        return range(len(self.arrays))

    @property
    def dtypes(self) -> list[np.dtype[np.generic]]:
        """The type of each column."""
        return [array.dtype for array in self.arrays]

    @property
    def shape(self) -> tuple[int, int]:
        """The numbers of rows and columns."""
        return len(self), len(self.arrays)

    @property
    def ndim(self) -> int:
        """The number of axes, two."""
        return 2

    def __len__(self) -> int:
        return len(self.arrays[0]) if self.arrays else 0

    def __getitem__(self, place: int) -> Exact:
        return self.arrays[place]
