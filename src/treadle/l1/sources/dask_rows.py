"""Rows in Dask arrays, for data larger than one machine.

Each pass is a map over the blocks where they lie. What comes back to the caller is what the map returns, a
few sums and the rows that are kept: X is never gathered. Whatever scheduler Dask is set to computes: threads,
processes, or a cluster through ``distributed.Client``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from treadle.errors import InvalidInput, MissingDependency
from treadle.l1.sources.rows import Chunk, Rows, as_floats, checked_weight
from treadle.maths.dtypes import Numbers

if TYPE_CHECKING:
    import dask.array
    import dask.dataframe
    from dask.delayed import Delayed

Collection: TypeAlias = "dask.array.Array | dask.dataframe.DataFrame | dask.dataframe.Series"

# Numbers of a block that one call sees at a time, so that a worker's temporary arrays stay small.
NUMBERS_PER_PIECE = 1 << 19

Result = TypeVar("Result")


class DaskRows(Rows):
    """Rows in Dask arrays, or in a Dask DataFrame with its target.

    They are cut into blocks of rows; the target is one of the frame's columns.

    Parameters
    ----------
    X : dask.array.Array of shape (N, D), or dask DataFrame
        Its blocks are the unit of work; columns are brought into one block.
    y : dask.array.Array of shape (N,), or dask Series
    sample_weight : dask.array.Array of shape (N,), dask Series or None

    Attributes
    ----------
    n_rows, n_features : int
    feature_names : tuple of str
        Where X is a DataFrame.

    Raises
    ------
    InvalidInput
        If X is no Dask array of real numbers, or the shapes do not fit.
    MissingDependency
        If Dask is not installed.

    Examples
    --------
    >>> import dask.array as da
    >>> from treadle import LADRegressor
    >>> from treadle.l1 import DaskRows
    >>> x = da.arange(8.0, chunks=4)
    >>> LADRegressor().fit(DaskRows(x[:, None], 2 * x + 1)).predict([[10]]).tolist()
    [21.0]
    """

    def __init__(self, X: Collection, y: Collection, sample_weight: Collection | None = None) -> None:
        try:
            import dask.array  # noqa: F401
        except ImportError as error:
            raise MissingDependency("Dask arrays need Dask: pip install 'treadle[cluster]'") from error
        if hasattr(X, "columns"):
            self.feature_names = tuple(map(str, X.columns))
        self._X = _as_array("X", X, 2)
        self.n_rows, self.n_features = map(int, self._X.shape)
        if not self.n_rows or not self.n_features:
            raise InvalidInput(f"X is of shape {self._X.shape}; at least one row and one feature are needed")
        if len(self._X.chunks[1]) > 1:
            self._X = self._X.rechunk({1: -1})
        self._others = []
        for name, array in (("y", y), ("sample_weight", sample_weight)):
            if array is None:
                continue
            array = _as_array(name, array, 1)
            if array.shape != (self.n_rows,):
                raise InvalidInput(
                    f"X has {self.n_rows} rows and {name} is of shape {array.shape}; one entry a row"
                )
            self._others.append(array.rechunk((self._X.chunks[0],)))

    def chunks(self) -> Iterator[Chunk]:
        """See ``Rows.chunks``; the blocks come here one after the other."""
        import dask

        for start, block in zip(self._starts(), self._blocks(), strict=True):
            arrays = dask.compute(*block)
            yield from _pieces(start, *arrays)

    def map(self, function: Callable[[Chunk], Result]) -> Iterator[Result]:
        """See ``Rows.map``; computed where the blocks are, all at once."""
        import dask

        call = dask.delayed(_each, pure=False)
        shared = dask.delayed(function, traverse=False)
        tasks = [
            call(shared, start, *block) for start, block in zip(self._starts(), self._blocks(), strict=True)
        ]
        for results in dask.compute(*tasks):
            yield from results

    def take(self, indices: NDArray[np.int64]) -> Chunk:
        """See ``Rows.take``; each block sends its own."""
        import dask

        starts = self._starts()
        edges = np.searchsorted(indices, np.append(starts, self.n_rows))
        call = dask.delayed(_selected, pure=False)
        tasks = [
            call(indices[first:last], start, *block)
            for start, block, first, last in zip(starts, self._blocks(), edges[:-1], edges[1:], strict=True)
            if last > first
        ]
        return Chunk.joined(list(dask.compute(*tasks)))

    def total_weight(self) -> float:
        """See ``Rows.total_weight``."""
        return float(self.n_rows if len(self._others) == 1 else self._others[1].sum().compute())

    def _starts(self) -> NDArray[np.int64]:
        return np.asarray(np.cumsum((0, *self._X.chunks[0][:-1])), np.int64)

    def _blocks(self) -> Iterator[tuple[Delayed, ...]]:
        columns = [self._X.to_delayed().ravel(), *(array.to_delayed().ravel() for array in self._others)]
        return zip(*columns, strict=True)


def _as_array(name: str, array: Collection, n_dimensions: int) -> dask.array.Array:
    if hasattr(array, "to_dask_array"):
        array = array.to_dask_array(lengths=True)
    if not hasattr(array, "to_delayed") or not hasattr(array, "chunks"):
        raise InvalidInput(f"{name} must be a Dask array; got {type(array).__name__}")
    if array.ndim != n_dimensions or array.dtype.kind not in "biuf":
        raise InvalidInput(
            f"{name} must have {n_dimensions} dimensions and hold real numbers; got {array.dtype} of shape "
            f"{array.shape}"
        )
    if any(np.isnan(size) for size in array.shape):
        array = array.compute_chunk_sizes()
    return array


def _pieces(start: int, X: Numbers, y: Numbers, weight: Numbers | None = None) -> Iterator[Chunk]:
    """Yield a block's rows, from number ``start`` on, a piece at a time."""
    step = max(1, NUMBERS_PER_PIECE // X.shape[1])
    for first in range(0, len(y), step):
        some = slice(first, first + step)
        indices = np.arange(start + first, start + first + len(y[some]))
        yield Chunk(
            indices,
            as_floats(np.asarray(X[some])),
            as_floats(np.asarray(y[some])),
            None if weight is None else checked_weight(np.asarray(weight[some]), indices),
        )


def _each(function: Callable[[Chunk], Result], start: int, *block: Numbers) -> list[Result]:
    return [function(piece) for piece in _pieces(start, *block)]


def _selected(indices: NDArray[np.int64], start: int, *block: Numbers) -> Chunk:
    """Return the rows of those numbers, in float64 or float32."""
    X, y, *weight = (np.asarray(array)[indices - start] for array in block)
    return Chunk(indices, as_floats(X), as_floats(y), checked_weight(weight[0], indices) if weight else None)
