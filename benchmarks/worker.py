"""One rival in a process of its own, so that its threads and its imports meet nobody else's.

``python worker.py MODULE THREADS SEED [ROWS]`` trains one epoch for each line that comes on standard
input and answers with a line of JSON on standard output: first the rival's name and its versions, then
``seconds`` and ``loss`` an epoch; with each, ``cpu``: the seconds of all processors that this process has
taken so far. It ends when its input does.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from typing import Any

import numpy as np

from treadle.data import load_data
from treadle.errors import TreadleError


def main(module: str, threads: int, seed: int, n_rows: int | None) -> None:
    # Affinity binds every library, those that read no environment variable for their threads included.
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    try:
        rival = importlib.import_module(module)
        dataset = load_data("fashion-mnist")
    except ModuleNotFoundError as error:
        sys.exit(f"{module}: {error}; `make bench` installs what the rivals need")
    except TreadleError as error:
        sys.exit(f"{module}: {error}")
    train_epoch = rival.prepare(np.array(dataset.X_train[:n_rows]), np.array(dataset.y_train[:n_rows]), seed)
    answer({"name": rival.NAME, "versions": rival.versions()})
    for _ in sys.stdin:
        start = time.perf_counter()
        loss = train_epoch()
        answer({"seconds": time.perf_counter() - start, "loss": loss})


def answer(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps({**message, "cpu": time.process_time()}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    arguments = [int(argument) for argument in sys.argv[2:]]
    main(sys.argv[1], *arguments[:2], arguments[2] if len(arguments) > 2 else None)
