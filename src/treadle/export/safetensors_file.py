"""Reading a safetensors file with treadle's metadata, without trusting it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from treadle.errors import CorruptFile


def read_safetensors(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """All arrays of the file, and the JSON object under the metadata's key ``treadle``.

    Raises
    ------
    OSError
        If the file cannot be opened.
    CorruptFile
        If it is not safetensors, was cut short, has no such metadata, or holds a floating-point array with
        a value that is not finite.
    """
    from safetensors import SafetensorError, safe_open

    path.open("rb").close()  # safetensors' own error for a missing file names no path
    try:
        with safe_open(path, framework="numpy") as file:
            text = (file.metadata() or {}).get("treadle", "null")
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        metadata = json.loads(text)
    # A type that NumPy lacks is a TypeError or AttributeError, 65 dimensions a ValueError, deep JSON a
    # RecursionError.
    except (SafetensorError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise CorruptFile(f"{path} is not a file that treadle wrote, or was cut short: {error}") from error
    if not isinstance(metadata, dict):
        raise CorruptFile(
            f"{path} is not a file that treadle wrote: its metadata has no JSON object named treadle"
        )
    for name, array in arrays.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise CorruptFile(f"{path} holds NaN or infinite numbers in {name!r}: it is damaged")
    return arrays, metadata
