"""What treadle's native engine can do on this processor, asked of the engine itself."""

from __future__ import annotations

import numpy as np

from treadle.engines.engine import TrainingProblem
from treadle.engines.native_engine import NativeEngine
from treadle.engines.objective import Objective
from treadle.errors import EngineUnavailable
from treadle.network import Network
from treadle.optimizers import Adam


def kernels() -> str:
    """The kernels that it takes here: the best for this processor, or what TREADLE_SIMD names."""
    return NativeEngine().details()["kernels"]


def refusal(precision: str) -> str | None:
    """Why it does not train in that precision here; None where it does."""
    X, y = np.zeros((2, 4), np.uint8), np.zeros(2, np.int64)
    try:
        problem = TrainingProblem(
            Network((4, 3, 2)), Objective(), Adam(), X, y, batch_size=2, precision=precision
        )
        return NativeEngine().unsupported(problem)
    except EngineUnavailable as error:
        return str(error)
