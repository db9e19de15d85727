"""Reads a column's cells as what its use wants: numbers, words or moments.

Whatever kind the column has in this table: the same feature may be whole numbers in one, decimals in the next
and text in a third.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import types

from treadle.choices import DecimalMark
from treadle.errors import InvalidInput
from treadle.messages import quoted, shortened
from treadle.tables.columns import Column
from treadle.tables.matrix import refuse_unusable
from treadle.tables.names import shown
from treadle.tables.numbers_in_text import is_undecided, written_numbers
from treadle.tables.numbers_in_text import number_cells as looks_like_number

NO_MOMENT = -(2**63)  # stands where a date is missing
LATEST = 2**62 - 1  # microseconds from 1970: 146 000 years, so that differences stay within 64 bits
DAY = 86_400_000_000  # microseconds
IN_MICROSECONDS = {"s": 1_000_000, "ms": 1000, "us": 1}


class Numbers(NamedTuple):
    """Cells as numbers; NaN where missing or none.

    ``n_words`` are the cells that hold something else, and ``word`` is the first of them.
    """

    values: NDArray[np.float64]
    n_words: int = 0
    word: str = ""


def as_numbers(
    column: Column,
    what: str,
    first_row: int = 1,
    *,
    allow_words: bool = False,
    mark: DecimalMark | None = None,
) -> Numbers:
    """Read cells as float64; NaN where missing. True is 1, a date its days since 1970.

    Parameters
    ----------
    column : Column
    what : str
        How errors call the table.
    first_row : int, default=1
        The number of the column's first row in the table.
    allow_words : bool, default=False
        Whether a cell that is no number counts as missing.
    mark : {".", ","}, optional
        The decimal mark of numbers among words.

    Raises
    ------
    InvalidInput
        If a cell is no number, with its row and column.
    """
    values = column.values
    if is_empty(column):
        return Numbers(np.full(len(values), np.nan))
    if column.kind == "number":
        return Numbers(_floats(values))
    if column.kind == "true/false":
        return Numbers(_floats(values.cast(pa.int8())))
    if column.kind == "date":
        moments = as_moments(column, what, first_row)
        return Numbers(np.where(moments == NO_MOMENT, np.nan, moments / DAY))
    if column.kind == "category" and allow_words:
        return _among_words(values, mark, column.name, what)
    raise _wrong(column, "number", what, first_row)


def as_words(column: Column, what: str, first_row: int = 1) -> pa.LargeStringArray:
    """Read cells as text; null where missing. 3.0 is "3", true is "true".

    Raises
    ------
    InvalidInput
        If it holds lists or the like.
    """
    values = column.values
    if column.kind == "category":
        return values
    if is_empty(column):
        return pa.nulls(len(values), pa.large_string())
    if column.kind == "true/false":
        return pc.if_else(values, pa.scalar("true", pa.large_string()), pa.scalar("false", pa.large_string()))
    if column.kind == "date":
        if types.is_timestamp(values.type):  # without a zone, which would be written at each
            values = values.cast(pa.timestamp("us"), safe=False)
        return values.cast(pa.large_string())
    if column.kind == "number":
        return values.cast(pa.large_string()) if types.is_integer(values.type) else _written(values)
    raise _wrong(column, "text", what, first_row)


def as_moments(column: Column, what: str, first_row: int = 1) -> NDArray[np.int64]:
    """Read dates and time stamps as microseconds since 1970; NO_MOMENT where missing.

    Raises
    ------
    InvalidInput
        If it holds none.
    """
    values = column.values
    if is_empty(column):
        return np.full(len(values), NO_MOMENT)
    if column.kind != "date":
        raise _wrong(column, "date", what, first_row)
    missing = values.is_null().to_numpy(zero_copy_only=False)
    if types.is_date32(values.type):
        days = values.view(pa.int32()).fill_null(0).to_numpy().astype(np.int64)
        moments = np.clip(days, -(LATEST // DAY), LATEST // DAY) * DAY
    else:
        counts = values.view(pa.int64()).fill_null(0).to_numpy()
        unit = values.type.unit
        if unit == "ns":
            moments = counts // 1000
        else:
            factor = IN_MICROSECONDS[unit]
            moments = np.clip(counts, -(LATEST // factor), LATEST // factor) * factor
    return np.where(missing, NO_MOMENT, moments)


def is_empty(column: Column) -> bool:
    """Say whether every cell is missing."""
    values = column.values
    if column.kind == "empty" or values.null_count == len(values):
        return True
    return types.is_floating(values.type) and bool(np.isnan(_floats(values)).all())


def _floats(values: pa.Array) -> NDArray[np.float64]:
    """Convert Arrow numbers to float64; NaN where null."""
    return np.asarray(values.to_numpy(zero_copy_only=False)).astype(np.float64, copy=False)


def _written(values: pa.Array) -> pa.LargeStringArray:
    """Write decimals; whole ones as whole numbers are."""
    numbers = _floats(values)
    whole = (np.floor(numbers) == numbers) & (np.abs(numbers) < 2.0**63)
    as_whole = pa.array(np.where(whole, numbers, 0).astype(np.int64)).cast(pa.large_string())
    if whole.all():
        return as_whole
    text = pa.array(numbers).cast(pa.large_string())
    text = pc.if_else(pa.array(np.isnan(numbers)), pa.scalar(None, pa.large_string()), text)
    return pc.if_else(pa.array(whole), as_whole, text)


def _among_words(values: pa.LargeStringArray, mark: DecimalMark | None, name: str, what: str) -> Numbers:
    """Read the cells that are numbers, of a column in which others are none."""
    encoded = values.dictionary_encode()
    texts = encoded.dictionary
    is_number = pc.fill_null(looks_like_number(texts), False)
    found = np.full(len(texts), np.nan)
    if pc.any(is_number).as_py():
        numbers = texts.filter(is_number)
        written = written_numbers(numbers)
        if written is not None:
            if mark is None and is_undecided(written):
                raise InvalidInput(
                    f"{what}: column {shown(name)} holds numbers such as {written.example!r}, whose comma "
                    "may be a decimal mark or part thousands: name the decimal mark (--decimal)"
                )
            used = mark if mark in written.marks else written.marks[0]
            found[is_number.to_numpy(zero_copy_only=False)] = _floats(written.values(used))
        else:  # some in one way and some in another: those that Python reads
            found[is_number.to_numpy(zero_copy_only=False)] = [_plain(text) for text in numbers.to_pylist()]
    places = encoded.indices.fill_null(len(texts)).to_numpy()
    cells = np.append(found, np.nan)[places]
    is_word = np.isnan(cells) & (places < len(texts))
    n_words = int(np.count_nonzero(is_word))
    word = texts[int(places[np.argmax(is_word)])].as_py() if n_words else ""
    return Numbers(cells, n_words, word)


def _plain(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return np.nan


def shown_cell(column: Column, row: int) -> str:
    """Write a cell for a message: text in quotes, a number or a date as such."""
    cell = replace(column, values=column.values.slice(row, 1))
    if column.kind == "other":
        return shortened(str(cell.values[0]), 40)
    word = as_words(cell, "")[0].as_py()
    return quoted(word, 40) if column.kind == "category" else str(word)


def _wrong(column: Column, wanted: str, what: str, first_row: int) -> InvalidInput:
    """Say which cell is not what the column's use needs."""
    values = column.values
    odd = pc.is_valid(values)
    if column.kind == "category" and wanted == "number":
        odd = pc.and_(odd, pc.invert(pc.fill_null(looks_like_number(values), False)))
    row = pc.index(odd, True).as_py()
    if row < 0 or (column.problem is not None and wanted != "number"):
        refuse_unusable(column, what)
        row = pc.index(pc.is_valid(values), True).as_py()
    return InvalidInput(
        f"{what}: row {first_row + row}, column {shown(column.name)} is {shown_cell(column, row)}, where "
        f"{'text' if wanted == 'text' else f'a {wanted}'} is needed: correct it, or take the column for "
        f"something else (--columns)"
    )
