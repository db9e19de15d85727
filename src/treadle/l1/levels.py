"""Coarse levels: random samples, each at most 16 times the last, that lead to a guess for all rows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

FACTOR = 16


def level_sizes(n_rows: int, size: int) -> list[int]:
    """Rows of each level, the last being all; ``size`` counts the coordinates p."""
    smallest = max(2000, 60 * size)
    if n_rows <= 2 * smallest:
        return [n_rows]
    n_steps = max(1, math.ceil(math.log(n_rows / smallest, FACTOR)))
    ratio = (n_rows / smallest) ** (1 / n_steps)
    return [*(round(smallest * ratio**i) for i in range(n_steps)), n_rows]


def limited_sizes(sizes: list[int], size: int) -> list[int]:
    """Those levels for rows that memory need not hold: none larger than what the last pass then keeps.

    A sample of m rows of N leaves 2.5 N sqrt(p / m) to keep, which is m itself at m^3 = (2.5 N)^2 p. So
    memory grows as N^(2/3).
    """
    *samples, n_rows = sizes
    most = max(2000, 60 * size, math.ceil(((2.5 * n_rows) ** 2 * size) ** (1 / 3)))
    return [*(m for m in samples if m < most), most, n_rows] if samples and samples[-1] > most else sizes


def kept_share(size: int, n_rows: int) -> float:
    """The share of rows that a guess from a level of ``n_rows`` rows leaves open."""
    return min(1.0, 2.5 * math.sqrt(size / n_rows))


def radius(r: NDArray[Any], lengths: NDArray[Any], share: float) -> float:
    """T such that a ``share`` of rows have |r_i| <= T |z_i|."""
    q = np.abs(r) / np.maximum(lengths, 1e-300)
    k = min(len(q) - 1, round(share * len(q)))
    return float(np.partition(q, k)[k])
