"""The reduced problem: rows left open, and a linear term for the others.

It is solved exactly.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from treadle.l1.dense.coordinates import Coordinates
from treadle.l1.dense.screening import Screened
from treadle.l1.dense.task import Task
from treadle.l1.interior.interior_rows import corner
from treadle.l1.proof.pinball import dual_bounds

EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Reduced:
    """Minimise sum_i max(l_i r_i, h_i r_i) - g'theta, r = y - Z theta.

    The rows of a penalty come first.

    ``noise`` is the rounding of a residual: of a typical target.
    """

    Z: NDArray[np.float64]
    y: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    g: NDArray[np.float64]
    n_penalties: int
    noise: float

    def __len__(self) -> int:
        return len(self.y)

    @property
    def mean_weight(self) -> float:
        """Half of the boxes' mean width."""
        return float((self.high - self.low).sum()) / (2 * max(1, len(self)))

    def loss(self, theta: NDArray[np.float64]) -> float:
        """The objective at theta."""
        r = self.y - self.Z @ theta
        return float(np.maximum(self.low * r, self.high * r).sum() - self.g @ theta)

    def part(self, some: NDArray[np.int64], g: NDArray[np.float64]) -> Reduced:
        """Return the problem of some rows, with another linear term.

        Penalties count as rows there.
        """
        return replace(
            self, Z=self.Z[some], y=self.y[some], low=self.low[some], high=self.high[some], g=g, n_penalties=0
        )


def reduced_of(task: Task, coordinates: Coordinates, screened: Screened, share: float) -> Reduced:
    """Make the problem of the penalty's rows and a screen's kept rows.

    Parameters
    ----------
    task : Task
    coordinates : Coordinates
    screened : Screened
        Of some rows, or of all.
    share : float
        Their share of all rows' weight, which is that of the penalty.
    """
    kept = screened.kept
    extra = coordinates.penalty_rows()[: None if task.penalty else 0]
    bound = np.full(len(extra), task.penalty * share)
    low, high = dual_bounds(kept.weights(), task.problem.quantile)
    Z = corner(len(extra) + len(kept), coordinates.size)
    Z[: len(extra)] = extra
    for place, chunk in kept.blocks():
        Z[len(extra) :][place] = coordinates.of(chunk.X)
    return Reduced(
        Z,
        np.concatenate([np.zeros(len(extra)), kept.targets()]),
        np.concatenate([-bound, low]),
        np.concatenate([bound, high]),
        coordinates.gradient(screened.fold),
        len(extra),
        task.noise,
    )
