"""Rows in .npy files, mapped into memory.

The system reads the pages that are looked at. A file that changes between two passes is refused. Nothing is
unpickled.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from treadle.data.npy_file import mapped
from treadle.errors import CorruptFile, InvalidInput
from treadle.files import checked_path, opened
from treadle.l1.sources.file_state import FileState
from treadle.l1.sources.rounded_columns import RoundedColumns
from treadle.l1.sources.rows import Chunk, Rows, as_floats, checked_weight
from treadle.maths.dtypes import Numbers

# Numbers of a block, whose float64 copy is 2 MB.
NUMBERS_PER_BLOCK = 1 << 18

ZIP_MAGIC = b"PK\3\4"


class NpyRows(Rows):
    """Rows in a .npy file (N, D), with the target apart or within.

    A file that has the target as one of its columns is of shape (N, D + 1).

    64-bit integers that no double holds are rounded, with a RoundedNumbersWarning; in memory they are not.

    A pass reads each page of the files once; random rows are read where they lie. Beyond the files' pages a
    pass holds 2^18 numbers.

    Parameters
    ----------
    X : str or Path
        A .npy file of real numbers, as ``np.save`` or ``np.lib.format.open_memmap`` writes it.
    y : str, Path or int
        A .npy file of shape (N,), or the number of the column of X that holds the target; -1 is the last.
    sample_weight : str, Path or None
        A .npy file of shape (N,), of weights at least 0.

    Attributes
    ----------
    n_rows, n_features : int

    Raises
    ------
    InvalidInput
        If a file cannot be read, holds no numbers, or the shapes do not fit.
    CorruptFile
        If a file is truncated or no .npy file.

    Examples
    --------
    >>> import numpy as np
    >>> from treadle.l1 import NpyRows
    >>> np.save("table.npy", [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    >>> rows = NpyRows("table.npy", y=-1)
    >>> rows.n_rows, rows.n_features
    (2, 2)
    """

    passes_per_sample = 0

    def __init__(
        self, X: str | Path, y: str | Path | int, *, sample_weight: str | Path | None = None
    ) -> None:
        self._states: list[FileState] = []
        self._rounded = RoundedColumns()
        self._source = str(X)
        self._table = self._mapped(X, 2)
        self.n_rows, n_columns = self._table.shape
        self._target: int | None = None
        if isinstance(y, int):
            if not -n_columns <= y < n_columns:
                raise InvalidInput(f"{X} has {n_columns} columns; got y = {y}: name one of them, or a file")
            self._target = y % n_columns
            self._y = self._table[:, self._target]
        else:
            self._y = self._mapped(y, 1)
        self._weight = None if sample_weight is None else self._mapped(sample_weight, 1)
        for name, array in (("y", self._y), ("sample_weight", self._weight)):
            if array is not None and len(array) != self.n_rows:
                raise InvalidInput(
                    f"X has {self.n_rows} rows and {name} {len(array)}; one entry a row is needed"
                )
        self.n_features = n_columns - (self._target is not None)
        if not self.n_rows or not self.n_features:
            raise InvalidInput(
                f"{X} is of shape {self._table.shape}; at least one row and one feature are needed"
            )

    def chunks(self) -> Iterator[Chunk]:
        """See ``Rows.chunks``; views, where the file holds floats.

        The target then is at an edge.
        """
        self._refuse_change()
        step = max(1, NUMBERS_PER_BLOCK // self._table.shape[1])
        for start in range(0, self.n_rows, step):
            yield self._chunk(np.arange(start, min(start + step, self.n_rows)), slice(start, start + step))
        self._refuse_change()

    def take(self, indices: NDArray[np.int64]) -> Chunk:
        """See ``Rows.take``."""
        self._refuse_change()
        return self._chunk(indices, indices)

    def total_weight(self) -> float:
        """See ``Rows.total_weight``."""
        return float(self.n_rows if self._weight is None else self._weight.sum(dtype=np.float64))

    def _chunk(self, indices: NDArray[np.int64], some: slice | NDArray[np.int64]) -> Chunk:
        X = self._table[some]
        t = self._target
        if t is None:
            y = self._y[some]
        else:
            y = X[:, t]
            if t == 0:
                X = X[:, 1:]
            elif t == self.n_features:
                X = X[:, :t]
            else:
                X = np.delete(X, t, axis=1)
        weight = None if self._weight is None else checked_weight(self._weight[some], indices)
        if X.dtype.kind in "iu" and X.dtype.itemsize == 8:
            for j, column in enumerate(X.T):
                self._rounded.look(self._source, f"feature {j}", column)
        self._rounded.look(self._source, "y", y)
        return Chunk(indices, as_floats(X), as_floats(y), weight)

    @property
    def is_rounded(self) -> bool:  # type: ignore[override]
        """Whether rounding to a double changed a number that was read."""
        return bool(self._rounded.names)

    def _mapped(self, path: str | Path, n_dimensions: int) -> Numbers:
        path = checked_path(path)
        self._states.append(FileState.of(path))
        try:
            with opened(path) as file:
                is_archive = file.read(4) == ZIP_MAGIC
                file.seek(0)
                array = None if is_archive else mapped(file)
        except OSError as error:
            raise InvalidInput(f"{path} cannot be read: {error.strerror or error}; check the path") from error
        except CorruptFile as error:
            raise CorruptFile(
                f"{path} is truncated or no .npy file: {error}; write it again with np.save"
            ) from error
        if array is None:
            raise InvalidInput(f"{path} is a .npz archive; save X and y in .npy files, which can be mapped")
        if array.ndim != n_dimensions or array.dtype.kind not in "biuf":
            shape = "(N, D)" if n_dimensions == 2 else "(N,)"
            raise InvalidInput(
                f"{path} must hold real numbers of shape {shape}; got {array.dtype} of shape {array.shape}"
            )
        # A plain view: slices of a memmap object take ten times as long.
        return array.view(np.ndarray)

    def _refuse_change(self) -> None:
        for state in self._states:
            state.refuse_change()
