"""Converts columns of whole numbers and time stamps to exact doubles.

They are measured from an origin.

A double holds whole numbers up to 2^53. Account numbers, and nanoseconds since 1970 (some 1.8e18), are beyond
it; their distances from one row of the table rarely are. Where the distances are too, they are rounded.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from treadle.errors import InvalidInput
from treadle.maths.dtypes import Floats

if TYPE_CHECKING:
    import pandas as pd

LARGEST_EXACT, LARGEST_INT64 = 1 << 53, (1 << 63) - 1

# Any: integers, floats, time stamps or what else a user has; each function looks.
Column: TypeAlias = NDArray[Any]
# What NumPy makes an array of, or a frame of pandas, polars or ``treadle.tables.exact_columns``.
Matrix: TypeAlias = "ArrayLike | pd.DataFrame"
Origin = NDArray[np.int64] | NDArray[np.uint64]


def has_integer_columns(X: object) -> bool:
    """Say whether X has columns of 64-bit integers or time stamps.

    X is an array or a frame.
    """
    dtypes = getattr(X, "dtypes", None)
    if dtypes is not None and hasattr(X, "columns"):
        return any(_is_integer(dtype) for dtype in dtypes)
    return isinstance(X, np.ndarray) and X.ndim == 2 and _is_integer(X.dtype)


def _is_integer(dtype: object) -> bool:
    return isinstance(dtype, np.dtype) and (dtype.kind == "M" or dtype in (np.int64, np.uint64))


def origin_of(X: Matrix) -> Origin:
    """Return the origin (D,) to subtract from X's columns.

    It is 0 where doubles hold them. int64; uint64 where one is beyond, for which no other may be below 0.
    """
    found = [_origin(column) for column in _columns(X)]
    beyond = max(found, default=0) > LARGEST_INT64
    if beyond and min(found) < 0:  # no type holds both
        found = [start if start <= LARGEST_INT64 else 0 for start in found]
        beyond = False
    return np.array(found, np.uint64) if beyond else np.array(found, np.int64)


def doubles_of(X: Matrix, origin: Origin) -> Floats:
    """Compute X - origin as doubles (N, D).

    float32 and float64 arrays are not copied where the origin is 0.

    Raises
    ------
    InvalidInput
        If a time stamp is missing (NaT), or is out of the range of nanoseconds.
    """
    if isinstance(X, np.ndarray) and X.dtype in (np.float32, np.float64) and not origin.any():
        return X
    if not has_integer_columns(X) and not origin.any():
        return np.asarray(X, np.float64)
    columns = [_double(column, int(start)) for column, start in zip(_columns(X), origin, strict=True)]
    found = np.empty((len(columns[0]) if columns else 0, len(columns)), order="F")
    for j, column in enumerate(columns):
        found[:, j] = column
    return found


def is_rounded(X: Matrix, origin: Origin, doubles: Floats) -> bool:
    """Say whether ``doubles_of`` rounded some number of X less its origin."""
    if isinstance(X, np.ndarray) and X.dtype in (np.float32, np.float64) and not origin.any():
        return False
    columns = zip(_columns(X), origin.tolist(), doubles.T, strict=True)
    return any(_is_rounded(column, start, double) for column, start, double in columns)


def _is_rounded(column: Column, origin: int, doubles: Floats) -> bool:
    if column.dtype.kind == "f" and not origin:
        return bool((column != doubles).any())
    if column.dtype.kind not in "iuf" or (
        column.dtype.kind != "f" and np.abs(doubles).max(initial=0) < LARGEST_EXACT
    ):
        return False
    pairs = zip(column.tolist(), doubles.tolist(), strict=True)
    return any(Fraction(value) - origin != Fraction(double) for value, double in pairs)


def _columns(X: Matrix) -> list[Column]:
    if hasattr(X, "columns") and hasattr(X, "dtypes"):
        frame: pd.DataFrame = X
        columns = frame.columns if not hasattr(X, "iloc") else range(len(frame.columns))  # names may be alike
        return [_integers(np.asarray(frame.iloc[:, k] if hasattr(X, "iloc") else frame[k])) for k in columns]
    return [_integers(column) for column in np.asarray(X).T]


def _integers(column: Column) -> Column:
    """Convert time stamps to their nanoseconds."""
    if column.dtype.kind != "M":
        return column
    missing = np.isnat(column)
    if missing.any():
        raise InvalidInput(
            f"row {int(np.argmax(missing))} of X holds no time (NaT); drop such rows or fill them in"
        )
    nanoseconds = column.astype("datetime64[ns]")
    if not (nanoseconds.astype(column.dtype) == column).all():
        raise InvalidInput(
            "time stamps must lie between the years 1678 and 2262, which nanoseconds in 64 bits can hold; "
            f"got from {column.min()} to {column.max()}: pass numbers in another unit"
        )
    return nanoseconds.view(np.int64)


def _origin(column: Column) -> int:
    if column.dtype.kind not in "iu" or not len(column):
        return 0
    if max(-int(column.min()), int(column.max())) <= LARGEST_EXACT:
        return 0
    return int(column[0])


def _double(column: Column, origin: int) -> NDArray[np.float64]:
    if column.dtype.kind in "iu" and origin:
        ends = [origin, *((int(column.min()), int(column.max())) if len(column) else ())]
        if max(ends) - min(ends) <= LARGEST_INT64:
            # Modulo 2^64, which loses nothing of so small a difference.
            bits = column.astype(np.uint64 if column.dtype.kind == "u" else np.int64).view(np.uint64)
            return (bits - np.uint64(origin % (1 << 64))).view(np.int64).astype(np.float64)
        return np.array([float(int(value) - origin) for value in column])
    if origin:
        return np.array([float(_exactly(value) - origin) for value in column])
    return column.astype(np.float64)


def _exactly(value: np.number) -> int | float:
    """Convert a whole double to the integer that it is."""
    return int(value) if float(value).is_integer() else float(value)
