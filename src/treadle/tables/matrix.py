"""Turns columns into NumPy arrays, exact or float64; refuses missing cells.

An error names the cell's row.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import types

from treadle.errors import InvalidInput
from treadle.tables.columns import Column
from treadle.tables.exact_columns import Exact
from treadle.tables.names import shown
from treadle.tables.storage import plain_array

REMEDY = "fill it or delete the row"
EXACT_IN_FLOAT64 = 1 << 53
# The share of its span beyond which days as doubles are too rough for a column of time stamps.
ROUGH = 2.0**-32
UNITS_PER_DAY = {"D": 1.0, "s": 86400.0, "ms": 86400e3, "us": 86400e6, "ns": 86400e9}


# Any: the column's own type, float64, integer, bool or datetime64.
def exact_column(column: Column, what: str, first_row: int = 1) -> NDArray[Any]:
    """Return a column's values in their own type, none missing or infinite.

    Parameters
    ----------
    column : Column
        A number, true or false, or a date.
    what : str
        How errors call the table.
    first_row : int, default=1
        The number of the column's first row in the table.

    Returns
    -------
    ndarray of shape (N,)
        int8 to uint64, float16 to float64, bool, or datetime64 in its own unit.

    Raises
    ------
    InvalidInput
        If a cell is missing or infinite, with its row and column; or the column is of no such kind.

    Examples
    --------
    >>> import pandas as pd
    >>> from treadle.tables import exact_column, read_table
    >>> table = read_table(pd.DataFrame({"id": [2**53, 2**53 + 1]}))
    >>> exact_column(table.columns["id"], "the table").tolist()
    [9007199254740992, 9007199254740993]
    """
    refuse_unusable(column, what)
    if column.kind not in ("number", "true/false", "date"):
        raise InvalidInput(
            f"{what}: column {shown(column.name)} holds no numbers: {column.reason}; name columns of numbers"
        )
    values = column.values
    if values.null_count:
        refuse_missing(column, what, first_row)
    if types.is_timestamp(values.type):
        values = values.cast(pa.timestamp(values.type.unit))
    array = np.asarray(values.to_numpy(zero_copy_only=False))
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        refuse_missing(column, what, first_row)
        row = int(np.argmin(np.isfinite(array)))
        raise InvalidInput(
            f"{what}: row {first_row + row}, column {shown(column.name)} is {str(array[row])!r}, which is no "
            f"finite number; {REMEDY}"
        )
    return array


def float_column(column: Column, what: str, first_row: int = 1) -> NDArray[np.float64]:
    """Return a column's values as float64; dates are days since 1970-01-01.

    Parts of a day are included.

    Arguments and errors are those of ``exact_column``. Whole numbers beyond 2^53 are rounded: see
    ``float_note``.

    Returns
    -------
    ndarray of shape (N,), float64

    Examples
    --------
    >>> import pandas as pd
    >>> from treadle.tables import float_column, read_table
    >>> table = read_table(pd.DataFrame({"day": ["1970-01-02", "1970-01-11"]}))
    >>> float_column(table.columns["day"], "the table").tolist()
    [1.0, 10.0]
    """
    array = exact_column(column, what, first_row)
    if array.dtype.kind == "M":
        return np.asarray(array.astype(np.int64) / UNITS_PER_DAY[np.datetime_data(array.dtype)[0]])
    return array.astype(np.float64)


def stored_numbers(values: pa.Array, name: str, what: str, first_row: int = 1) -> NDArray[np.float64]:
    """A part of a column that is stored as numbers, as float64.

    Parameters
    ----------
    values : pyarrow.Array or pyarrow.ChunkedArray
        Of a type that ``treadle.tables.storage.is_numeric`` allows.
    name, what, first_row
        As errors call the column, the table and the first row.

    Raises
    ------
    InvalidInput
        If a cell is missing or infinite, with its row and column.
    """
    return float_column(Column(name, "number", "numbers", plain_array(values, what)), what, first_row)


def beyond_doubles(column: Column, what: str) -> Exact | None:
    """Return the column in its own type where float64 would lose values.

    None where it would not.

    Whole numbers beyond 2^53, and time stamps within some minutes: nanoseconds of them are no days.

    Returns
    -------
    ndarray of shape (N,), int64, uint64 or datetime64, or None
    """
    values = column.values
    if types.is_integer(values.type):
        return exact_column(column, what) if _is_rounded(values) else None
    if not types.is_timestamp(values.type) or len(values) == 0:
        return None
    array = exact_column(column, what)
    ends = np.array([array.min(), array.max()]).astype(np.int64)
    per_day = UNITS_PER_DAY[np.datetime_data(array.dtype)[0]]
    span = float(int(ends[1]) - int(ends[0])) / per_day
    rounding = float(np.spacing(np.abs(ends / per_day).max()))
    return array if span > 0 and rounding > ROUGH * span else None


def exact_note(values: Exact) -> str:
    """Describe what ``beyond_doubles`` did to a column."""
    if values.dtype.kind == "M":
        return "as nanoseconds since 1970-01-01, exactly, since days are too rough for so short a span"
    return "taken exactly, beyond 2^53"


def _is_rounded(values: pa.Array) -> bool:
    if values.type.bit_width != 64:
        return False
    ends = pc.min_max(values).as_py()
    return ends["min"] is not None and max(-ends["min"], ends["max"]) > EXACT_IN_FLOAT64


def float_note(column: Column) -> str:
    """Describe what ``float_column`` does to the values; "" for nothing."""
    if column.kind == "date":
        return "as days since 1970-01-01"
    if types.is_integer(column.values.type) and _is_rounded(column.values):
        return "rounded to 53 bits, since whole numbers beyond 2^53 are in it"
    return ""


def refuse_unusable(column: Column, what: str) -> None:
    """Refuse a column that cannot be used as it is.

    Raises
    ------
    InvalidInput
        With the reason.
    """
    if column.problem is not None:
        row = "" if column.problem_row is None else f"row {column.problem_row}, "
        raise InvalidInput(f"{what}: {row}column {shown(column.name)} {column.problem}")


def refuse_missing(column: Column, what: str, first_row: int = 1) -> None:
    """Refuse a column in which a cell is missing.

    Raises
    ------
    InvalidInput
        With the first such row.
    """
    values = column.values
    missing = pc.is_null(values, nan_is_null=True)
    row = pc.index(missing, True).as_py()
    if row >= 0:
        n = pc.sum(missing).as_py()
        count = (
            "" if n == 1 else f", as are {n - 1} other cells of it" if n > 2 else ", as is another cell of it"
        )
        raise InvalidInput(
            f"{what}: row {first_row + row}, column {shown(column.name)} is missing{count}; {REMEDY}"
        )
