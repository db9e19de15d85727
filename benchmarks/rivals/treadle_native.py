"""treadle's training loop with its native engine, on the path that the processor, or TREADLE_SIMD, takes."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from numpy.typing import NDArray

from native import kernels
from recipe import Recipe
from rivals.treadle_numpy import training
from treadle.engines.native_engine import NativeEngine


def name(recipe: Recipe) -> str:
    return f"treadle, native engine, {recipe.precision}, {kernels()}"


def versions() -> dict[str, str]:
    return {"treadle": version("treadle")}


def prepare(recipe: Recipe, X: NDArray[Any], y: NDArray[Any], seed: int, threads: int) -> Callable[[], float]:
    return training(NativeEngine(n_threads=threads), recipe, X, y, seed, precision=recipe.precision)
