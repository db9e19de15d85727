"""Tables of numbers: a CSV file, plain or gzipped, or a Parquet file, into named columns of float64.

A column is taken whole or not at all: a cell that is missing, no number or not finite is refused with its row
and column, never filled, skipped or guessed. A column without a single number is text, and left out when no
columns are asked for by name; its name is kept, so that a command can say so.

CSV is read with Python's own csv module (see docs/decisions/0011-tables.md); Parquet needs pyarrow. Which of
them a file is, its first bytes say, not its name.
"""

from __future__ import annotations

import csv
import gzip
import io
import math
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from treadle.data.expansion import check_expansion
from treadle.errors import CorruptFile, InvalidInput, MissingDependency

PARQUET_MAGIC, GZIP_MAGIC = b"PAR1", b"\x1f\x8b"
DELIMITERS = ",;\t"
BLOCK_ROWS = 1 << 14  # rows of text in memory at a time
MISSING = ("", "na", "n/a", "nan", "null", "none", ".", "?", "-")  # as people write it, in lower case
REMEDY = "fill it or delete the row, or leave the column out by naming those to use"


@dataclass(frozen=True)
class Table:
    """Columns of one length, by name.

    Attributes
    ----------
    columns : dict of str to ndarray of shape (N,), float64
        Finite numbers, in the file's order.
    text_columns : tuple of str
        The columns left out because none of their cells is a number.
    """

    columns: dict[str, NDArray[np.float64]]
    text_columns: tuple[str, ...] = ()

    def __len__(self) -> int:
        """N, the number of rows."""
        return len(next(iter(self.columns.values()), ()))

    def matrix(self, names: Sequence[str]) -> NDArray[np.float64]:
        """The named columns side by side, of shape (N, len(names)), in Fortran order."""
        X = np.empty((len(self), len(names)), order="F")
        for j, name in enumerate(names):
            X[:, j] = self.columns[name]
        return X


def read_table(path: str | Path, columns: Sequence[str] | None = None) -> Table:
    """Read a table.

    Parameters
    ----------
    path : str or Path
        A CSV file, plain or gzipped: UTF-8, the names of the columns in its first line, cells apart by
        commas, semicolons or tabs, numbers as Python's float reads them. Or a Parquet file: integers,
        floats, booleans and decimals.
    columns : sequence of str, optional
        Which to read. None: all that hold numbers.

    Raises
    ------
    InvalidInput
        If the file cannot be read, has no row, lacks a column, or has a cell in one that is missing, no
        number or not finite.
    CorruptFile
        If it is damaged, or no table.
    MissingDependency
        If it is Parquet and pyarrow is not installed.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}; check the path") from error
    table = _read_parquet(path, columns) if magic == PARQUET_MAGIC else _read_csv(path, columns, magic)
    if not table.columns:
        raise InvalidInput(f"{path} has no column of numbers; it has {_listed(table.text_columns)}")
    if len(table) == 0:
        raise InvalidInput(f"{path} has names of columns but no row; at least one is needed")
    return table


def chosen_columns(path: Path, there: Sequence[str], columns: Sequence[str] | None) -> Sequence[str]:
    """The columns to read of those that are there; InvalidInput for one that is not, or is there twice."""
    if twice := _twice(there):
        raise InvalidInput(f"{path} has two columns named {twice!r}; give each a name of its own")
    if columns is None:
        return there
    for name in columns:
        if name not in there:
            raise InvalidInput(f"{path} has no column {name!r}; it has {_listed(there)}")
    if twice := _twice(columns):
        raise InvalidInput(f"the column {twice!r} was named twice; name it once")
    return columns


def _twice(names: Sequence[str]) -> str | None:
    return next((name for i, name in enumerate(names) if name in names[:i]), None)


def _listed(names: Sequence[str], at_most: int = 20) -> str:
    shown = ", ".join(repr(name) for name in names[:at_most])
    return f"{shown} and {len(names) - at_most} more" if len(names) > at_most else shown or "none"


def _refuse_cell(path: Path, row: int, name: str, cell: str) -> InvalidInput:
    if cell.strip().lower() in MISSING:
        what = f"is missing (it holds {cell!r})" if cell else "is missing"
    else:
        what = f"is {cell[:40]!r}, which is no finite number"
    return InvalidInput(f"{path}: row {row}, column {name!r} {what}; {REMEDY}")


# CSV


@dataclass
class _Column:
    """A column as it grows, block by block; ``bad`` is its first cell without a number: row and text."""

    name: str
    blocks: list[NDArray[np.float64]] = field(default_factory=list)
    bad: tuple[int, str] | None = None


def _read_csv(path: Path, columns: Sequence[str] | None, magic: bytes) -> Table:
    size = path.stat().st_size
    try:
        with path.open("rb") as raw:
            packed = magic[:2] == GZIP_MAGIC
            stream = io.BufferedReader(_Inflating(raw, str(path), size)) if packed else raw
            with io.TextIOWrapper(stream, encoding="utf-8-sig", newline="") as text:
                return _parse_csv(path, text, columns)
    except UnicodeDecodeError as error:
        raise CorruptFile(f"{path} is no text in UTF-8: {error.reason}; save the table as CSV") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise CorruptFile(f"{path} is a damaged gzip file: {error}; get it again") from error
    except csv.Error as error:
        raise CorruptFile(f"{path} is no CSV: {error}; save the table anew") from error
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}; check the path") from error


def _parse_csv(path: Path, text: io.TextIOWrapper, columns: Sequence[str] | None) -> Table:
    first = text.readline(1 << 20)
    delimiter = max(DELIMITERS, key=first.count)
    header = next(csv.reader([first], delimiter=delimiter, strict=True), [])
    names = [name.strip() for name in header]
    if not any(names):
        raise InvalidInput(f"{path} is empty; its first line must hold the names of the columns")
    if "" in names:
        raise InvalidInput(f"{path}: column {names.index('') + 1} has no name; give it one in the first line")
    if all(_is_number(name) for name in names):
        raise InvalidInput(
            f"{path}: the first line holds numbers, {_listed(names, 3)}; it must hold the names of the "
            "columns"
        )
    wanted = chosen_columns(path, names, columns)
    growing = {name: _Column(name) for name in wanted}
    rows = (row for row in csv.reader(text, delimiter=delimiter, strict=True) if row)  # blank lines are none
    n_rows = 0
    for block in _blocks(path, rows, len(names)):
        for name, column in growing.items():
            cells = list(map(itemgetter(names.index(name)), block))
            _grow(path, column, cells, n_rows, may_be_text=columns is None)
        n_rows += len(block)
    numeric = {
        name: np.concatenate([np.empty(0), *column.blocks])
        for name, column in growing.items()
        if column.bad is None
    }
    return Table(numeric, tuple(name for name in wanted if name not in numeric))


def _blocks(path: Path, rows: Iterable[list[str]], width: int) -> Iterator[list[list[str]]]:
    rows, n_before = iter(rows), 0
    while block := list(islice(rows, BLOCK_ROWS)):
        if set(map(len, block)) != {width}:
            i = next(i for i, row in enumerate(block) if len(row) != width)
            raise InvalidInput(
                f"{path}: row {n_before + i + 1} has {len(block[i])} cells, where the first line names "
                f"{width} columns; is there a delimiter within a cell? Then put the cell in quotes"
            )
        yield block
        n_before += len(block)


def _grow(path: Path, column: _Column, cells: list[str], n_before: int, *, may_be_text: bool) -> None:
    """Append a block's numbers; InvalidInput at a cell that is none, unless the whole column may be text."""
    if column.bad is None:
        try:
            values = np.array(list(map(_number, cells)))
        except ValueError:
            i = next(i for i, cell in enumerate(cells) if not _is_number(cell))
            column.bad = (n_before + i + 1, cells[i])
            if "\0" in cells[i]:
                raise CorruptFile(f"{path} is no text: row {n_before + i + 1} holds a zero byte") from None
        else:
            if not np.isfinite(values).all():
                i = int(np.argmin(np.isfinite(values)))
                raise _refuse_cell(path, n_before + i + 1, column.name, cells[i])
            column.blocks.append(values)
            return
    if not may_be_text or column.blocks or any(map(_is_number, cells)):
        row, cell = column.bad
        raise _refuse_cell(path, row, column.name, cell)


