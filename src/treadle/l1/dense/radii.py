"""Defines balls about a guess that hold a solution, and their growth."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from treadle.maths.dtypes import Floats

# A solution farther from its guess than that, in radii, is taken for a sign that there is none.
FARTHEST_IN_RADII = 20
# By how much more a ball grows each time: where it kept too few rows, and where those that it kept did not
# bound the objective.
GROWTH_IF_TOO_EMPTY, GROWTH_IF_UNBOUNDED = 16.0, 2.0


@dataclass(frozen=True)
class Ball:
    """A set that holds a solution: all theta within ``radius`` of ``center``.

    ``center`` is of shape (p,). A pass keeps the rows that some theta of the ball lies on (``screening``). A
    ball for which those are not enough grows, each time by more: ``growth`` is by how much it did last.
    """

    center: NDArray[np.float64]
    radius: float
    growth: float = 1.0

    def holds(self, theta: NDArray[np.float64]) -> bool:
        """Say whether theta lies in the ball."""
        return math.dist(theta, self.center) <= self.radius

    def grown(self, by: float) -> Ball:
        """Enlarge the ball: every growth is ``by`` times the last one."""
        growth = self.growth * by
        return replace(self, radius=self.radius * growth, growth=growth)

    def too_empty(self) -> Ball:
        """Return the next ball, where fewer rows were kept than a vertex interpolates."""
        return self.grown(GROWTH_IF_TOO_EMPTY)

    def unbounded(self, n_kept: int, n_rows: int) -> Ball:
        """Return the next ball, where the kept rows did not bound the objective.

        It keeps all rows where this one keeps most of them.
        """
        larger = self.grown(GROWTH_IF_UNBOUNDED)
        return larger if 2 * n_kept < n_rows else replace(larger, radius=math.inf)

    def moved(self, center: NDArray[np.float64], factor: float) -> Ball:
        """Move the ball to another center; its radius becomes ``factor`` times as large."""
        return replace(self, center=center, radius=self.radius * factor)

    def farthest(self, n_kept: int, n_rows: int) -> float:
        """Maximum distance of a solution from the center; infinite if every row was kept."""
        return FARTHEST_IN_RADII * self.radius if n_kept < n_rows else math.inf


def upper_median(values: Floats) -> float:
    """Return the median, the upper one of two.

    Of few numbers it takes a fraction of ``numpy.median``'s time.
    """
    k = len(values) // 2
    return float(np.partition(values, k)[k])


def typical_size(values: Floats) -> float:
    """Return the median size of the nonzero numbers; 1 without any."""
    sizes = np.abs(values[values != 0])
    return upper_median(sizes) if len(sizes) else 1.0


def share_to_keep(size: int, n_rows: int) -> float:
    """Return the share of ``n_rows`` rows to keep about their solution."""
    return min(1.0, 2.5 * math.sqrt(size / n_rows))


def radius_that_keeps(
    share: float, r: NDArray[np.float64], lengths: NDArray[np.float64], noise: float
) -> float:
    """Return the radius that keeps a ``share`` of the rows.

    It is of those with |r_i| above the noise.
    """
    open_rows = np.abs(r) > noise
    if not open_rows.any():
        return noise / typical_size(lengths)
    distances = np.abs(r[open_rows]) / np.maximum(lengths[open_rows], 1e-300)
    k = min(len(distances) - 1, round(share * len(distances)))
    return float(np.partition(distances, k)[k])
