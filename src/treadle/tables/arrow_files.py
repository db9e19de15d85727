"""Reads Parquet and Feather files by pyarrow; tells damage from a lack of memory."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO

import pyarrow as pa
from pyarrow import ipc, types
from pyarrow import parquet as pq

from treadle.data.expansion import check_expansion
from treadle.errors import CorruptFile, InvalidInput, TreadleError
from treadle.tables.arrow_need import refuse_bombs
from treadle.tables.memory_need import refuse_too_large
from treadle.tables.names import check_chosen, check_width
from treadle.tables.raw_table import RawTable
from treadle.tables.text_stream import FREE_BYTES

PANDAS_INDEX = re.compile(r"__index_level_\d+__")


def read_parquet(file: BinaryIO, what: str, columns: Sequence[str] | None = None) -> RawTable:
    """Read a Parquet file; page checksums are verified where there are some.

    Parameters
    ----------
    file : binary file
    what : str
        How errors call it.
    columns : sequence of str, optional
        Which to read. None: all.

    Raises
    ------
    InvalidInput
        If a column is not there, or there twice, or they do not fit in memory.
    CorruptFile
        If the file is damaged.
    """
    with damage_explained(what, "is a damaged Parquet file, or none"):
        with pq.ParquetFile(file) as parquet:
            schema = parquet.schema_arrow
            check_width(len(schema.names), what)
            wanted = list(check_chosen(what, schema.names, columns))
            _refuse_parquet_bombs(parquet, len(wanted), file.seek(0, 2), what)
        # Text stays in its dictionary's codes: one repeated a million times is refused before it is copied.
        texts = [name for name in wanted if _is_text(schema.field(name).type)]
        with pq.ParquetFile(file, read_dictionary=texts, page_checksum_verification=True) as parquet:
            table = parquet.read(columns=wanted, use_threads=True)
        table.validate(full=True)
    return _raw(table, wanted, "Parquet", schema)


def read_feather(file: BinaryIO, what: str, columns: Sequence[str] | None = None) -> RawTable:
    """Read a Feather file, which is an Arrow file.

    Arguments and errors are those of ``read_parquet``.
    """
    with damage_explained(what, "is a damaged Feather file"):
        with _feather(file) as reader:
            schema = reader.schema
        check_width(len(schema.names), what)
        wanted = list(check_chosen(what, schema.names, columns))
        places = [schema.names.index(name) for name in wanted]
        table = pa.table({})
        if places:
            refuse_bombs(file, schema, places, what)
            with _feather(file, places) as reader:
                table = reader.read_all()
        table.validate(full=True)
    return _raw(table, wanted, "Feather", table.schema)


def _feather(file: BinaryIO, places: list[int] | None = None) -> ipc.RecordBatchFileReader:
    file.seek(0)
    options = ipc.IpcReadOptions(included_fields=places)
    return ipc.open_file(pa.PythonFile(file, mode="r"), options=options)


def raw_of_arrow(table: pa.Table, what: str, columns: Sequence[str] | None, kind: str) -> RawTable:
    """Return a pyarrow.Table as a raw table.

    Raises
    ------
    InvalidInput
        If a column is not there, or there twice.
    """
    check_width(table.num_columns, what)
    return _raw(table, list(check_chosen(what, table.column_names, columns)), kind, table.schema)


def _raw(table: pa.Table, wanted: list[str], kind: str, schema: pa.Schema) -> RawTable:
    """Make a raw table; ``schema`` has the types of whoever wrote it."""
    left_out = {name: "the index of a data frame" for name in wanted if PANDAS_INDEX.fullmatch(name)}
    raw = {name: table.column(name) for name in wanted if name not in left_out}
    coded = frozenset(name for name in raw if types.is_dictionary(schema.field(name).type))
    return RawTable(raw, table.num_rows, left_out, {"format": kind}, coded)


def _is_text(kind: pa.DataType) -> bool:
    return bool(types.is_string(kind) or types.is_large_string(kind))


def _refuse_parquet_bombs(file: pq.ParquetFile, n_wanted: int, n_file_bytes: int, what: str) -> None:
    """Refuse a file whose metadata promise more than rows need or memory holds.

    In memory a number takes 8 bytes twice, in Arrow and in a matrix. The metadata of single columns are not
    read: where they are damaged, pyarrow aborts the process.
    """
    metadata = file.metadata
    groups = (metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
    stored = sum(max(size, 0) for size in groups)
    promised = 16 * metadata.num_rows
    beyond = stored - promised * metadata.num_columns
    check_expansion(what, beyond, n_file_bytes, free_bytes=FREE_BYTES)
    refuse_too_large(max(promised * n_wanted, stored * n_wanted // max(1, metadata.num_columns)), what)


@contextmanager
def damage_explained(what: str, fault: str) -> Iterator[None]:
    """Raise CorruptFile where pyarrow finds damage, but not for lack of memory."""
    try:
        yield
    except (MemoryError, TreadleError):
        raise
    except (pa.ArrowException, OSError, ValueError, UnicodeError) as error:
        if isinstance(error, OSError) and error.errno:
            raise InvalidInput(f"{what} cannot be read: {error.strerror}; check the path") from error
        raise CorruptFile(f"{what} {fault}: {_in_words(error)}; get it again") from error


def _in_words(error: Exception) -> str:
    """Return pyarrow's message on one line, cut to 200 characters."""
    return " ".join(str(error).split())[:200]