def _number(cell: str) -> float:
    """As Python's float reads it, but for the underscores that it would skip."""
    if "_" in cell:
        raise ValueError(cell)
    return float(cell)


def _is_number(cell: str) -> bool:
    try:
        return not math.isnan(_number(cell))
    except ValueError:
        return False


class _Inflating(io.RawIOBase):
    """A gzip file as it is inflated; CorruptFile where it grows as only a decompression bomb does."""

    def __init__(self, raw: Any, what: str, n_compressed: int) -> None:
        self._gzip = gzip.GzipFile(fileobj=raw)
        self._what, self._n_compressed, self._n_bytes = what, n_compressed, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._gzip.read(len(buffer))
        buffer[: len(data)] = data
        self._n_bytes += len(data)
        check_expansion(self._what, self._n_bytes, self._n_compressed)
        return len(data)


# Parquet


def _read_parquet(path: Path, columns: Sequence[str] | None) -> Table:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise MissingDependency(
            f"{path} is a Parquet file, which needs pyarrow: pip install 'treadle[tables]', or save it as CSV"
        ) from error
    try:
        with pq.ParquetFile(path) as file:
            wanted = chosen_columns(path, file.schema_arrow.names, columns)
            numeric: dict[str, NDArray[np.float64]] = {}
            for name in wanted:
                if is_numeric(file.schema_arrow.field(name).type):
                    values = numeric_column(file.read(columns=[name]).column(0), path, name)
                    numeric[name] = values
                elif columns is not None:
                    raise InvalidInput(
                        f"{path}: column {name!r} holds {file.schema_arrow.field(name).type}, no numbers; "
                        "name columns of numbers"
                    )
    except (pa.ArrowException, OSError) as error:
        raise CorruptFile(f"{path} is a damaged Parquet file: {error}; get it again") from error
    return Table(numeric, tuple(name for name in wanted if name not in numeric))


def is_numeric(arrow_type: Any) -> bool:
    """Whether a column of this Arrow type is one of numbers: integers, floats, booleans, decimals."""
    from pyarrow import types

    kinds = (types.is_integer, types.is_floating, types.is_boolean, types.is_decimal)
    return any(kind(arrow_type) for kind in kinds)


def numeric_column(column: Any, path: Path, name: str, first_row: int = 1) -> NDArray[np.float64]:
    """An Arrow array of numbers as float64; InvalidInput at a null, NaN or infinity, with its row.

    Parameters
    ----------
    column : pyarrow.Array or pyarrow.ChunkedArray
        Of a type that ``is_numeric`` allows.
    path, name
        How errors call the file and the column.
    first_row : int, default=1
        The number of the array's first row in the file.

    Returns
    -------
    ndarray of shape (N,), float64
    """
    import pyarrow as pa

    numbers = column.cast(pa.float64(), safe=False)
    values = np.asarray(numbers.to_numpy(zero_copy_only=False) if isinstance(numbers, pa.Array) else numbers)
    if not np.isfinite(values).all():
        i = int(np.argmin(np.isfinite(values)))
        cell = column[i].as_py()
        raise _refuse_cell(path, first_row + i, name, "" if cell is None else str(cell))
    return values
