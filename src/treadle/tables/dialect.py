"""Finds how a CSV file is written from its start: delimiter and columns' names.

Cells are told apart as a reader tells them, so that a delimiter or a line's end within quotes counts for
nothing. A delimiter is the one by which the most lines have as many cells as the first.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

from treadle.errors import CorruptFile, InvalidInput

DELIMITERS = (",", ";", "\t", "|", " ")  # the earlier one where two serve as well
LABELLED_BY = ("\t", " ")  # where R's write.table leaves the name of the labels out
IN_WORDS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars", " ": "blanks"}
ROWS_LOOKED_AT = 200
SEP_LINE = re.compile(r'"?sep=(?P<mark>[^\r\n"])"?[\t,;]*(?:\r\n|\n|\r)', re.IGNORECASE)  # Excel's own
DECIMAL_COMMA = re.compile(r"\s*[+-]?\d+,\d+\s*")


@dataclass(frozen=True)
class Dialect:
    """The way a CSV file is written: delimiter and names.

    Attributes
    ----------
    delimiter : str
    names : tuple of str
        Of the first line, stripped; "" where there is none.
    n_header_bytes : int
        Bytes before the first row.
    n_cells : int
        Cells of a row: as many as names, or one more or less where a row ends in a delimiter and the first
        line does not, or the other way round, or a row begins with a label that has no name.
    labelled : bool
        Whether rows begin with a label that the first line has no cell for, as R writes them.
    longest_line : int
        Characters, among those looked at.
    """

    delimiter: str
    names: tuple[str, ...]
    n_header_bytes: int
    n_cells: int
    labelled: bool
    longest_line: int


def sniff(head: str, *, whole: bool, what: str) -> Dialect:
    """Find the dialect of a file that begins with ``head``.

    Parameters
    ----------
    head : str
        The first part of the file, without byte-order mark.
    whole : bool
        Whether it is all of the file; else its last line may be cut.
    what : str
        How errors call the file.

    Raises
    ------
    InvalidInput
        If there is no line, or nothing that could be names.
    CorruptFile
        If a quotation mark of the first line is never closed.
    """
    start = len(head) - len(head.lstrip("\r\n \t"))
    # A line of blanks or tabs alone is none; blanks before a name are the name's.
    start = max(head.rfind("\n", 0, start), head.rfind("\r", 0, start)) + 1
    sep_line = SEP_LINE.match(head, start)
    if sep_line:
        start = sep_line.end()
    if not head[start:].strip():
        raise InvalidInput(f"{what} is empty; its first line must hold the names of the columns")
    candidates = (sep_line["mark"],) if sep_line else DELIMITERS
    readings = [_read(head[start:], mark, whole) for mark in candidates]
    best = max(readings, key=lambda reading: reading.rank)
    if best.unclosed:
        raise CorruptFile(
            f"{what} is no CSV: a quotation mark in its first line is never closed; save the table anew"
        )
    n_before = len(head[:start].encode())
    return replace(best.dialect, n_header_bytes=n_before + best.dialect.n_header_bytes)


@dataclass(frozen=True)
class _Reading:
    dialect: Dialect
    rank: tuple[float, ...]
    unclosed: bool


def _read(text: str, delimiter: str, whole: bool) -> _Reading:
    """Read the text by one delimiter, and rank how well that serves."""
    lines = io.StringIO(text, newline="")
    lengths: list[int] = []

    def counted() -> Iterator[str]:
        for line in lines:
            lengths.append(len(line))
            yield line

    reader = csv.reader(counted(), delimiter=delimiter)
    limit = csv.field_size_limit(len(text) + 1)  # a name may be as long as it likes
    try:
        header = next(reader, [])
        n_header = sum(lengths)
        rows = [row for row in islice(reader, ROWS_LOOKED_AT) if row]
    finally:
        csv.field_size_limit(limit)
    if not whole and len(rows) > 1 and lines.tell() == len(text):
        rows.pop()
    names = tuple(name.strip() for name in header)
    n_cells, labelled = _shape(names, rows, delimiter)
    share = sum(len(row) == n_cells for row in rows) / len(rows) if rows else 1.0
    first = text[:n_header]
    unclosed = first.count('"') % 2 == 1 and not rows and "\n" in first.rstrip("\r\n")
    in_prose = delimiter == "," and first.count(",") == first.count(", ")
    dialect = Dialect(delimiter, names, len(first.encode()), n_cells, labelled, max(lengths, default=0))
    return _Reading(dialect, _rank(delimiter, len(names), rows, share, in_prose=in_prose), unclosed)


def _shape(names: tuple[str, ...], rows: list[list[str]], delimiter: str) -> tuple[int, bool]:
    """Count a row's cells; say whether the first has no name."""
    n = len(names)
    if not rows or n == 0:
        return n, False
    if all(len(row) == n + 1 for row in rows):
        if all(row[-1].strip() == "" for row in rows):
            return n + 1, False
        if n > 1 and len(rows) > 1 and delimiter in LABELLED_BY and _counts([row[0] for row in rows]):
            return n + 1, True
    if n > 1 and names[-1] == "" and all(len(row) == n - 1 for row in rows):
        return n - 1, False
    return n, False


def _counts(labels: list[str]) -> bool:
    """Whether the labels are 0, 1, 2, ... or 1, 2, 3, ..."""
    return any(labels == [str(i + first) for i in range(len(labels))] for first in (0, 1))


def _rank(
    delimiter: str, n_names: int, rows: list[list[str]], share: float, *, in_prose: bool
) -> tuple[float, ...]:
    """Rank how well a delimiter serves, as a tuple to compare.

    3: it parts names and rows alike. 2: it parts them unlike. 1: it parts nothing. 0: it occurs where it
    parts nothing, as the comma ``in_prose`` of a name does.
    """
    blank = delimiter == " "
    if n_names > 1 and share > 0:
        return 3 - blank, share, n_names
    if rows and not blank:
        in_rows = 2 * sum(len(row) > 1 for row in rows) >= len(rows)
        decimals = (
            in_rows and n_names == 1 and all(DECIMAL_COMMA.fullmatch(delimiter.join(row)) for row in rows)
        )
        if (in_rows and not decimals) or (n_names > 1 and not in_prose):
            return 2, share, n_names
    return (1 if n_names == 1 and share > 0 else 0), share, 0


def check_names(dialect: Dialect, what: str) -> None:
    """Refuse a first line that holds numbers alone.

    Raises
    ------
    InvalidInput
        If each cell of the first line is a number.
    """
    if all(map(_is_number, dialect.names)):
        shown = ", ".join(repr(name[:40]) for name in dialect.names[:3])
        raise InvalidInput(
            f"{what}: the first line holds numbers, {shown}; it must hold the names of the columns"
        )


def _is_number(cell: str) -> bool:
    try:
        return "_" not in cell and float(cell.replace(",", ".")) is not None
    except ValueError:
        return False
