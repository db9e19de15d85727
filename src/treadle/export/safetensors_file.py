"""safetensors files with treadle's metadata: writing them, and reading them without trusting them.

The metadata has one entry, ``treadle``: a JSON object. Its ``sha256`` is that of the arrays and of all
else in the object, so that a bit that turned over on a disk is noticed: a model with one wrong weight looks
like any other. A file without one, from elsewhere, is taken if all else is right.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from treadle.errors import CorruptFile
from treadle.files import write_atomically

# The types that treadle writes, by safetensors' names. Whether NumPy can hold another, such as BF16, depends
# on what else the process has imported.
DTYPES = ("F32", "F64", "I64")

REMEDY = "restore it from a copy, or train again"


def write_safetensors(path: Path, arrays: Mapping[str, NDArray[Any]], metadata: Mapping[str, Any]) -> None:
    """Write the file whole or not at all; equal arguments give equal bytes.

    Parameters
    ----------
    path : Path
    arrays : mapping of str to C-contiguous ndarray, float32, float64 or int64
    metadata : mapping
        What JSON can hold.

    Raises
    ------
    OSError
        If the folder cannot be written or the disk is full.
    """
    from safetensors.numpy import save

    text = json.dumps({**metadata, "sha256": _digest(arrays, metadata)}, sort_keys=True)
    write_atomically(path, save(dict(arrays), {"treadle": text}))


def _digest(arrays: Mapping[str, NDArray[Any]], metadata: Mapping[str, Any]) -> str:
    digest = hashlib.sha256(json.dumps(metadata, sort_keys=True).encode())
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


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
        If it is not safetensors, was cut short, has no such metadata, holds an array of another type or with
        a value that is not finite, or is not what its SHA-256 says.
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
    if "sha256" in metadata and metadata.pop("sha256") != _digest(arrays, metadata):
        raise CorruptFile(f"{path} is damaged: it is not what was written; {REMEDY}")
    return arrays, metadata


def _array(file: Any, name: str) -> NDArray[Any]:
    """One array of an open file; ValueError if it is of a type that treadle does not write."""
    dtype = file.get_slice(name).get_dtype()
    if dtype not in DTYPES:
        raise ValueError(f"the array {name!r} is of type {dtype}, where treadle writes {', '.join(DTYPES)}")
    array: NDArray[Any] = file.get_tensor(name)
    return array
