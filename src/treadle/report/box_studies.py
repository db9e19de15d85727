"""Studies box networks' errors by their number of boxes and their steepness.

The pictures of box networks show them. Each study builds networks for one typed function and keeps their
sampled errors beside what is proved.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from treadle.boxes.approximate import approximate
from treadle.formulas.expressions import Expression

# Of sigmoids, by the product of steepness and width: from units that blur many boxes to bare steps.
PRODUCTS = tuple(float(product) for product in np.geomspace(0.5, 128, 17))
BYTES_OF_MEMORY = 16e9  # of an ordinary computer
BYTES_PER_PARAMETER = 8
PARAMETERS_PER_BOX = 3  # of the index form, in any number of dimensions


@dataclass(frozen=True)
class ErrorStudy:
    """Errors of networks of more and more boxes: sampled and proved.

    The proved bounds are nan where there is none.
    """

    n_boxes: NDArray[np.float64]
    sampled: NDArray[np.float64]
    proved: NDArray[np.float64]

    def slope(self) -> float:
        """Fit the slope of log(sampled error) against log(number) by least squares.

        It is nan where there are no two.
        """
        known = self.sampled > 0
        if known.sum() < 2:
            return math.nan
        return float(np.polyfit(np.log(self.n_boxes[known]), np.log(self.sampled[known]), 1)[0])


@dataclass(frozen=True)
class SteepnessStudy:
    """Errors of n sigmoid boxes by steepness times width, beside steps."""

    n_boxes: int
    products: NDArray[np.float64]
    sampled: NDArray[np.float64]
    proved: NDArray[np.float64]
    steps: float


def error_against_boxes(
    f: Expression, bounds: Sequence[tuple[float, float]], counts: Sequence[int], *, order: int
) -> ErrorStudy:
    """Compute the errors of equal boxes, for each number of boxes.

    They are of order 0 or 1.
    """
    networks = [approximate(f, bounds, n_boxes=n, order=order) for n in counts]
    return ErrorStudy(
        np.array([network.n_boxes_ for network in networks], dtype=float),
        np.array([network.error_estimate_ for network in networks]),
        np.array([network.error_bound_ for network in networks]),
    )


def error_against_steepness(f: Expression, bounds: tuple[float, float], *, n_boxes: int) -> SteepnessStudy:
    """Compute the errors of the same boxes with steps and with sigmoids.

    They are in one dimension, with several steepnesses.
    """
    width = (bounds[1] - bounds[0]) / n_boxes
    networks = [
        approximate(f, [bounds], n_boxes=n_boxes, activation="sigmoid", steepness=product / width)
        for product in PRODUCTS
    ]
    return SteepnessStudy(
        n_boxes,
        np.array(PRODUCTS),
        np.array([network.error_estimate_ for network in networks]),
        np.array([network.error_bound_ for network in networks]),
        approximate(f, [bounds], n_boxes=n_boxes).error_estimate_,
    )


def parameters_against_dimension(boxes_per_axis: float, dimensions: Sequence[int]) -> NDArray[np.float64]:
    """Estimate the parameters of a grid in each number of dimensions."""
    return np.array([PARAMETERS_PER_BOX * float(boxes_per_axis) ** d for d in dimensions])


def parameters_that_fit() -> float:
    """The number of parameters that an ordinary computer's memory holds."""
    return BYTES_OF_MEMORY / BYTES_PER_PARAMETER
