"""treadle's native engine on pixels as they are stored, a byte each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predictors import treadle_native
from predictors.treadle_native import versions

__all__ = ["name", "prepare", "versions"]


def name(threads: int) -> str:
    return f"{treadle_native.name(threads)}, pixels of one byte"


def prepare(folder: Path, X: NDArray[Any], threads: int) -> Callable[[], NDArray[Any]]:
    return treadle_native.prepare(folder, X.astype(np.uint8), threads)
