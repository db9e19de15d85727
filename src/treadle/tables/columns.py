"""Decides what each column is: numbers, true/false, dates or categories.

Its type and its content say it. All formats end here, so that the same values are the same column from each:
text of numbers is numbers, a category's codes are what they stand for, a null and NaN are both missing.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pyarrow as pa
from pyarrow import types

from treadle.choices import DateOrder, DecimalMark
from treadle.tables.reading import Reading
from treadle.tables.storage import plain_array
from treadle.tables.text_columns import TextColumn, Understood, decimal_mark, has_marks

Kind = Literal["number", "true/false", "date", "category", "empty", "other"]
UNITS = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}


@dataclass(frozen=True)
class Column:
    """A column and its kind.

    Attributes
    ----------
    name : str
    kind : {"number", "true/false", "date", "category", "empty", "other"}
        "other" is what no column of a regression can be, such as lists.
    reason : str
        Why it was taken for that.
    values : pyarrow.Array
        int8 to uint64 or float16 to float64; bool; date32 or timestamp; large_string. Null, or NaN, where
        missing.
    problem : str or None
        Why it cannot be used as it is; None if it can.
    problem_row : int or None
        The row that shows it, from 1.
    coded : bool
        Whether it is stored as codes of categories.
    date_order : {"year, month, day", "day, month, year", "month, day, year"} or None
        Of dates that are text.

    Examples
    --------
    >>> import pandas as pd
    >>> from treadle.tables import read_table
    >>> column = read_table(pd.DataFrame({"sold": ["2024-05-01", "2024-06-01"]})).columns["sold"]
    >>> column.kind, column.problem
    ('date', None)
    """

    name: str
    kind: Kind
    reason: str
    values: pa.Array
    problem: str | None = None
    problem_row: int | None = None
    coded: bool = False
    date_order: DateOrder | None = None


def understand(
    columns: dict[str, pa.ChunkedArray],
    what: str,
    *,
    delimiter: str | None,
    decimal: DecimalMark | None,
    like: Reading | None = None,
    coded: Collection[str] = (),
) -> tuple[dict[str, Column], Reading]:
    """Determine each column's kind from its type and content.

    Parameters
    ----------
    columns : dict of str to pyarrow.ChunkedArray
        It is emptied on the way, so that memory holds each column once.
    what : str
        How errors call the file.
    delimiter : str or None
        Of a CSV file; None for another format.
    decimal : {".", ","} or None
        The decimal mark of numbers in text. None: what the cells say.
    like : Reading, optional
        How text is to be read where that is known.
    coded : collection of str, optional
        Columns that are stored as codes of categories.

    Returns
    -------
    dict of str to Column, Reading
        The columns, and how their text was read.
    """
    like = like or Reading()
    decimal = decimal or like.decimal
    found = {name: _by_type(name, plain_array(columns.pop(name), what)) for name in list(columns)}
    texts = {name: column for name, column in found.items() if isinstance(column, TextColumn)}
    numbers = [column for name, column in texts.items() if name not in like.text]
    mark = decimal or decimal_mark(numbers, delimiter)
    understood = {
        name: column.as_text()
        if name in like.text
        else column.understood(mark, forced=decimal is not None, date_order=like.dates.get(name))
        for name, column in texts.items()
    }
    columns_found = {
        name: _of_text(name, understood[name]) if isinstance(column, TextColumn) else column
        for name, column in found.items()
    }
    reading = Reading(
        decimal or (mark if has_marks(numbers) else None),
        like.text,
        dict(like.dates)
        | {name: text.date_order for name, text in understood.items() if text.date_order is not None},
    )
    return {
        name: replace(column, coded=True) if name in coded else column
        for name, column in columns_found.items()
    }, reading


def _of_text(name: str, text: Understood) -> Column:
    return Column(
        name, text.kind, text.reason, text.values, text.problem, text.problem_row, date_order=text.date_order
    )


def _is_all_nan(values: pa.Array) -> bool:
    return types.is_floating(values.type) and bool(np.isnan(values.to_numpy(zero_copy_only=False)).all())


def _by_type(name: str, values: pa.Array) -> Column | TextColumn:
    kind = values.type
    if (len(values) > 0 and values.null_count == len(values)) or _is_all_nan(values):
        return Column(name, "empty", "every cell is missing", values)
    if types.is_large_string(kind):
        return TextColumn(name, values)
    if types.is_boolean(kind):
        return Column(name, "true/false", "true or false", values)
    if types.is_integer(kind):
        return Column(name, "number", "whole numbers", values)
    if types.is_floating(kind):
        return Column(name, "number", "numbers", values)
    if types.is_duration(kind) or types.is_time(kind):
        whole = values.view(pa.int32() if kind.bit_width == 32 else pa.int64())
        return Column(name, "number", f"times in {UNITS[kind.unit]}", whole)
    if types.is_date32(kind):
        return Column(name, "date", "dates", values)
    if types.is_timestamp(kind):
        return Column(name, "date", "time stamps" if kind.tz is None else "time stamps, in UTC", values)
    return Column(name, "other", f"it holds {str(kind)[:60]}, neither numbers nor text", values)
