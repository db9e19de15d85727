"""How far from a guess a solution may be, in lengths of rows: what the rows of a sample tell of it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

# A solution that is so many radii away from its guess is none.
REACH = 20


def upper_median(values: NDArray[Any]) -> float:
    """The median, the upper one of two; of few numbers it takes a fraction of ``numpy.median``'s time."""
    k = len(values) // 2
    return float(np.partition(values, k)[k])


def typical_size(values: NDArray[Any]) -> float:
    """The median size of the numbers that are not 0; 1 if there are none."""
    sizes = np.abs(values[values != 0])
    return upper_median(sizes) if len(sizes) else 1.0


def kept_share(size: int, n_rows: int) -> float:
    """The share of rows that a guess from a level of ``n_rows`` rows leaves open."""
    return min(1.0, 2.5 * math.sqrt(size / n_rows))


def radius(r: NDArray[Any], lengths: NDArray[Any], share: float, noise: float) -> float:
    """T such that a ``share`` of the rows with |r_i| above the noise have |r_i| <= T |z_i|."""
    open_rows = np.abs(r) > noise
    if not open_rows.any():
        return noise / typical_size(lengths)
    q = np.abs(r[open_rows]) / np.maximum(lengths[open_rows], 1e-300)
    k = min(len(q) - 1, round(share * len(q)))
    return float(np.partition(q, k)[k])


def reach(radius: float, n_kept: int, n_rows: int) -> float:
    """How far from the guess a solution of the rows kept within a radius of it may be; of all, anywhere."""
    return REACH * radius if n_kept < n_rows else math.inf


def wider(radius: float, growth: float, n_kept: int, n_rows: int) -> float:
    """The radius to try where the rows kept did not bound the objective; most rows may as well be all."""
    return growth * radius if 2 * n_kept < n_rows else math.inf
