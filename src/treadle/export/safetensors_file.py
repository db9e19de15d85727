"""Writes safetensors files with treadle's metadata, and reads them without trusting them.

The metadata has one entry, ``treadle``: a JSON object. Its ``sha256`` is that of the arrays and of all
else in the object, so that a bit that turned over on a disk is noticed: a model with one wrong weight looks
like any other. A bit may also turn over in the name of the sum: a file without one is refused, unless its
format is older than the sum, and so is one with a key that its format does not have.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from treadle.errors import CorruptFile, InvalidInput
from treadle.files import check_readable, write_atomically
from treadle.maths.dtypes import ArrayMapping, Arrays
from treadle.messages import quoted, shortened
from treadle.strict_text import ParsedTable, check_json_size, read_json

# The types that treadle writes, by safetensors' names. Whether NumPy can hold another, such as BF16, depends
# on what else the process has imported.
DTYPES = ("F32", "F64", "I64")

MOST_ARRAYS = 100_000

REMEDY = "restore it from a copy, or train again"


def write_safetensors(path: Path, arrays: ArrayMapping, metadata: Mapping[str, object]) -> None:
    """Write the file whole or not at all; equal arguments give equal bytes.

    Parameters
    ----------
    path : Path
    arrays : mapping of str to C-contiguous ndarray, float32, float64 or int64
    metadata : mapping
        What JSON can hold.

    Raises
    ------
    InvalidInput
        If the metadata are more than ``read_safetensors`` takes, or the path cannot be one.
    OSError
        If the folder cannot be written or the disk is full.
    """
    write_atomically(path, safetensors_bytes(arrays, metadata))


def safetensors_bytes(arrays: ArrayMapping, metadata: Mapping[str, object]) -> bytes:
    """Return the bytes that ``write_safetensors`` writes."""
    from safetensors.numpy import save

    text = json.dumps({**metadata, "sha256": _digest(arrays, metadata)}, sort_keys=True)
    try:
        check_json_size(text)
    except InvalidInput as error:
        raise InvalidInput(f"what is not an array is too much for a file: {error}") from error
    return bytes(save(dict(arrays), {"treadle": text}))


def _digest(arrays: ArrayMapping, metadata: Mapping[str, object]) -> str:
    digest = hashlib.sha256(json.dumps(metadata, sort_keys=True).encode())
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def read_safetensors(path: str | Path, *, needs_sum: bool = True) -> tuple[Arrays, ParsedTable]:
    """Read a file's arrays and the JSON object of its metadata.

    That is under the metadata's key ``treadle``.

    Parameters
    ----------
    path : str or Path
    needs_sum : bool
        Whether a file without ``sha256`` is refused, as of a format that always had it.

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
    check_readable(path)
    try:
        with safe_open(path, framework="numpy") as tensors:
            text = (tensors.metadata() or {}).get("treadle", "null")
            names = tensors.keys()
            if len(names) > MOST_ARRAYS:
                raise ValueError(f"it has {len(names)} arrays; at most {MOST_ARRAYS} are read")
            arrays = {name: _array(tensors, name) for name in names}
        metadata = read_json(text)
    # 65 dimensions are a ValueError, and so is an array of more bytes than the system can address.
    except (SafetensorError, ValueError, OverflowError, MemoryError) as error:
        raise CorruptFile(
            f"{path} is not a file that treadle wrote, or was cut short: {shortened(str(error), 200)}; "
            f"{REMEDY}"
        ) from error
    if not isinstance(metadata, dict):
        raise CorruptFile(
            f"{path} is not a file that treadle wrote: its metadata has no JSON object named treadle; "
            f"{REMEDY}"
        )
    for name, array in arrays.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise CorruptFile(
                f"{path} holds NaN or infinite numbers in {quoted(name)}: it is damaged; {REMEDY}"
            )
    if needs_sum and "sha256" not in metadata:
        raise CorruptFile(f"{path} is damaged: it has no sha256, by which what was written is told; {REMEDY}")
    if "sha256" in metadata and metadata.pop("sha256") != _digest(arrays, metadata):
        raise CorruptFile(f"{path} is damaged: it is not what was written; {REMEDY}")
    return arrays, metadata


# Any: safetensors says no types.
def _array(file: Any, name: str) -> NDArray[Any]:
    """Read one array of an open file; ValueError for unknown types.

    Known are those that treadle writes.
    """
    dtype = file.get_slice(name).get_dtype()
    if dtype not in DTYPES:
        raise ValueError(
            f"the array {quoted(name)} is of type {dtype}, where treadle writes {', '.join(DTYPES)}"
        )
    array: NDArray[Any] = file.get_tensor(name)
    return array
