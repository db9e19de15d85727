"""Rows from an iterable of chunks, iterated anew for each pass.

It does not matter what reads or makes them. The first pass counts the rows and draws a random sample, so that
a solution takes two. The rows of every pass must be the same, in the same order: their number and sums are
compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from treadle.errors import InvalidInput
from treadle.l1.sources.rows import ROWS_PER_CHUNK, Chunk, Rows, as_floats, checked_weight, weight_of
from treadle.maths.dtypes import Floats, Numbers

# Numbers of the sample that the first pass keeps, and of a one-shot iterator at most: 32 and 64 MB.
SAMPLED_NUMBERS = 1 << 22
HELD_NUMBERS = 1 << 23
SAMPLE_SEED = 0

# (X, y) or (X, y, sample_weight). Any is what is no such thing yet, but what ``load`` takes.
Arrays = Sequence[ArrayLike]


class ChunkRows(Rows):
    """Rows in chunks ``(X, y)`` or ``(X, y, sample_weight)``.

    The chunks are a list, any iterable, or a callable that returns one.

    Memory holds one chunk, a sample of at most 2^22 numbers, and what the solver keeps.

    Parameters
    ----------
    chunks : iterable, or callable without arguments that returns an iterable
        Of chunks, or of whatever ``load`` makes chunks of, names of files for example. X is of shape (k, D),
        y and sample_weight of shape (k,); k may differ and be 0, D may not. An iterator that can be used once
        only, as a generator, is read into memory if it has at most 2^23 numbers, and refused beyond.
    load : callable, optional
        Makes a chunk of an item.

    Attributes
    ----------
    n_rows, n_features : int

    Raises
    ------
    InvalidInput
        If there are no rows, a chunk's shapes do not fit together or to those before, it holds no real
        numbers, or two passes differ.

    Examples
    --------
    >>> import numpy as np
    >>> from treadle.l1.sources.chunk_rows import ChunkRows
    >>> def chunks():
    ...     for seed in range(3):
    ...         X = np.random.default_rng(seed).normal(size=(4, 2))
    ...         yield X, X @ [1.0, 2.0]
    >>> rows = ChunkRows(chunks)
    >>> rows.n_rows, rows.n_features
    (12, 2)
    """

    def __init__(
        self,
        chunks: Iterable[Any] | Callable[[], Iterable[Any]],
        *,
        load: Callable[[Any], Arrays] | None = None,
    ) -> None:
        self._load = load
        self._again: Callable[[], Iterable[Any]]
        if callable(chunks):
            self._again = chunks
        elif isinstance(chunks, Iterator):
            held = self._held(chunks)
            self._again, self._load = (lambda: held), None
        elif isinstance(chunks, Iterable):
            self._again = lambda: chunks
        else:
            raise InvalidInput(
                "chunks must be an iterable of (X, y), or a callable that returns one; got "
                f"{type(chunks).__name__}"
            )
        self.n_features = 0
        self.n_rows = 0
        self._weight = 0.0
        self._is_weighted: bool | None = None
        self._sums: tuple[float, ...] | None = None
        self._first_pass()

    def chunks(self) -> Iterator[Chunk]:
        """See ``Rows.chunks``."""
        start = 0
        sums = np.zeros(3)
        with np.errstate(over="ignore", invalid="ignore"):
            for number, item in enumerate(self._again()):
                X, y, weight = self._arrays(number, item)
                if len(y):
                    indices = np.arange(start, start + len(y))
                    weight = None if weight is None else checked_weight(weight, indices)
                    total = 0.0 if weight is None else weight.sum(dtype=np.float64)
                    sums += X.sum(dtype=np.float64), y.sum(dtype=np.float64), total
                    yield Chunk(indices, X, y, weight)
                    start += len(y)
        now = (start, *sums.tolist())
        if self._sums is not None and not np.array_equal(now, self._sums, equal_nan=True):
            raise InvalidInput(
                f"the chunks changed between two passes: {self._sums[0]} rows first, {start} now, or other "
                "values; "
                "every pass must give the same rows in the same order (fix the seed of a shuffle)"
            )
        self._sums = now

    def take(self, indices: NDArray[np.int64]) -> Chunk:
        """See ``Rows.take``; one more pass."""
        taken = []
        for chunk in self.chunks():
            first, last = np.searchsorted(indices, (chunk.indices[0], chunk.indices[-1] + 1))
            if last > first:
                taken.append(chunk.take(indices[first:last] - chunk.indices[0]))
        return Chunk.joined(taken)

    def sample(self, size: int, rng: np.random.Generator) -> Chunk:
        """See ``Rows.sample``; from the first pass's rows, without another pass."""
        if size >= self.n_rows > len(self._reservoir):
            return self.take(np.arange(self.n_rows))
        return self._reservoir.part(size, rng)

    def some(self) -> Chunk:
        """See ``Rows.some``; from the first pass's rows."""
        return self._reservoir.part(ROWS_PER_CHUNK, np.random.default_rng(0))

    def total_weight(self) -> float:
        """See ``Rows.total_weight``."""
        return self._weight

    def _first_pass(self) -> None:
        """Count the rows, and draw a random sample without replacement.

        Kept are those with the smallest of random keys.
        """
        rng = np.random.default_rng(SAMPLE_SEED)
        kept: list[tuple[NDArray[np.float64], Chunk]] = []
        n_kept, largest = 0, 1.0
        for chunk in self.chunks():
            self.n_rows += len(chunk)
            self._weight += weight_of(chunk)
            size = max(1, SAMPLED_NUMBERS // (self.n_features + 1))
            keys = rng.random(len(chunk))
            few = np.flatnonzero(keys < largest)
            kept.append((keys[few], chunk.take(few)))
            n_kept += len(few)
            if n_kept > 2 * size:
                kept = [_smallest(kept, size)]
                n_kept, largest = size, float(kept[0][0].max())
        if not self.n_rows:
            raise InvalidInput("the chunks hold no rows; at least one is needed")
        self._reservoir = _smallest(kept, max(1, SAMPLED_NUMBERS // (self.n_features + 1)))[1]

    def _arrays(self, number: int, item: Any) -> tuple[Floats, Floats, Numbers | None]:
        if self._load is not None:
            item = self._load(item)
        if not isinstance(item, tuple | list) or len(item) not in (2, 3):
            raise InvalidInput(
                f"chunk {number} must be (X, y) or (X, y, sample_weight); got {type(item).__name__}"
                + (f" of {len(item)}" if isinstance(item, tuple | list) else "")
            )
        X, y, *rest = (np.asarray(one) for one in item)
        if self._is_weighted is None:
            self._is_weighted = bool(rest)
        elif self._is_weighted != bool(rest):
            has = (
                ("has none", "those before it have") if self._is_weighted else ("has", "those before it none")
            )
            raise InvalidInput(
                f"chunk {number} {has[0]} weights, {has[1]}: give sample_weight with every chunk or with none"
            )
        for name, array in zip(("X", "y", "sample_weight"), (X, y, *rest), strict=False):
            if array.dtype.kind not in "biuf":
                raise InvalidInput(f"chunk {number}: {name} must hold real numbers; got {array.dtype}")
        if X.ndim != 2 or any(array.shape != X.shape[:1] for array in (y, *rest)):
            shapes = ", ".join(str(array.shape) for array in (X, y, *rest))
            raise InvalidInput(
                f"chunk {number}: X must be of shape (k, D), y and sample_weight of shape (k,); got {shapes}"
            )
        if self.n_features and X.shape[1] != self.n_features:
            raise InvalidInput(
                f"chunk {number} has {X.shape[1]} features, those before it {self.n_features}; all need "
                "the same"
            )
        if not X.shape[1]:
            raise InvalidInput(
                f"chunk {number} has no features: X is of shape {X.shape}; at least one is needed"
            )
        self.n_features = X.shape[1]
        return as_floats(X), as_floats(y), rest[0] if rest else None

    def _held(self, chunks: Iterator[Any]) -> list[Arrays]:
        held, n_numbers = [], 0
        for item in chunks:
            arrays = self._load(item) if self._load is not None else item
            held.append(arrays)
            n_numbers += np.size(arrays[0]) if isinstance(arrays, tuple | list) and len(arrays) else 0
            if n_numbers > HELD_NUMBERS:
                raise InvalidInput(
                    f"chunks is a one-shot {type(chunks).__name__} of more than {HELD_NUMBERS} numbers, and "
                    "solving needs two passes; give a list, or a callable that returns a fresh iterator"
                )
        return held


def _smallest(kept: list[tuple[NDArray[np.float64], Chunk]], size: int) -> tuple[NDArray[np.float64], Chunk]:
    """Return the ``size`` rows of the smallest keys, in their order."""
    keys = np.concatenate([key for key, _ in kept])
    rows = Chunk.joined([chunk for _, chunk in kept])
    if len(keys) <= size:
        return keys, rows
    few = np.sort(np.argpartition(keys, size)[:size])
    return keys[few], rows.take(few)
