"""Makes arrays of texts within a limit of memory.

NumPy gives every text the longest's memory.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from treadle.errors import InvalidInput
from treadle.messages import quoted

MOST_TEXT_BYTES = 64 << 20


def text_array(values: Sequence[object], dtype: str = "U") -> NDArray[np.str_ | np.bytes_]:
    """Make an array of texts, or of bytes.

    Parameters
    ----------
    values : list of str, or nested lists of str; or list of bytes
    dtype : {"U", "S"}

    Raises
    ------
    InvalidInput
        If anything else is in it, or the array would take more than 64 MB.
    """
    like: type = str if dtype == "U" else bytes
    items = np.array(values, dtype=object)
    texts = items.ravel().tolist()
    for text in texts:
        if type(text) is not like:
            raise InvalidInput(f"{'texts' if dtype == 'U' else 'bytes'} are needed; got {quoted(text)}")
    longest = max(map(len, texts), default=0)
    check_text_bytes(len(texts), longest, np.dtype(f"{dtype}1").itemsize)
    return items.astype(f"{dtype}{max(1, longest)}")


def check_text_bytes(n_texts: int, longest: int, character_bytes: int) -> None:
    """Raise InvalidInput for texts that would take more than 64 MB.

    There are n_texts of ``longest`` characters.
    """
    n_bytes = n_texts * longest * character_bytes
    if n_bytes > MOST_TEXT_BYTES:
        raise InvalidInput(
            f"{n_texts} texts, the longest of {longest} characters, take {n_bytes} bytes as an array; at "
            f"most {MOST_TEXT_BYTES} are taken: shorten the longest, or give an array of objects"
        )
