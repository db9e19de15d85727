"""One predictor in a process of its own; as worker.py, with a ``PredictionTask``.

Each line of standard input is answered with ``seconds``, those of each call. Before the first, the
predictor's output is saved in the folder, for whoever compares it.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from treadle.data import load_data
from worker import serve


@dataclass(frozen=True)
class PredictionTask:
    """A module of ``predictors``, the models' folder, how many images a call, how many calls a round."""

    predictor: str
    folder: str
    threads: int
    n_images: int
    calls: int

    @property
    def output(self) -> Path:
        """Where the predictor's probabilities are saved, as .npy."""
        return Path(self.folder, f"{self.predictor}-{self.threads}-{self.n_images}.npy")


def prepare(task: PredictionTask) -> tuple[dict[str, Any], Callable[[], dict[str, Any]]]:
    """The predictor's name and versions, and the function that plays a round."""
    predictor = importlib.import_module(f"predictors.{task.predictor}")
    X = np.array(load_data("fashion-mnist").X_test[: task.n_images], np.float32)
    predict = predictor.prepare(Path(task.folder), X, task.threads)
    np.save(task.output, predict())

    def play() -> dict[str, Any]:
        seconds = []
        for _ in range(task.calls):
            start = time.perf_counter()
            predict()
            seconds.append(time.perf_counter() - start)
        return {"seconds": seconds, "microseconds": 1e6 * float(np.median(seconds))}

    return {"name": predictor.name(task.threads), "versions": predictor.versions()}, play


if __name__ == "__main__":
    task = PredictionTask(**json.loads(sys.argv[1]))
    serve(task.predictor, task.threads, lambda: prepare(task))
