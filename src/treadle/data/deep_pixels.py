"""Converts grey pixels of more than 8 bits, or of floats, to bytes.

The range in the file says what is white. Programs write the values 0 to 255 into files of 16 or 32 bits, and
cameras 10 or 12 bits into 16. Nothing in the file tells: the smallest white that no pixel exceeds is taken.
Negative, infinite and larger values are refused.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from treadle.errors import CorruptFile
from treadle.maths.dtypes import Numbers

INTEGER_WHITES = (255, 1023, 4095, 65535)
FLOAT_WHITES = (1, 255, 65535)
PIXELS_PER_BLOCK = 1 << 20  # converted at a time, so that wide copies are never of a whole image


def deep_to_bytes(
    values: Numbers, path: str | Path, *, white_is_zero: bool = False
) -> tuple[NDArray[np.uint8], str | None]:
    """Convert pixels to bytes; return also what was assumed about them.

    0 is black and 255 white.

    Parameters
    ----------
    values : ndarray of shape (H, W), integers or floats
    path : str or Path
        For messages.
    white_is_zero : bool
        Whether the file says that 0 is white.

    Returns
    -------
    pixels : ndarray of shape (H, W), uint8
        Rounded to the nearest.
    notice : str or None
        None where white is the 65535 of 16 bits, or all is black.

    Raises
    ------
    CorruptFile
        If a value is negative, not finite or above 65535.
    """
    is_float = values.dtype.kind == "f"
    low, high = values.min().item(), values.max().item()
    if not (low >= 0 and high <= 65535):  # NaN is neither
        remedy = "8 or 16 bits, or with floats of 0 (black) to 1 (white)" if is_float else "8 or 16 bits"
        raise CorruptFile(
            f"{path} has grey values of {low:g} to {high:g}, outside of 0 to 65535, so that black and white "
            f"are not known; save it with {remedy}"
        )
    white = next(white for white in (FLOAT_WHITES if is_float else INTEGER_WHITES) if high <= white)
    pixels = np.empty(values.shape, np.uint8)
    n_rows = max(1, PIXELS_PER_BLOCK // values.shape[1])
    for start in range(0, len(values), n_rows):
        block = values[start : start + n_rows]
        if is_float:
            pixels[start : start + n_rows] = np.rint(block.astype(np.float64) * (255 / white))
        else:
            pixels[start : start + n_rows] = (block.astype(np.int64) * 255 + white // 2) // white
    if white_is_zero:
        np.subtract(255, pixels, out=pixels)
    if white == INTEGER_WHITES[-1] or high == 0:
        return pixels, None
    return pixels, (
        f"{path} has {'floating-point pixels' if is_float else 'pixels of more than 8 bits'}, of {low:g} to "
        f"{high:g}: {white} is taken for white; if another value is, save it with 8 bits"
    )
