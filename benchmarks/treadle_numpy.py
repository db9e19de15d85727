"""treadle's training loop with its NumPy engine: pixels stay uint8 and are converted a batch at a time."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recipe import BATCH_SIZE, LEARNING_RATE, SIZES
from treadle.engines.engine import TrainingProblem
from treadle.engines.numpy_engine import NumpyEngine
from treadle.engines.objective import Objective
from treadle.network import Network, Parameters
from treadle.optimizers import Adam, Constant
from treadle.training.loop import TrainingLoop, TrainingPlan

NAME = "treadle, NumPy engine"


def versions() -> dict[str, str]:
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return {"treadle": version("treadle"), "numpy": np.__version__, blas["name"]: blas["version"]}


def prepare(X: NDArray[Any], y: NDArray[Any], seed: int) -> Callable[[], float]:
    network = Network(SIZES, input_scale=1 / 255)
    problem = TrainingProblem(
        network,
        Objective("cross_entropy"),
        Adam(),
        X,
        y,
        sample_weight=None,
        batch_size=BATCH_SIZE,
        dropout_seed=seed,
    )
    # More epochs than anybody asks for: each is trained when it is, and a constant rate knows no end.
    plan = TrainingPlan(n_epochs=10**6, learning_rate=LEARNING_RATE, schedule=Constant(), seed=seed)
    loop = TrainingLoop(NumpyEngine(), problem, plan, Parameters.initialise(network, "torch", seed))
    epochs = loop.epochs()

    def train_epoch() -> float:
        return next(epochs).train_loss

    return train_epoch
