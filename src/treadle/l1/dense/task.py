"""The fixed inputs of a fit, and the counts of its steps."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from treadle.l1.dense.coordinates import Coordinates
from treadle.l1.proof.claim import Problem
from treadle.l1.sources.rows import Rows


@dataclass
class Effort:
    """Counts of interior-point steps, pivots and passes, which grow during a fit."""

    n_iter: int = 0
    n_pivots: int = 0
    n_passes: int = 0


@dataclass(frozen=True)
class Task:
    """The rows and the problem of a fit, in prepared columns.

    ``noise`` is the rounding of a residual of typical size, above 0, so that no radius is 0;
    ``bytes_per_row`` what a row that is kept takes: entries, number, target, weight; ``rng`` draws samples,
    and moves ties.
    """

    rows: Rows
    problem: Problem
    total_weight: float
    noise: float
    bytes_per_row: int
    rng: np.random.Generator
    effort: Effort = field(default_factory=Effort)

    @property
    def penalty(self) -> float:
        """lambda, the bound of the penalty rows' dual values; 0 without one."""
        return 2 * self.problem.alpha * self.total_weight

    def fewest_rows(self, coordinates: Coordinates) -> int:
        """The fewest rows that a vertex interpolates, without the penalty's."""
        n_penalties = len(coordinates.columns) if self.penalty else 0
        return max(1, coordinates.size - n_penalties)
