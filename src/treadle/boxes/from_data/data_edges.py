"""Places cell edges by the values of one feature, without looking at y.

Cells have equal width or equal weight. All edges lie within the rows' range, which is the domain: the first
edge is the least value, the last the greatest. A feature that is constant has one cell around its value.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from treadle.errors import InvalidInput


class Feature:
    """The distinct values of one feature, with the weight of each.

    Parameters
    ----------
    x : ndarray of float64, shape (N,)
        Finite.
    weights : ndarray of float64, shape (N,)
        Positive.

    Raises
    ------
    InvalidInput
        If the range overflows float64.
    """

    def __init__(self, x: NDArray[np.float64], weights: NDArray[np.float64]) -> None:
        self.values, number = np.unique(x, return_inverse=True)
        self.cumulative = np.cumsum(np.bincount(number, weights))
        self.least, self.greatest = float(self.values[0]), float(self.values[-1])
        if self.least == self.greatest:
            half = max(abs(self.least), 1.0) / 2
            self.least, self.greatest = self.least - half, self.least + half
        if not np.isfinite(self.greatest - self.least):
            raise InvalidInput(
                f"a feature goes from {self.least:g} to {self.greatest:g}, and the difference is beyond "
                "float64: scale it down"
            )

    @property
    def most_cells(self) -> int:
        """The greatest number of cells of which each holds a value."""
        return int(self.values.size)

    def uniform(self, m: int) -> NDArray[np.float64]:
        """Return the edges of m cells of equal width.

        There are fewer cells where float64 has no m + 1 numbers in the range.
        """
        return np.unique(np.linspace(self.least, self.greatest, m + 1))

    def quantile(self, m: int) -> NDArray[np.float64]:
        """Return the edges of m cells of equal weight, each between two values.

        There are fewer cells where values tie.
        """
        targets = np.arange(1, m) * (self.cumulative[-1] / m)
        at = np.unique(np.searchsorted(self.cumulative, targets))
        inner = between(self.values[:-1], self.values[1:])[at[at < self.values.size - 1]]
        return np.unique(np.concatenate([[self.least], inner, [self.greatest]]))


def between(lower: NDArray[np.float64], upper: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return an edge between two values: their middle, or the upper one.

    It is the upper one where float64 has no number between the two.
    """
    middle = lower / 2 + upper / 2
    return np.where(middle > lower, np.minimum(middle, upper), upper)
