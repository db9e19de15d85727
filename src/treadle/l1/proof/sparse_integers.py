"""Holds sparse matrices of doubles as integers over a power of two.

What ``scaled_integers`` does for dense ones: entries that are not stored are zeros, and nothing is rounded.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from treadle.l1.proof.scaled_integers import ScaledIntegers, as_float, scaled

Objects = NDArray[np.object_]


@dataclass(frozen=True)
class SparseIntegers:
    """A matrix (m, ``width``) of integers times 2^``exponent``, by rows.

    Row i has ``integers`` from ``starts[i]`` to ``starts[i + 1]``, in the columns of the same places.
    """

    integers: Objects
    columns_of: NDArray[np.int64]
    starts: NDArray[np.int64]
    width: int
    exponent: int

    @classmethod
    def of(cls, X: sparse.csr_array) -> SparseIntegers:
        """Convert a matrix of finite doubles or floats, exactly.

        Raises
        ------
        ValueError
            If a number is not finite.
        """
        if not X.data.all():
            X = X.copy()
            X.eliminate_zeros()
        exact = scaled(X.data)
        return cls(
            exact.integers,
            X.indices.astype(np.int64),
            X.indptr.astype(np.int64),
            int(X.shape[1]),
            exact.exponent,
        )

    def __len__(self) -> int:
        return len(self.starts) - 1

    def columns(self, some: NDArray[np.int64]) -> SparseIntegers:
        """Return some of the columns, which ascend."""
        if len(some) == self.width:
            return self
        place = np.full(self.width, -1)
        place[some] = np.arange(len(some))
        kept = place[self.columns_of] >= 0
        before = np.concatenate([[0], np.cumsum(kept)])
        return SparseIntegers(
            self.integers[kept],
            place[self.columns_of[kept]],
            before[self.starts],
            len(some),
            self.exponent,
        )

    def sizes(self) -> SparseIntegers:
        """Return the absolute values."""
        return SparseIntegers(np.abs(self.integers), self.columns_of, self.starts, self.width, self.exponent)

    def product(self, vector: Objects) -> Objects:
        """Multiply the integers by a vector (width,)."""
        return _sums(self.integers * vector[self.columns_of], self.starts)

    def transposed_product(self, vector: Objects) -> Objects:
        """Multiply the transposed integers by a vector (m,)."""
        order, starts = self._by_columns
        return _sums((self.integers * vector[self._rows])[order], starts)

    def dense(self) -> ScaledIntegers:
        """Return the matrix with its zeros."""
        integers = np.zeros((len(self), self.width), object)
        integers[self._rows, self.columns_of] = self.integers
        return ScaledIntegers(integers, self.exponent)

    def floats(self) -> sparse.csr_array:
        """Return the doubles that were converted."""
        data = [as_float(value, self.exponent) for value in self.integers]
        return sparse.csr_array(
            (np.array(data, np.float64), self.columns_of, self.starts), shape=(len(self), self.width)
        )

    @cached_property
    def _rows(self) -> NDArray[np.int64]:
        return np.repeat(np.arange(len(self)), np.diff(self.starts))

    @cached_property
    def _by_columns(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The order of the entries by columns, and where each column starts in it."""
        counts = np.bincount(self.columns_of, minlength=self.width)
        return np.argsort(self.columns_of, kind="stable"), np.concatenate([[0], np.cumsum(counts)])


def _sums(values: Objects, starts: NDArray[np.int64]) -> Objects:
    """Sum consecutive stretches, some of which may be empty."""
    sums = np.zeros(len(starts) - 1, object)
    some = np.flatnonzero(np.diff(starts))
    if len(some):
        sums[some] = np.add.reduceat(values, starts[some])
    return sums
