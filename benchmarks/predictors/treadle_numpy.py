"""treadle's NumPy engine, the specification of the others."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from treadle.engines.numpy_engine import NumpyEngine
from treadle.export.model_file import load_model


def name(threads: int) -> str:
    return "treadle, NumPy engine, one thread"


def versions() -> dict[str, str]:
    return {"treadle": version("treadle"), "numpy": np.__version__}


def prepare(folder: Path, X: NDArray[Any], threads: int) -> Callable[[], NDArray[Any]]:
    engine, parameters = NumpyEngine(), load_model(folder / "model.safetensors").parameters
    return lambda: engine.predict(parameters, X)
