"""Decides what each column is: numbers, true/false, dates or categories.

Its type and its content say it. All formats end here, so that the same values are the same column from each:
text of numbers is numbers, a category's codes are what they stand for, a null and NaN are both missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
from pyarrow import types

from treadle.choices import DecimalMark
from treadle.tables.storage import plain_array
from treadle.tables.text_columns import TextColumn, decimal_mark

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


def understand(
    columns: dict[str, pa.ChunkedArray], what: str, *, delimiter: str | None, decimal: DecimalMark | None
) -> dict[str, Column]:
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
    """
    found = {name: _by_type(name, plain_array(columns.pop(name), what)) for name in list(columns)}
    texts = [column for column in found.values() if isinstance(column, TextColumn)]
    mark = decimal or decimal_mark(texts, delimiter)
    return {
        name: _of_text(name, column, mark, forced=decimal is not None)
        if isinstance(column, TextColumn)
        else column
        for name, column in found.items()
    }


def _of_text(name: str, column: TextColumn, mark: DecimalMark | None, *, forced: bool) -> Column:
    found = column.understood(mark, forced=forced)
    return Column(name, found.kind, found.reason, found.values, found.problem, found.problem_row)


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
