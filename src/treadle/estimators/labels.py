"""Converts labels from tables to a NumPy array of one sortable type.

It refuses labels that are missing, of several types, or of a type without an order that a file could keep.
"""

from __future__ import annotations

from numbers import Integral, Real
from typing import TypeAlias, overload

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, csr_matrix, issparse
from sklearn.utils.validation import column_or_1d

from treadle.errors import InvalidInput

# What scikit-learn's checks leave of y, (N,) or (N, K): numbers, labels of any type, or an indicator matrix.
GivenTargets: TypeAlias = NDArray[np.generic] | csr_array | csr_matrix

MISSING = ("NoneType", "NAType", "NaTType")  # of Python and of pandas


@overload
def plain_labels(y: NDArray[np.generic]) -> NDArray[np.generic]: ...
@overload
def plain_labels(y: object) -> object: ...
def plain_labels(y: object) -> object:
    """Convert labels of dtype object or of pandas' and polars' types.

    Others are returned as they are.

    Parameters
    ----------
    y : array_like of shape (N,) or (N, K)
        Whole numbers, booleans or texts; numbers of several types become float64. pandas' nullable integers
        and booleans become int64 and bool, never floats, which would merge integers beyond 2**53. Texts keep
        their dtype object.

    Raises
    ------
    InvalidInput
        If a label is missing, or the labels are of several types, of another type, or beyond 64 bits.
    """
    if y is None or issparse(y):
        return y
    try:
        labels = np.asarray(y)
    except ValueError:  # ragged: scikit-learn says so
        return y
    if labels.dtype.kind == "T":  # NumPy's texts of any length, which scikit-learn does not know
        labels = labels.astype(object)
    if labels.dtype == object:
        return _of_one_type(labels)
    return y if isinstance(getattr(y, "dtype", labels.dtype), np.dtype) else labels


def one_column(y: GivenTargets) -> GivenTargets:
    """Return y, made flat where it has one column."""
    return column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y


def _of_one_type(labels: NDArray[np.object_]) -> NDArray[np.generic]:
    flat = labels.ravel().tolist()
    kinds = set(map(type, flat))
    if any(kind.__name__ in MISSING or issubclass(kind, float) for kind in kinds):
        _refuse_missing(flat, len(labels))
    if all(issubclass(kind, str) for kind in kinds) or kinds == {bytes}:  # bytes scikit-learn refuses
        return labels
    if all(issubclass(kind, bool | np.bool_) for kind in kinds):
        return labels.astype(bool)
    numbers = all(issubclass(kind, Real) and not issubclass(kind, bool) for kind in kinds)
    if not numbers:
        names = " and ".join(sorted(kind.__name__ for kind in kinds))
        raise InvalidInput(
            "labels must be all texts, all whole numbers or all booleans; y holds some of type "
            f"{names:.200}: make them texts, with y.astype(str) say"
        )
    whole = all(issubclass(kind, Integral) for kind in kinds)
    try:
        return labels.astype(np.int64 if whole else np.float64)
    except OverflowError:
        bits = max(int(label).bit_length() for label in flat if isinstance(label, Integral))
        raise InvalidInput(
            f"labels that are whole numbers must be within 64 bits; y holds one of {bits} bits: make them "
            "texts, with y.astype(str) say"
        ) from None


def _refuse_missing(flat: list[object], n_rows: int) -> None:
    for place, label in enumerate(flat):
        if type(label).__name__ in MISSING or (isinstance(label, float) and label != label):
            raise InvalidInput(
                f"y has no label in row {place // (len(flat) // n_rows)}: it holds {label}; "
                "leave such rows out, or give them a class of their own"
            )
