"""treadle's native engine: ``predict`` with parameters and pixels as they lie."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from native import kernels
from treadle.engines.native_engine import NativeEngine
from treadle.export.model_file import load_model


def name(threads: int) -> str:
    return f"treadle, native engine, {kernels()}"


def versions() -> dict[str, str]:
    return {"treadle": version("treadle")}


def prepare(folder: Path, X: NDArray[Any], threads: int) -> Callable[[], NDArray[Any]]:
    engine, parameters = NativeEngine(n_threads=threads), load_model(folder / "model.safetensors").parameters
    return lambda: engine.predict(parameters, X)
