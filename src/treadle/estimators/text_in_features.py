"""Locates text in X that NumPy could not convert to a number.

NumPy says what it was, and not where.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from treadle.errors import InvalidInput


@contextmanager
def text_in_features_told(X: object) -> Iterator[None]:
    """Raise InvalidInput with row and column where X holds text.

    That is where NumPy cannot convert it to a number.

    Raises
    ------
    InvalidInput
        With the first such cell.
    """
    try:
        yield
    except ValueError as error:
        if not str(error).startswith("could not convert string to float"):
            raise
        found = _first_text(X)
        if found is None:
            raise
        row, column, cell = found
        raise InvalidInput(
            f"X must be numbers; row {row} (from 0), column {column!r} is the text {str(cell)[:40]!r}: "
            "encode the column, with scikit-learn's OneHotEncoder or OrdinalEncoder, or leave it out"
        ) from error


def _first_text(X: object) -> tuple[int, int | str, str | bytes] | None:
    """Return row, column and cell of the first text that is no number.

    The column is by its name, if it has one; None where there is no such text.
    """
    cells = np.asarray(X, dtype=object)
    if cells.ndim != 2:
        return None
    names = getattr(X, "columns", None)
    for j in range(cells.shape[1]):
        for i, cell in enumerate(cells[:, j]):
            if isinstance(cell, str | bytes) and not _is_number(cell):
                return i, j if names is None else str(names[j]), cell
    return None


def _is_number(cell: str | bytes) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
