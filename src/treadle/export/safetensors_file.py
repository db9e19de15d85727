"""Reading a safetensors file with treadle's metadata, without trusting it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from treadle.errors import CorruptFile

# The types that treadle writes, by safetensors' names. Whether NumPy can hold another, such as BF16, depends
# on what else the process has imported.
DTYPES = ("F32", "F64", "I64")

REMEDY = "restore it from a copy, or train again"


def read_safetensors(path: str | Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """All arrays of the file, and the JSON object under the metadata's key ``treadle``.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    arrays : dict of ndarray, float32, float64 or int64
    metadata : dict

    Raises
    ------
    OSError
        If the file cannot be opened.
    CorruptFile
        If it is not safetensors, was cut short, has no such metadata, or holds an array of another type or
        with a value that is not finite.
    """
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    path.open("rb").close()  # safetensors' own error for a missing file names no path
    try:
        with safe_open(path, framework="numpy") as file:
            text = (file.metadata() or {}).get("treadle", "null")
            arrays = {name: _array(file, name) for name in file.keys()}  # noqa: SIM118
        metadata = json.loads(text)
    # 65 dimensions are a ValueError, deep JSON a RecursionError.
    except (SafetensorError, ValueError, RecursionError) as error:
        raise CorruptFile(
            f"{path} is not a file that treadle wrote, or was cut short: {error}; {REMEDY}"
        ) from error
    if not isinstance(metadata, dict):
        raise CorruptFile(
            f"{path} is not a file that treadle wrote: its metadata has no JSON object named treadle; "
            f"{REMEDY}"
        )
    for name, array in arrays.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise CorruptFile(f"{path} holds NaN or infinite numbers in {name!r}: it is damaged; {REMEDY}")
    return arrays, metadata


def _array(file: Any, name: str) -> NDArray[Any]:
    """One array of an open file; ValueError if it is of a type that treadle does not write."""
    dtype = file.get_slice(name).get_dtype()
    if dtype not in DTYPES:
        raise ValueError(f"the array {name!r} is of type {dtype}, where treadle writes {', '.join(DTYPES)}")
    array: NDArray[Any] = file.get_tensor(name)
    return array
