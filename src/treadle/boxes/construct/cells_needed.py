"""Computes the equal cells that theorems need for eps; divides cells among axes."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from treadle.boxes.cells.partition import MAX_CELLS, check_n_cells
from treadle.boxes.proof.bounds import Modulus
from treadle.boxes.proof.known_function import Array, Target
from treadle.choices import BoxNormName


def cells_for_boxes(
    target: Target, modulus: Modulus, eps: float, norm: BoxNormName, reach: float
) -> list[int]:
    """Return the cells along each axis with which boxes are within eps.

    The bound follows from f's modulus of continuity.

    Parameters
    ----------
    reach : float
        How far a point of a cell is from where its height is taken, in widths of the cell: 1/2 or 1.
    """
    widths, d = target.widths, target.n_dims
    if modulus.per_axis is not None:
        # sum_i L_i h_i is shared evenly: L_i h_i = t for all i is the least number of cells.
        share = eps / (d * reach)
        if norm == "l2":
            # The mean of |u| and of u^2 over a cell of half-width reach, by axis; times the volume.
            share = eps / (2 * reach * math.sqrt(target.widths.prod() * (d * d / 16 + d / 48)))
        return _counts(modulus.per_axis * widths / share)
    assert modulus.euclidean is not None
    # The L2 norm is at most the supremum times the root of the volume.
    budget = eps / math.sqrt(widths.prod()) if norm == "l2" else eps
    side = _largest_side(modulus, budget, reach, widths)
    return _counts(widths / side)


def _largest_side(modulus: Modulus, eps: float, reach: float, widths: Array) -> float:
    """Find the widest cube over which the modulus proves eps, by bisecting its logarithm."""
    d = widths.size

    def fits(side: float) -> bool:
        return bool(modulus.across(np.full((1, d), reach * side))[0] <= eps)

    greatest = float(widths.max())
    if fits(greatest):
        return greatest
    # Smaller cubes would be more than are built, and are refused by their number.
    low, high = math.log(greatest) - math.log(MAX_CELLS) - 10, math.log(greatest)
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if fits(math.exp(middle)) else (low, middle)
    return math.exp(low)


def cells_for_hats(target: Target, curvature: Array, eps: float, norm: BoxNormName) -> list[int]:
    """Return the cells along each axis with which linear interpolation is within eps.

    The bound follows from f's second derivatives.

    Of (1/8) sum_ij M_ij h_i h_j <= (1/8) sum_i S_i h_i^2, S_i the row's sum, each axis has an even share.
    """
    widths, d = target.widths, target.n_dims
    parts = 8.0
    budget = eps
    if norm == "l2":
        # In one dimension the L2 norm over a cell of width h is at most M h^2 / sqrt(120) times the root of
        # h.
        parts = math.sqrt(120) if d == 1 else 8.0
        budget = eps / math.sqrt(widths.prod())
    return _counts(widths * np.sqrt(d * curvature.sum(axis=1) / (parts * budget)))


def _counts(exact: NDArray[np.float64]) -> list[int]:
    counts = [math.ceil(min(value, 1e300)) for value in exact.tolist()]
    counts = [max(1, count) for count in counts]
    check_n_cells(counts)
    return counts


def share_boxes(n_boxes: int, weights: Array) -> list[int]:
    """Divide at most n_boxes cells among the axes by how f varies along each.

    Parameters
    ----------
    weights : ndarray of shape (d,)
        L_i times the width of the domain along axis i; all equal where nothing is known.
    """
    weights = np.maximum(weights, 1e-300)
    order = np.argsort(weights, kind="stable")
    counts, remaining = [1] * weights.size, n_boxes
    # From the axis along which f varies least: whoever is cut to one cell leaves its share to the others.
    for place, i in enumerate(order):
        among = np.log(weights[order[place:]])
        ideal = remaining ** (1 / among.size) * math.exp(math.log(weights[i]) - among.mean())
        counts[i] = max(1, min(remaining, int(ideal * (1 + 1e-12))))
        remaining //= counts[i]
    return counts
