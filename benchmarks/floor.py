"""The least time that an epoch can take on this processor: its arithmetic, and Adam's traffic.

An epoch multiplies and adds ``recipe.multiplications`` times, at the rate at which this processor was
measured to do so in registers (floor.c), and each of its steps reads and writes the weights and Adam's two
moments once, at the speed that was measured for arrays of that size, already in whichever cache holds them.
Nothing else is counted: no pixels, no hidden layers' outputs, no waiting of threads for each other. In
bfloat16 the products run at the rate of its own unit; Adam stays float32.
"""

from __future__ import annotations

import ctypes
import subprocess
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from recipe import Recipe

SOURCE = Path(__file__).with_name("floor.c")
COMPILE = ("cc", "-O3", "-march=native", "-ffp-contract=fast", "-fno-math-errno", "-shared", "-fPIC")
MEASUREMENTS = 10


class FloorUnknown(Exception):
    """There is no compiler to measure the floor with."""


@cache
def _library() -> ctypes.CDLL:
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/floor.so"
        try:
            subprocess.run([*COMPILE, str(SOURCE), "-o", path, "-lm"], check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise FloorUnknown(
                f"the floor cannot be measured: {error}; it needs a C compiler, called cc"
            ) from error
        library = ctypes.CDLL(path)
    for name in ("float32", "bfloat16"):
        getattr(library, f"{name}_count").restype = ctypes.c_long
        getattr(library, f"{name}_multiply_adds").restype = ctypes.c_double
        getattr(library, f"{name}_multiply_adds").argtypes = [ctypes.c_long]
    library.bfloat16_unit.restype = ctypes.c_char_p
    library.adam_passes.restype = ctypes.c_double
    library.adam_passes.argtypes = [ctypes.c_void_p] * 3 + [ctypes.c_long] * 2
    return library


def _on_threads(threads: int, work: Callable[[int], float]) -> float:
    """The longest of what the threads return, the least of several goes."""
    with ThreadPoolExecutor(threads) as pool:
        return min(max(pool.map(work, range(threads))) for _ in range(MEASUREMENTS))


@cache
def rate(factors: str, threads: int) -> float | None:
    """Multiply-adds a second of that many threads together; None for factors without a unit here.

    ``factors`` is "float32" or "bfloat16", as in ``Recipe.factors``.
    """
    library, repeats = _library(), 10_000_000
    count = getattr(library, f"{factors}_count")(ctypes.c_long(repeats))
    if count == 0:
        return None
    multiply_adds = getattr(library, f"{factors}_multiply_adds")
    seconds = _on_threads(threads, lambda _thread: multiply_adds(repeats))
    return float(threads * count / seconds) if seconds > 0 else None


@cache
def adam_seconds(n_parameters: int, threads: int) -> float:
    """Seconds of Adam's pass over that many parameters, shared among the threads."""
    library = _library()
    n = -(-n_parameters // threads)
    repeats = max(3, 20_000_000 // n)
    # Three arrays a thread in one block, a page and a bit apart, so that they do not meet in one cache set.
    blocks = [np.full(3 * (n + 1040), 0.03, np.float32) for _ in range(threads)]

    def passes(thread: int) -> float:
        w, m, v = (blocks[thread][i * (n + 1040) :].ctypes.data for i in range(3))
        return float(library.adam_passes(w, m, v, n, repeats))

    return _on_threads(threads, passes) / repeats


def floor(recipe: Recipe, n_rows: int, threads: int) -> float | None:
    """Seconds an epoch; None where the recipe's precision has no unit of its own here."""
    per_second = rate(recipe.factors, threads)
    if per_second is None:
        return None
    adam = recipe.n_steps(n_rows) * adam_seconds(recipe.n_parameters, threads)
    return recipe.multiplications(n_rows) / per_second + adam


def description(threads: int) -> dict[str, Any]:
    """The measured rates, for the record."""
    return {
        "float32_gflops": 2e-9 * (rate("float32", threads) or 0),
        "float32_width": int(_library().float32_width()),
        "bfloat16_gflops": 2e-9 * (rate("bfloat16", threads) or 0),
        "bfloat16_unit": _library().bfloat16_unit().decode(),
        "adam_microseconds": 1e6 * adam_seconds(Recipe().n_parameters, threads),
    }
