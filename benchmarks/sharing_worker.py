"""treadle's native engine on a number of threads, alone and beside a busy program; as worker.py, with a
``SharingTask``.

Each line of standard input is answered with ``alone`` and ``beside``, seconds an epoch, and ``loss``, that of
the last step: the bits must not depend on threads or on who else computes.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from machine import BusyProgram, available_processors
from rivals.treadle_native import versions
from treadle.engines.engine import TrainingProblem
from treadle.engines.native_engine import NativeEngine
from treadle.engines.objective import Objective
from treadle.network import Network, Parameters
from treadle.optimizers import Adam
from worker import serve


@dataclass(frozen=True)
class SharingTask:
    """A network, rows at random, so many epochs at a time, on so many threads and processors.

    The busy program takes all of the processors, and the threads may run on each.
    """

    sizes: tuple[int, ...]
    rows: int
    batch_size: int
    epochs: int
    threads: int
    processors: int
    seed: int


def prepare(task: SharingTask) -> tuple[dict[str, Any], Callable[[], dict[str, Any]]]:
    """Its name and versions, and the function that plays a round."""
    rng = np.random.default_rng(task.seed)
    X = rng.normal(size=(task.rows, task.sizes[0])).astype(np.float32)
    y = rng.integers(task.sizes[-1], size=task.rows)
    network = Network(tuple(task.sizes))
    problem = TrainingProblem(network, Objective(), Adam(), X, y, batch_size=task.batch_size)
    trainer = NativeEngine(task.threads).trainer(problem, Parameters.initialise(network, "torch", task.seed))
    order, rates = rng.permutation(task.rows), np.full(problem.n_steps(task.rows), 1e-3)

    def epochs() -> tuple[float, float]:
        """Seconds an epoch, and the last loss."""
        start = time.perf_counter()
        for _ in range(task.epochs):
            losses = trainer.run_epoch(order, rates)
        return (time.perf_counter() - start) / task.epochs, float(losses[-1])

    def play() -> dict[str, Any]:
        alone, _ = epochs()
        with BusyProgram(available_processors()):
            beside, loss = epochs()
        return {"alone": alone, "beside": beside, "loss": loss}

    sizes = "-".join(map(str, task.sizes))
    return {"name": f"{sizes}, threads: {task.threads}", "versions": versions()}, play


if __name__ == "__main__":
    task = SharingTask(**json.loads(sys.argv[1]))
    serve("treadle", task.processors, lambda: prepare(task))
