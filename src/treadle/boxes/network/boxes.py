"""The record of a box network: cells, heights, units, and the proved bound.

Its forms, its counts and its file read this record; ``treadle.boxes.network.box_network`` has one and
computes with it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from treadle.boxes.cells.partition import Grid, Partition
from treadle.boxes.proof.bounds import ErrorBound, unproved
from treadle.choices import BoxActivationName, BoxOutsideName
from treadle.errors import InvalidInput


@dataclass(frozen=True, eq=False)
class Boxes:
    """A ``BoxNetwork``'s data, checked; the parameters are described there.

    Parameters
    ----------
    partition : Partition
    heights : ndarray of float64
        Contiguous.
    order, activation, steepness, outside, n_ghost_boxes
    error_bound : ErrorBound
    error_estimate : float
    n_boxes_lower_bound : int or None

    Raises
    ------
    InvalidInput
        If these contradict each other; it says how.
    """

    partition: Partition
    heights: NDArray[np.float64]
    order: int = 0
    activation: BoxActivationName = "step"
    steepness: float | None = None
    outside: BoxOutsideName = "clamped"
    n_ghost_boxes: int = 0
    error_bound: ErrorBound = field(default_factory=unproved)
    error_estimate: float = math.nan
    n_boxes_lower_bound: int | None = None

    def __post_init__(self) -> None:
        grid, n_dims = isinstance(self.partition, Grid), self.n_dims
        if self.order not in (0, 1):
            raise InvalidInput(f"order must be 0 (boxes) or 1 (piecewise linear); got {self.order!r}")
        if self.activation not in get_args(BoxActivationName):
            raise InvalidInput(f"activation must be 'step', 'sigmoid' or 'relu'; got {self.activation!r}")
        if self.order == 1 and self.activation != "relu":
            raise InvalidInput(
                f"order 1 is piecewise linear: its activation is 'relu'; got {self.activation!r}"
            )
        if self.order == 1 and not grid:
            raise InvalidInput("order 1 interpolates on a grid; other partitions have boxes: take order=0")
        if self.order == 0 and self.activation != "step" and (n_dims > 1 or not grid):
            raise InvalidInput(
                f"activation {self.activation!r} of order 0 is for one dimension: in {n_dims} dimensions "
                "smooth towers dip at the corners; take 'step', or order=1 for hats"
            )
        smooth = self.order == 0 and self.activation != "step"
        if smooth != (self.steepness is not None):
            raise InvalidInput(
                "steepness goes with the activations 'sigmoid' and 'relu' of order 0, and with no other; "
                f"got {self.steepness!r} with {self.activation!r} of order {self.order}"
            )
        if self.steepness is not None and not (0 < self.steepness < math.inf):
            raise InvalidInput(f"steepness must be positive and finite; got {self.steepness!r}")
        if self.outside not in get_args(BoxOutsideName):
            raise InvalidInput(f"outside must be 'clamped' or 'zero'; got {self.outside!r}")
        if self.outside == "zero" and self.activation != "step":
            raise InvalidInput(
                f"outside='zero' is for steps, which end where the domain does; got {self.activation!r}"
            )
        if self.n_ghost_boxes and not (
            smooth and self.n_ghost_boxes > 0 and 2 * self.n_ghost_boxes < self.partition.n_cells
        ):
            raise InvalidInput(
                "ghost boxes go with smooth units, and are fewer than all boxes; got "
                f"{self.n_ghost_boxes!r} at each end of {self.partition.n_cells} boxes"
            )
        shape: tuple[int, ...] = (self.partition.n_cells,)
        if isinstance(self.partition, Grid):
            shape = tuple(m + self.order for m in self.partition.shape)
        if self.heights.shape != shape:
            raise InvalidInput(f"heights must be of shape {shape}; got {self.heights.shape}")
        if not np.isfinite(self.heights).all():
            raise InvalidInput("heights must be finite; some are NaN or infinite")

    @property
    def n_dims(self) -> int:
        """Variables of the function: d."""
        return self.partition.n_dims

    @property
    def edges(self) -> tuple[NDArray[np.float64], ...]:
        """Along each axis, all values at which cells end, increasing."""
        return self.partition.edges
