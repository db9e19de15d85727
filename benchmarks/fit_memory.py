"""What a fit takes beside its data: ``python fit_memory.py uint8|float32 ROWS COLUMNS``, in a fresh process.

Prints JSON: ``data_mb``, and ``fit_mb``, how far the process's resident memory went, while it fitted, beyond
what it was with the data in it and everything loaded. Linux only: the peak is set back through /proc.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from treadle import MLPClassifier


def status(field: str) -> float:
    """A size of /proc/self/status, in MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) / 1024
    raise KeyError(field)


def filled(dtype: str, n_rows: int, n_columns: int) -> NDArray[np.uint8] | NDArray[np.float32]:
    """Random numbers, made a block at a time so that nothing else is ever in memory."""
    rng = np.random.default_rng(0)
    X = np.empty((n_rows, n_columns), dtype)
    for start in range(0, n_rows, 1000):
        block = X[start : start + 1000]
        block[:] = (
            rng.integers(0, 256, block.shape, np.uint8) if dtype == "uint8" else rng.random(block.shape)
        )
    return X


def measure(dtype: str, n_rows: int, n_columns: int) -> dict[str, float]:
    """Fit a classifier of ten classes for two epochs, with early stopping, and see what it takes."""
    X = filled(dtype, n_rows, n_columns)
    y = np.arange(n_rows) % 10
    options = {"hidden_layer_sizes": (256, 128), "max_iter": 2, "random_state": 0, "early_stopping": True}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        MLPClassifier(**options).fit(X[:1000], y[:1000])  # loads what is loaded when it is first used
        Path("/proc/self/clear_refs").write_text("5")  # the peak from here on
        before = status("VmRSS")
        MLPClassifier(**options).fit(X, y)
    return {"data_mb": (X.nbytes + y.nbytes) / 2**20, "fit_mb": status("VmHWM") - before}


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
