"""One rival in a process of its own, so that its threads and its imports meet nobody else's.

``python worker.py TASK`` with a ``TrainingTask`` as JSON trains one epoch for each line that comes on
standard input and answers with a line of JSON on standard output: first the rival's name and its versions,
then ``seconds`` and ``loss`` an epoch. It ends when its input does.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from machine import rest, take_processors
from recipe import Recipe
from treadle.data import load_data
from treadle.errors import TreadleError


@dataclass(frozen=True)
class TrainingTask:
    """A module of ``rivals``, what it trains, on how many threads and rows (None: all)."""

    rival: str
    recipe: Recipe
    threads: int
    seed: int = 0
    rows: int | None = None


def prepare(task: TrainingTask) -> tuple[dict[str, Any], Callable[[], dict[str, Any]]]:
    """The rival's name and versions, and the function that trains an epoch."""
    rival = importlib.import_module(f"rivals.{task.rival}")
    dataset = load_data("fashion-mnist")
    X, y = np.array(dataset.X_train[: task.rows]), np.array(dataset.y_train[: task.rows])
    train_epoch = rival.prepare(task.recipe, X, y, task.seed, task.threads)

    def epoch() -> dict[str, Any]:
        start = time.perf_counter()
        loss = train_epoch()
        return {"seconds": time.perf_counter() - start, "loss": loss}

    return {"name": rival.name(task.recipe), "versions": rival.versions()}, epoch


def serve(what: str, threads: int, prepared: Callable[[], tuple[Any, Callable[[], dict[str, Any]]]]) -> None:
    """Prepare on that many processors, say so, and play a round for each line of standard input."""
    take_processors(threads)
    try:
        ready, play = prepared()
    except ModuleNotFoundError as error:
        sys.exit(f"{what}: {error}; `make bench` installs what the rivals need")
    except TreadleError as error:
        sys.exit(f"{what}: {error}")
    answer(ready)
    for _ in sys.stdin:
        rest()
        answer(play())


def answer(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    values = json.loads(sys.argv[1])
    task = TrainingTask(**{**values, "recipe": Recipe(**values["recipe"])})
    serve(task.rival, task.threads, lambda: prepare(task))
