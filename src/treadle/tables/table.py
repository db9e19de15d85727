"""Reads a file or a frame into a table of understood columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from treadle.choices import DecimalMark
from treadle.errors import InvalidInput
from treadle.files import opened
from treadle.tables.arrow_files import raw_of_arrow, read_feather, read_parquet
from treadle.tables.columns import Column, understand
from treadle.tables.csv_table import read_csv
from treadle.tables.formats import N_MAGIC_BYTES, magic_format, text_format
from treadle.tables.json_lines import read_json_lines
from treadle.tables.memory_need import memory_errors_explained
from treadle.tables.raw_table import RawTable, counts
from treadle.tables.reading import Reading
from treadle.tables.text_stream import TextStream

TEXT_HEAD = 1 << 16
SAVED_INDEX = ("Unnamed: 0", "Unnamed: 0.1", "__index_level_0__")  # as pandas calls one


@dataclass(frozen=True)
class Table:
    """Columns of one length, by name, each with its kind.

    Attributes
    ----------
    source : str
        How messages call it.
    n_rows : int
    columns : dict of str to Column
        In the file's order, or in the order requested.
    left_out : dict of str to str
        Columns that were left out in reading, and why.
    how : dict of str to str
        How a file was read: format, encoding, delimiter.
    reading : Reading
        How text was read, for other tables of the same columns.

    Examples
    --------
    >>> import pandas as pd
    >>> from treadle.tables import read_table
    >>> table = read_table(pd.DataFrame({"city": ["Bonn", "Ulm"], "price": [950, 1200]}))
    >>> {name: column.kind for name, column in table.columns.items()}
    {'city': 'category', 'price': 'number'}
    """

    source: str
    n_rows: int
    columns: dict[str, Column]
    left_out: dict[str, str] = field(default_factory=dict)
    how: dict[str, str] = field(default_factory=dict)
    reading: Reading = field(default_factory=Reading)

    def __len__(self) -> int:
        """Return N, the number of rows."""
        return self.n_rows

    def take(self, rows: NDArray[np.integer]) -> Table:
        """Return the table of those rows, by their numbers from 0; they are counted anew."""
        return self._of_parts(len(rows), lambda values: values.take(pa.array(rows, pa.int64())))

    def slice(self, first: int, n_rows: int) -> Table:
        """Return the table of ``n_rows`` rows from the row ``first`` on, from 0; nothing is copied."""
        n_rows = max(0, min(n_rows, self.n_rows - first))
        return self._of_parts(n_rows, lambda values: values.slice(first, n_rows))

    def _of_parts(self, n_rows: int, part: Callable[[pa.Array], pa.Array]) -> Table:
        columns = {
            name: replace(column, values=part(column.values), problem_row=None)
            for name, column in self.columns.items()
        }
        return replace(self, n_rows=n_rows, columns=columns)


def read_table(
    source: object,
    columns: Sequence[str] | None = None,
    *,
    decimal: DecimalMark | None = None,
    encoding: str | None = None,
    like: Reading | None = None,
) -> Table:
    """Read a table from a file or a frame.

    Parameters
    ----------
    source : str, Path, or an object with ``__arrow_c_stream__``
        A CSV file, plain or gzipped, with the names of the columns in its first line; a Parquet or Feather
        file; JSON lines. Which of them it is, its first bytes say. Or a frame of pandas, polars, pyarrow,
        DuckDB, or whatever speaks the Arrow PyCapsule protocol.
    columns : sequence of str, optional
        Which to read. None: all.
    decimal : {".", ","}, optional
        The decimal mark of numbers that are text. None: what the cells say.
    encoding : str, optional
        Of a text file without a byte-order mark. None: UTF-8.
    like : Reading, optional
        How text is to be read where another table says it, as ``Table.reading`` of that does.

    Returns
    -------
    Table

    Raises
    ------
    InvalidInput
        If the file cannot be read, is no table, has no row or no such column, or does not fit in memory.
    CorruptFile
        If it is damaged.

    Examples
    --------
    >>> import pandas as pd
    >>> from treadle.tables import read_table
    >>> table = read_table(pd.DataFrame({"price": ["$ 1,200", "$ 950"], "city": ["Bonn", "Ulm"]}))
    >>> table.columns["price"].values.to_pylist(), table.columns["price"].kind
    ([1200, 950], 'number')
    >>> table.columns["city"].kind
    'category'
    """
    if decimal not in (None, ".", ","):
        raise InvalidInput(f"the decimal mark must be a point or a comma; got {str(decimal)[:20]!r}")
    if columns is not None:
        columns = list(columns)
    what = str(source) if isinstance(source, str | Path) else f"the {type(source).__name__}"
    with memory_errors_explained(what):
        if isinstance(source, str | Path):
            raw = _read_file(source, what, columns, encoding)
        else:
            raw = _read_frame(source, what, columns)
        return _understood(raw, what, columns, decimal, like)


def _understood(
    raw: RawTable,
    what: str,
    columns: Sequence[str] | None,
    decimal: DecimalMark | None,
    like: Reading | None,
) -> Table:
    if not raw.columns and not raw.left_out:
        raise InvalidInput(f"{what} has no columns; at least one is needed")
    if raw.n_rows == 0:
        raise InvalidInput(f"{what} has names of columns but no row; at least one is needed")
    left_out = dict(raw.left_out)
    for name in SAVED_INDEX:
        if columns is None and name in raw.columns and counts(raw.columns[name]):
            raw.columns.pop(name)
            left_out[name] = "it counts the rows, as a saved index does"
    found, reading = understand(
        raw.columns,
        what,
        delimiter=raw.how.get("delimiter"),
        decimal=decimal,
        like=like,
        coded=raw.coded,
    )
    return Table(what, raw.n_rows, found, left_out, raw.how, reading)


def _read_file(path: str | Path, what: str, columns: Sequence[str] | None, encoding: str | None) -> RawTable:
    with _opened(path, what) as file:
        kind = magic_format(file.read(N_MAGIC_BYTES), what)
        file.seek(0)
        if kind == "Parquet":
            return read_parquet(file, what, columns)
        if kind == "Feather":
            return read_feather(file, what, columns)
        stream = TextStream(file, what, encoding)
        if text_format(stream.head(TEXT_HEAD), what) == "JSON lines":
            return read_json_lines(stream, what, columns)
        return read_csv(stream, what, columns)


@contextmanager
def _opened(path: str | Path, what: str) -> Iterator[BinaryIO]:
    """Open the file; InvalidInput if the operating system refuses."""
    try:
        with opened(path) as file:
            yield file
    except OSError as error:
        if error.errno is None:
            raise
        raise InvalidInput(f"{what} cannot be read: {error.strerror}; check the path") from error


def _read_frame(frame: object, what: str, columns: Sequence[str] | None) -> RawTable:
    if not hasattr(frame, "__arrow_c_stream__"):
        raise InvalidInput(
            f"{what} is neither a path nor a table; pass a frame of pandas, polars, pyarrow or DuckDB, or "
            "the path of a file"
        )
    try:
        table = pa.table(frame)
        table.validate(full=True)
    except (pa.ArrowException, TypeError, ValueError) as error:
        if isinstance(error, MemoryError):
            raise
        raise InvalidInput(
            f"{what} cannot be passed on as Arrow: {' '.join(str(error).split())[:200]}; give each column "
            "values of one type"
        ) from error
    return raw_of_arrow(table, what, columns, "frame")
