"""Refuses arrays of a dtype, shape or memory order that the kernel would misread."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from treadle.errors import InvalidInput

FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)
INT8, INT32, INT64, UINT8 = np.dtype(np.int8), np.dtype(np.int32), np.dtype(np.int64), np.dtype(np.uint8)

Shape = tuple[int, ...]
ANY = -1  # a size of a shape


def check_array(
    name: str, array: NDArray[Any], dtype: np.dtype[Any], shape: Shape, writable: bool = False
) -> None:
    """Check an array that the kernel takes row by row.

    Parameters
    ----------
    name : str
        What the message calls it.
    array : ndarray
    dtype : dtype
    shape : tuple of int
        ``ANY`` for a size that may be any.
    writable : bool
        Whether the kernel writes to it.

    Raises
    ------
    InvalidInput
        If it is of another dtype or shape, not C-contiguous, not aligned, or not writable.
    """
    flags = array.flags
    if (
        array.dtype == dtype
        and fits(array.shape, shape)
        and flags.c_contiguous
        and flags.aligned
        and (flags.writeable or not writable)
    ):
        return
    order = "C-contiguous" if flags.c_contiguous else "not C-contiguous"
    order += "" if flags.aligned else ", not aligned"
    order += ", read-only" if writable and not flags.writeable else ""
    raise InvalidInput(
        f"the kernel takes {name} as {'a writable' if writable else 'an'} array of {dtype} and shape "
        f"{_written(shape)}, C-contiguous; got {array.dtype} of shape {array.shape}, {order}: "
        f"give it numpy.array(..., dtype='{dtype}', order='C')"
    )


def check_strided(name: str, array: NDArray[Any], dtypes: tuple[np.dtype[Any], ...], shape: Shape) -> None:
    """Check an array that the kernel takes in any order of memory.

    Raises
    ------
    InvalidInput
        If it is of another shape, or of none of these dtypes.
    """
    if array.dtype in dtypes and fits(array.shape, shape):
        return
    raise InvalidInput(
        f"the kernel takes {name} as an array of {' or '.join(map(str, dtypes))} and shape "
        f"{_written(shape)}; got {array.dtype} of shape {array.shape}: "
        f"convert it with .astype('{dtypes[-1]}')"
    )


def fits(given: Shape, wanted: Shape) -> bool:
    """Say whether a shape of one or two axes is the expected one.

    ``ANY`` is any size.
    """
    if given == wanted:
        return True
    if len(given) != len(wanted) or (wanted[0] != ANY and wanted[0] != given[0]):
        return False
    return len(wanted) == 1 or wanted[1] == ANY or wanted[1] == given[1]


def _written(shape: Shape) -> str:
    return str(shape).replace(str(ANY), "any")
