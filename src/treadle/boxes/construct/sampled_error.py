"""Estimates the error at sampled points: from below, apart from the proofs."""

from __future__ import annotations

import math

import numpy as np

from treadle.boxes.network.box_network import BoxNetwork
from treadle.boxes.proof.known_function import Target
from treadle.choices import BoxNormName

# Points in all, and cells whose edges are looked at.
POINTS = 100_000
CELLS = 30_000


def error_estimate(target: Target, network: BoxNetwork, norm: BoxNormName, random_state: int = 0) -> float:
    """Estimate the greatest |f - F|, or the L2 norm by Monte Carlo.

    For the supremum norm, points are drawn at random, and in up to 30 000 cells, drawn at random where there
    are more, at both ends of the cell's diagonal and in its middle.

    Parameters
    ----------
    target : Target
    network : BoxNetwork
    norm : {"sup", "l2"}
    random_state : int
    """
    rng = np.random.default_rng(random_state)
    a, b = target.bounds[:, 0], target.bounds[:, 1]
    points = np.clip(rng.uniform(a, b, (POINTS, target.n_dims)), a, b)
    if norm == "sup":
        n_cells = network.partition_.n_cells
        cells = np.arange(n_cells) if n_cells <= CELLS else rng.integers(0, n_cells, CELLS)
        lower, upper = network.partition_.corners(cells)
        # Ghost cells lie outside of the domain.
        inside = (lower >= a).all(axis=1) & (upper <= b).all(axis=1)
        lower, upper = lower[inside], upper[inside]
        last = target.last(lower, upper)
        points = np.concatenate([points, lower, np.minimum(lower / 2 + upper / 2, last), last])
    errors = np.abs(target.values(points) - network.predict(points))
    if norm == "sup":
        return float(errors.max())
    return math.sqrt(float(np.square(errors).mean() * target.widths.prod()))
