"""Rows of a regression: the interface between the solver and data sources.

The sources are arrays, files and clusters. The solver asks for no more than a random sample (``take``) and
for passes over everything in blocks (``chunks``), so that arrays, memory maps and data that never is in
memory at once run the same algorithm. Nothing here scales, weighs or solves. N rows, D features.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from treadle.errors import InvalidInput
from treadle.maths.dtypes import Floats, Numbers

Result = TypeVar("Result")

# Rows of a block: its float64 copy stays in the second cache for as many features as most tables have.
ROWS_PER_CHUNK = 4096
# Of rows that a block copies, to compute something of its size again.
ROWS_PER_COPY = 1024


@dataclass(frozen=True)
class Chunk:
    """Some rows: ``X`` (k, D), ``y`` (k,) and weights (k,).

    X and y are float32 or float64; the weights are None where all are 1. ``indices`` are their numbers, (k,)
    int64: what a certificate calls them.
    """

    indices: NDArray[np.int64]
    X: Floats | sparse.csr_array
    y: Floats
    weight: NDArray[np.float64] | None

    def __len__(self) -> int:
        return len(self.y)

    def take(self, positions: NDArray[np.int64]) -> Chunk:
        """Copy the rows at some positions within this chunk."""
        weight = None if self.weight is None else self.weight[positions]
        return Chunk(self.indices[positions], self.X[positions], self.y[positions], weight)

    def weighted(self) -> Chunk:
        """Return the rows of positive weight; all, without weights."""
        if self.weight is None or self.weight.all() or not self.weight.any():
            return self
        return self.take(np.flatnonzero(self.weight))

    def part(self, size: int, rng: np.random.Generator) -> Chunk:
        """Draw ``size`` of the rows at random, all if fewer.

        One is from each of as many equal stretches.
        """
        return self if size >= len(self) else self.take(one_per_stretch(len(self), size, rng))

    @classmethod
    def joined(cls, chunks: Sequence[Chunk]) -> Chunk:
        """Join several chunks, at least one; either all have weights or none."""
        if len(chunks) == 1:
            return chunks[0]
        weights = [chunk.weight for chunk in chunks if chunk.weight is not None]
        parts = [chunk.X for chunk in chunks]
        return cls(
            np.concatenate([chunk.indices for chunk in chunks]),
            sparse.vstack(parts, format="csr") if sparse.issparse(parts[0]) else np.concatenate(parts),
            np.concatenate([chunk.y for chunk in chunks]),
            np.concatenate(weights) if weights else None,
        )


class Rows(ABC):
    """N rows of D features with their targets and weights, numbered from 0."""

    n_rows: int
    n_features: int
    feature_names: tuple[str, ...] | None = None
    # Whether memory holds N of anything anyway; if not, nothing of N entries is made.
    in_memory = False
    # Whether numbers that were read are no doubles, and were rounded.
    is_rounded = False
    # Over all rows, for one sample of them: 0 where a row is read where it lies.
    passes_per_sample = 1

    @abstractmethod
    def take(self, indices: NDArray[np.int64]) -> Chunk:
        """Copy the rows of those numbers, which ascend."""

    @abstractmethod
    def chunks(self) -> Iterator[Chunk]:
        """Yield all rows in chunks; each call is one pass.

        Chunks need not be of one size.
        """

    def sample(self, size: int, rng: np.random.Generator) -> Chunk:
        """Draw ``size`` rows at random, all if there are fewer.

        One is from each of as many equal stretches.
        """
        n = self.n_rows
        return self.take(np.arange(n) if size >= n else one_per_stretch(n, size, rng))

    def some(self) -> Chunk:
        """Return a few rows without a full pass.

        They are the first ones if that is cheapest.
        """
        return next(iter(self.chunks()))

    def map(self, function: Callable[[Chunk], Result]) -> Iterator[Result]:
        """Yield ``function`` of every chunk, in order.

        A cluster computes it where the chunks are.
        """
        return map(function, self.chunks())

    def total_weight(self) -> float:
        """Sum the weights.

        That is another pass, where there are weights and nobody has counted them.
        """
        return float(sum(self.map(weight_of)))


def dense_columns(chunk: Chunk, columns: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return some columns of a chunk as dense float64.

    Its X may be sparse.
    """
    X = chunk.X[:, columns]
    return np.asarray(X.toarray() if hasattr(X, "toarray") else X, np.float64)


