"""One program that fits an L1 regression, in a process of its own; as worker.py, with an ``L1Task``.

Each line of standard input is answered with ``seconds`` and ``objective`` of a fit, the sum of absolute
residuals. The first, in a fresh process, says ``megabytes``: the peak of memory beyond what was there before.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worker import serve


@dataclass(frozen=True)
class L1Task:
    """A module of ``l1_rivals``, rows and features, the seed of the data."""

    rival: str
    n_rows: int
    n_features: int
    threads: int
    seed: int


def contaminated(n_rows: int, n_features: int, seed: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """t noise with 1.5 degrees of freedom, 5 % gross outliers and .1 % leverage rows."""
    rng = np.random.default_rng([seed, n_rows, n_features])
    X = rng.normal(size=(n_rows, n_features))
    y = X @ rng.normal(size=n_features) + 1 + rng.standard_t(1.5, size=n_rows)
    outliers = rng.random(n_rows) < 0.05
    y[outliers] += rng.normal(size=outliers.sum(), scale=100)
    X[rng.random(n_rows) < 0.001] *= 100
    return X, y


def peak_megabytes() -> float | None:
    """The most that this process has held at once since its peak was reset; None where that is not told."""
    try:
        status = Path("/proc/self/status").read_text("ascii")
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024
    except (OSError, IndexError, ValueError):
        return None


def reset_peak() -> None:
    """The peak is what is held now, where Linux allows that."""
    try:
        Path("/proc/self/clear_refs").write_text("5", "ascii")
    except OSError:
        return


def prepare(task: L1Task) -> tuple[dict[str, Any], Callable[[], dict[str, Any]]]:
    """The rival's name and versions, and the function that fits once."""
    rival = importlib.import_module(f"l1_rivals.{task.rival}")
    X, y = contaminated(task.n_rows, task.n_features, task.seed)

    def play() -> dict[str, Any]:
        reset_peak()
        before = peak_megabytes()
        start = time.perf_counter()
        found = rival.fit(X, y)
        seconds = time.perf_counter() - start
        peak = peak_megabytes()
        objective = None if found is None else float(np.abs(y - X @ found[1:] - found[0]).sum())
        megabytes = None if before is None or peak is None else peak - before
        return {"seconds": seconds, "objective": objective, "megabytes": megabytes}

    return {"name": rival.name, "versions": {p: version(p) for p in rival.packages}}, play


if __name__ == "__main__":
    task = L1Task(**json.loads(sys.argv[1]))
    serve(task.rival, task.threads, lambda: prepare(task))
