"""treadle's training loop with its NumPy engine: pixels stay uint8 and are converted a batch at a time."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recipe import Recipe
from treadle.engines.engine import Engine, TrainingProblem
from treadle.engines.numpy_engine import NumpyEngine
from treadle.engines.objective import Objective
from treadle.network import Network, Parameters
from treadle.optimizers import Adam, Constant
from treadle.training.loop import TrainingLoop, TrainingPlan


def name(recipe: Recipe) -> str:
    return "treadle, NumPy engine, one thread"


def versions() -> dict[str, str]:
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return {"treadle": version("treadle"), "numpy": np.__version__, blas["name"]: blas["version"]}


def prepare(recipe: Recipe, X: NDArray[Any], y: NDArray[Any], seed: int, threads: int) -> Callable[[], float]:
    return training(NumpyEngine(), recipe, X, y, seed)


def training(
    engine: Engine, recipe: Recipe, X: NDArray[Any], y: NDArray[Any], seed: int, **options: Any
) -> Callable[[], float]:
    """The function that trains an epoch with an engine; the options are the training problem's."""
    network = Network(recipe.sizes, input_scale=1 / 255)
    problem = TrainingProblem(
        network, Objective("cross_entropy"), Adam(), X, y, batch_size=recipe.batch_size, **options
    )
    # More epochs than anybody asks for: each is trained when it is, and a constant rate knows no end.
    plan = TrainingPlan(n_epochs=10**6, learning_rate=recipe.learning_rate, schedule=Constant(), seed=seed)
    epochs = TrainingLoop(engine, problem, plan, Parameters.initialise(network, "torch", seed)).epochs()
    return lambda: next(epochs).train_loss