def weight_of(chunk: Chunk) -> float:
    """Sum a chunk's weights."""
    return float(len(chunk) if chunk.weight is None else chunk.weight.sum(dtype=np.float64))


# Any: of whatever type, which is looked at.
def as_floats(array: NDArray[Any]) -> Floats:
    """Return native float32 or float64 arrays as they are, others as float64."""
    if array.dtype in (np.float32, np.float64) and array.dtype.isnative:
        return array
    return array.astype(np.float64)


def checked_weight(weight: Numbers, indices: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return weights as float64; refuse those negative or not finite.

    InvalidInput names the row.
    """
    found = weight.astype(np.float64)
    right = (found >= 0) & (found < np.inf)
    if not right.all():
        i = int(np.argmin(right))
        raise InvalidInput(
            f"row {indices[i]} has the sample_weight {found[i]}; weights are finite and at least 0"
        )
    return found


def one_per_stretch(n: int, size: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw ``size`` ascending numbers below n, one from each of as many equal stretches."""
    edges = np.arange(size + 1) * n // size
    return np.asarray(edges[:-1] + (rng.random(size) * np.diff(edges)).astype(np.int64))


class ArrayRows(Rows):
    """Rows in arrays, in memory or mapped into it, never copied whole.

    Parameters
    ----------
    X : ndarray of shape (N, D), float32 or float64
        In any order of memory.
    y : ndarray of shape (N,), float32 or float64
    weight : ndarray of shape (N,), float64, or None
        At least 0; None: all 1.

    Raises
    ------
    InvalidInput
        If the shapes do not fit together, there are no rows, or a weight is negative or not finite.
    """

    in_memory = True
    passes_per_sample = 0

    def __init__(self, X: Floats, y: Floats, weight: NDArray[np.float64] | None = None) -> None:
        if X.ndim != 2 or y.ndim != 1 or len(X) != len(y):
            raise InvalidInput(
                f"X must be of shape (N, D) and y of shape (N,), one target a row; got {X.shape}, {y.shape}"
            )
        if len(y) == 0:
            raise InvalidInput(f"at least one row is needed; got X of shape {X.shape}")
        for name, array in (("X", X), ("y", y)):
            if array.dtype not in (np.float32, np.float64):
                raise InvalidInput(
                    f"{name} must be float32 or float64; got {array.dtype}: convert with .astype('float64')"
                )
        if weight is not None:
            if weight.shape != y.shape:
                raise InvalidInput(f"sample_weight must be of shape {y.shape}; got {weight.shape}")
            if not weight.min() >= 0 or not weight.max() < np.inf:
                raise InvalidInput("sample_weight must be finite and at least 0 in every row")
        self.X = X
        self.y = y
        self.weight = weight
        self.n_rows, self.n_features = X.shape

    def sample(self, size: int, rng: np.random.Generator) -> Chunk:
        """See ``Rows.sample``; of rows with a weight.

        All rows together are not copied.
        """
        if self.weight is None or self.weight.all():
            if size >= self.n_rows:
                return self.whole()
            return super().sample(size, rng)
        counted = np.flatnonzero(self.weight)
        n = len(counted)
        return self.take(counted if size >= n else counted[one_per_stretch(n, size, rng)])

    def take(self, indices: NDArray[np.int64]) -> Chunk:
        """See ``Rows.take``."""
        weight = None if self.weight is None else self.weight[indices]
        return Chunk(indices, self.X[indices], self.y[indices], weight)

    def some(self) -> Chunk:
        """See ``Rows.some``."""
        if self.n_rows <= ROWS_PER_CHUNK:
            return self.whole().weighted()
        return self.sample(ROWS_PER_CHUNK, np.random.default_rng(0)).weighted()

    def whole(self) -> Chunk:
        """Return all rows as one chunk, not copied."""
        return Chunk(np.arange(self.n_rows), self.X, self.y, self.weight)

    def subset(self, indices: NDArray[np.int64]) -> Subset:
        """Return some of the rows, not copied."""
        return Subset(self.X, self.y, self.weight, indices, indices)

    def chunks(self) -> Iterator[Chunk]:
        """See ``Rows.chunks``; views, not copies."""
        for start in range(0, self.n_rows, ROWS_PER_CHUNK):
            some = slice(start, min(start + ROWS_PER_CHUNK, self.n_rows))
            weight = None if self.weight is None else self.weight[some]
            yield Chunk(np.arange(some.start, some.stop), self.X[some], self.y[some], weight)

    def total_weight(self) -> float:
        """See ``Rows.total_weight``."""
        return float(self.n_rows if self.weight is None else self.weight.sum())


class Subset(Rows):
    """Some rows of arrays in memory, copied one block at a time.

    Parameters
    ----------
    X, y, weight : ndarrays, or None for weights of 1
        As ``ArrayRows`` has them.
    positions : ndarray of shape (K,), int64
        Where the rows are in those arrays.
    indices : ndarray of shape (K,), int64
        What their chunks call them.
    """

    in_memory = True
    passes_per_sample = 0

    def __init__(
        self,
        X: Floats,
        y: Floats,
        weight: NDArray[np.float64] | None,
        positions: NDArray[np.int64],
        indices: NDArray[np.int64],
    ) -> None:
        self.X, self.y, self.weight = X, y, weight
        self.positions, self.indices = positions, indices
        self.n_rows, self.n_features = len(positions), X.shape[1]

    @classmethod
    def of(cls, chunk: Chunk) -> Subset:
        """Return all rows of a chunk as a subset."""
        return cls(chunk.X, chunk.y, chunk.weight, np.arange(len(chunk)), chunk.indices)

    @classmethod
    def joined(cls, parts: Sequence[Subset]) -> Subset:
        """Join several subsets, at least one.

        They are copied together unless they are of the same arrays.
        """
        first = parts[0]
        if any(part.X is not first.X for part in parts):
            return cls.of(Chunk.joined([part.whole() for part in parts]))
        positions = np.concatenate([part.positions for part in parts])
        indices = np.concatenate([part.indices for part in parts])
        return cls(first.X, first.y, first.weight, positions, indices)

    def __len__(self) -> int:
        return self.n_rows

    def targets(self) -> NDArray[np.float64]:
        """y of these rows, (K,)."""
        return self.y[self.positions].astype(np.float64)

    def weights(self) -> NDArray[np.float64]:
        """The weights of these rows, (K,)."""
        return np.ones(len(self)) if self.weight is None else self.weight[self.positions]

    def take(self, indices: NDArray[np.int64]) -> Chunk:
        """See ``Rows.take``; by positions among these rows, in any order."""
        some = self.positions[indices]
        weight = None if self.weight is None else self.weight[some]
        return Chunk(self.indices[indices], self.X[some], self.y[some], weight)

    def whole(self) -> Chunk:
        """Return all rows of the subset as one chunk.

        They are not copied where they are all that the arrays hold, in their order.
        """
        everything = np.arange(len(self))
        if len(self) == len(self.y) and np.array_equal(self.positions, everything):
            return Chunk(self.indices, self.X, self.y, self.weight)
        return self.take(everything)

    def subset(self, indices: NDArray[np.int64]) -> Subset:
        """Return some of these rows by their positions, not copied."""
        return Subset(self.X, self.y, self.weight, self.positions[indices], self.indices[indices])

    def chunks(self) -> Iterator[Chunk]:
        """See ``Rows.chunks``."""
        return (chunk for _, chunk in self.blocks())

    def blocks(self) -> Iterator[tuple[slice, Chunk]]:
        """Yield the chunks, each after its position among these rows.

        They are copies, except of few rows in whole arrays.
        """
        if self.n_rows <= ROWS_PER_COPY and self.X.flags.c_contiguous:
            yield slice(0, self.n_rows), self.whole()
            return
        for start in range(0, self.n_rows, ROWS_PER_COPY):
            some = np.arange(start, min(start + ROWS_PER_COPY, self.n_rows))
            yield slice(start, start + len(some)), self.take(some)
