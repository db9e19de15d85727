"""Reads CSV into an Arrow table of text, by pyarrow.

How the file is written, ``treadle.tables.dialect`` finds. Every cell stays the text that it is, blanks around
it included: what a column means is decided by all of it, in ``treadle.tables.columns``, by the same rules for
every format.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from treadle.errors import CorruptFile, InvalidInput, TreadleError
from treadle.tables.dialect import DELIMITERS, IN_WORDS, Dialect, check_names, sniff
from treadle.tables.memory_need import refuse_too_large
from treadle.tables.names import check_chosen, check_width
from treadle.tables.raw_table import RawTable, counts
from treadle.tables.text_stream import CHUNK, TextStream

HEAD, LONGEST_HEAD = 1 << 20, 1 << 26
LINES_PER_BLOCK = 32  # at least: each block is an Arrow array for each column
LARGEST_BLOCK = 1 << 28
BY_INDEX = "the first column has no name, as labels of rows have none"


def read_csv(stream: TextStream, what: str, columns: Sequence[str] | None = None) -> RawTable:
    """Read a CSV file.

    Parameters
    ----------
    stream : TextStream
    what : str
        How errors call the file.
    columns : sequence of str, optional
        Which to keep. None: all.

    Raises
    ------
    InvalidInput
        If names are missing, there twice or not there, or a row has another number of cells.
    CorruptFile
        If a quotation mark is never closed, or the text is none.
    """
    dialect = _dialect(stream, what)
    check_width(len(dialect.names), what)
    check_names(dialect, what)
    names = list(dialect.names)
    if dialect.labelled:
        names.insert(0, "")
    names += [""] * (dialect.n_cells - len(names))
    places = list(range(dialect.n_cells))
    named = {name: i for i, name in enumerate(names[: dialect.n_cells]) if name}
    unnamed = [i for i in places if not names[i]]
    if not named:
        raise InvalidInput(f"{what} is empty; its first line must hold the names of the columns")
    wanted = check_chosen(what, [name for name in names if name], columns)
    stream.skip(dialect.n_header_bytes)
    kept = [named[name] for name in wanted] + unnamed
    refuse_too_large(stream.n_file_bytes * len(kept) // dialect.n_cells, what)
    table = _parsed(stream, dialect, kept, what)
    _refuse_unclosed(stream, table, what)
    left_out = _nameless(table, dialect, unnamed, what)
    how = {"format": "CSV", "encoding": stream.encoding.upper(), "delimiter": dialect.delimiter}
    raw = {name: table.column(str(named[name])) for name in wanted}
    return RawTable(raw, table.num_rows, left_out, how)


def _dialect(stream: TextStream, what: str) -> Dialect:
    """Find the dialect from the first megabyte, or the whole first line."""
    n = HEAD
    while True:
        head = stream.head(n)
        whole = len(head.encode()) < n
        line = head.lstrip("\r\n").split("\n", 1)[0].split("\r", 1)[0]
        check_width(max(line.count(mark) for mark in DELIMITERS if mark != " "), what)
        if len(line) >= HEAD and len(line) == len(head.strip("\r\n")):  # nothing after it
            if whole or n >= LONGEST_HEAD:
                raise InvalidInput(
                    f"{what}: its first line does not end within {len(line) >> 20} MiB; it must hold "
                    "the names of the columns"
                )
            n *= 8
            continue
        dialect = sniff(head, whole=whole, what=what)
        if whole or dialect.n_header_bytes + 4 * dialect.longest_line < n:
            return dialect
        if n >= LONGEST_HEAD:
            raise InvalidInput(
                f"{what}: its first lines are longer than {LONGEST_HEAD >> 20} MiB; is a quotation mark "
                "never closed?"
            )
        n *= 8


def _parsed(stream: TextStream, dialect: Dialect, kept: list[int], what: str) -> pa.Table:
    """Parse the kept columns, named by their positions."""
    names = [str(i) for i in range(dialect.n_cells)]
    kept_names = [str(i) for i in kept]
    block = min(max(CHUNK, LINES_PER_BLOCK * dialect.longest_line), LARGEST_BLOCK)
    bad: list[csv.InvalidRow] = []

    def seen(row: csv.InvalidRow) -> str:
        bad.append(row)
        return "error"

    nothing = pa.table({name: pa.array([], pa.large_string()) for name in kept_names})
    if stream.at_end():
        return nothing
    try:
        return csv.read_csv(
            pa.PythonFile(stream, mode="r"),
            # One thread alone counts rows, for messages; parsing is not what takes the time.
            csv.ReadOptions(column_names=names, block_size=block, use_threads=False),
            csv.ParseOptions(delimiter=dialect.delimiter, newlines_in_values=True, invalid_row_handler=seen),
            csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.large_string()),
                include_columns=kept_names,
                strings_can_be_null=False,
                null_values=[],
                check_utf8=False,  # the stream has
            ),
        )
    except pa.ArrowInvalid as error:
        if bad:
            raise _uneven(bad[-1], dialect, what) from error
        if "Empty CSV" in str(error):  # blank lines alone
            return nothing
        if "straddling" in str(error) or "block" in str(error):
            raise CorruptFile(
                f"{what} is no CSV: a row is longer than {block >> 20} MiB; is a quotation mark never closed?"
            ) from error
        raise CorruptFile(f"{what} is no CSV: {str(error)[:200]}; save the table anew") from error


def _uneven(row: csv.InvalidRow, dialect: Dialect, what: str) -> TreadleError:
    n_names = len([name for name in dialect.names if name])
    if row.text.count('"') % 2:
        return CorruptFile(
            f"{what} is no CSV: in row {row.number} a quotation mark is opened and never closed; close it, "
            "or leave it out"
        )
    cells = "1 cell" if row.actual_columns == 1 else f"{row.actual_columns} cells"
    columns = "1 column" if n_names == 1 else f"{n_names} columns"
    if row.actual_columns < dialect.n_cells:
        remedy = "if it is a remark or a sum, delete it"
    elif n_names == 1:
        remedy = "if lines stand above the names of the columns, delete them"
    else:
        remedy = (
            "if there is a delimiter within a cell, put the cell in quotes; if lines stand above the names, "
            "delete them"
        )
    return InvalidInput(
        f"{what}: row {row.number} has {cells}, where the first line names {columns}; cells are parted by "
        f"{IN_WORDS.get(dialect.delimiter, repr(dialect.delimiter))}: {remedy}"
    )


def _refuse_unclosed(stream: TextStream, table: pa.Table, what: str) -> None:
    """Refuse a file that ends within quotes.

    What is after the last one opened would be one cell.
    """
    if stream.n_quotes % 2 == 0 or table.num_rows == 0:
        return
    last_row = table.slice(table.num_rows - 1).to_pylist()[0]
    end = stream.tail.rstrip(b"\r\n")
    for cell in last_row.values():
        text = cell.rstrip("\r\n")
        quoted = b'"' + text.replace('"', '""').encode()
        if "\n" in cell or len(quoted) > len(end) or end.endswith(quoted):
            raise CorruptFile(
                f"{what} is no CSV: it ends within a cell in quotes, which row {table.num_rows} opens; close "
                "the quotation mark, or get the file again"
            )


def _nameless(table: pa.Table, dialect: Dialect, unnamed: list[int], what: str) -> dict[str, str]:
    """Say why each column without a name is left out.

    Raises
    ------
    InvalidInput
        If it holds anything, and is not the first one.
    """
    left_out = {}
    for i in unnamed:
        cells = table.column(str(i))
        filled = pc.not_equal(pc.utf8_trim_whitespace(cells), "")
        name = f"column {i + 1}, without a name"
        if not pc.any(filled).as_py():
            left_out[name] = "every cell is empty"
        elif i == 0 and (not dialect.labelled or counts(cells)):
            left_out[name] = BY_INDEX
        elif i < len(dialect.names) and not dialect.labelled:
            raise InvalidInput(f"{what}: column {i + 1} has no name; give it one in the first line")
        else:
            row = pc.index(filled, True).as_py() + 1
            n = len(dialect.names)
            raise InvalidInput(
                f"{what}: row {row} has {dialect.n_cells} cells, where the first line names {n} columns; "
                "name each column in the first line"
            )
    return left_out
