"""Rows of a scipy.sparse matrix, in chunks that stay sparse."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from treadle.errors import InvalidInput
from treadle.l1.sources.rows import Chunk, Rows, as_floats, checked_weight

# Stored numbers of a block: what is derived from them in extended precision is 16 times as many bytes.
STORED_PER_BLOCK = 1 << 20


class SparseRows(Rows):
    """Rows of a sparse X (N, D) of any format, in memory.

    Targets and weights are (N,).

    Parameters
    ----------
    X : scipy.sparse array or matrix
        Converted to compressed rows (CSR) unless it is; entries stored twice are added up, as SciPy does.
    y : ndarray of shape (N,)
    weight : ndarray of shape (N,), or None
        At least 0; None: all 1.

    Raises
    ------
    InvalidInput
        If the shapes do not fit, there are no rows or features, an entry is no finite real number, or a
        weight is negative.
    """

    in_memory = True
    passes_per_sample = 0

    def __init__(self, X: sparse.sparray, y: ArrayLike, weight: ArrayLike | None = None) -> None:
        if not sparse.issparse(X) or X.ndim != 2 or X.dtype.kind not in "biuf":
            raise InvalidInput(
                "X must be a scipy.sparse array of real numbers and two dimensions; got "
                f"{type(X).__name__} of "
                f"{getattr(X, 'dtype', 'no dtype')}"
            )
        X = sparse.csr_array(X)
        if not X.has_canonical_format:
            X = X.copy()
            X.sum_duplicates()
        self.X = sparse.csr_array((as_floats(X.data), X.indices, X.indptr), shape=X.shape)
        self.n_rows, self.n_features = map(int, X.shape)
        if not self.n_rows or not self.n_features:
            raise InvalidInput(f"X is of shape {X.shape}; at least one row and one feature are needed")
        y = np.asarray(y)
        if y.shape != (self.n_rows,) or y.dtype.kind not in "biuf":
            raise InvalidInput(
                f"X has {self.n_rows} rows; y must hold as many real numbers, got {y.dtype} of shape "
                f"{y.shape}"
            )
        self.y = as_floats(y)
        for name, array in (("X", self.X.data), ("y", self.y)):
            finite = np.isfinite(array)
            if not finite.all():
                i = int(np.argmin(finite))
                row = i if name == "y" else int(np.searchsorted(self.X.indptr, i, side="right")) - 1
                raise InvalidInput(
                    f"row {row} holds a value of {name} that is not a finite number: {array[i]}; drop such "
                    "rows "
                    "or fill them in first"
                )
        if weight is not None and np.shape(weight) != y.shape:
            raise InvalidInput(f"sample_weight must be of shape {y.shape}; got {np.shape(weight)}")
        self.weight = None if weight is None else checked_weight(np.asarray(weight), np.arange(self.n_rows))

    def take(self, indices: NDArray[np.int64]) -> Chunk:
        """See ``Rows.take``."""
        return self._chunk(indices, indices)

    def chunks(self) -> Iterator[Chunk]:
        """See ``Rows.chunks``."""
        step = max(1, STORED_PER_BLOCK * self.n_rows // max(self.X.nnz, self.n_rows))
        for start in range(0, self.n_rows, step):
            stop = min(start + step, self.n_rows)
            yield self._chunk(np.arange(start, stop), slice(start, stop))

    def _chunk(self, indices: NDArray[np.int64], some: slice | NDArray[np.int64]) -> Chunk:
        return Chunk(indices, self.X[some], self.y[some], None if self.weight is None else self.weight[some])
