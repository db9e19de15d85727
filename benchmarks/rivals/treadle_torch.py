"""treadle's training loop with its torch engine, on the device that is named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from numpy.typing import NDArray

from recipe import Recipe
from rivals.treadle_numpy import training
from treadle.engines.torch_engine import TorchEngine


def name(recipe: Recipe) -> str:
    return "treadle, torch engine"


def versions() -> dict[str, str]:
    return {"torch": torch.__version__}


def prepare(
    recipe: Recipe, X: NDArray[Any], y: NDArray[Any], seed: int, threads: int, device: str = "cpu"
) -> Callable[[], float]:
    torch.set_num_threads(threads)
    return training(TorchEngine(device), recipe, X, y, seed)
