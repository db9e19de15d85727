"""Bounds the error of cells, which refinement halves by.

Bounds of a cell's range are made sharper, by cutting it into more parts, only while they decide nothing: a
cell fits if the proved range does, and is halved as soon as sampled values lie too far apart.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from treadle.boxes.proof.bounds import UNIT, outward, root_mean_square
from treadle.boxes.proof.known_function import Array, Ranges, Target, cut
from treadle.choices import BoxNormName

# (lower, upper) of cells (n, d) -> (error, height) of each, (n,).
Judge = Callable[[Array, Array], tuple[Array, Array]]

# Parts of a cell that bound its range at most. An enclosure's excess shrinks with the square of a part,
# that of a modulus with its width, and values are cheaper than enclosures.
PARTS_BY_VALUES, PARTS_BY_ENCLOSURE, PARTS_FOR_COUNT = 4096, 256, 16
# Without a proof: values along an axis that stand for a cell's range.
VALUES_PER_AXIS = {1: 16, 2: 6, 3: 4}


def box_judge(target: Target, eps: float | None, norm: BoxNormName) -> Judge:
    """Judge boxes: the error is half the range, the height the midrange.

    For L2 the height is f's in the middle, and the error that of f's slopes in the root mean square, or f's
    range, times the root of the volume.
    """

    def judge(lower: Array, upper: Array) -> tuple[Array, Array]:
        if norm == "sup":
            ranges = sharp_ranges(target, lower, upper, eps)
            return ranges.errors(ranges.middle), ranges.middle
        middle = np.minimum(lower / 2 + upper / 2, target.last(lower, upper))
        height = target.values(middle)
        error = target.ranges(lower, upper, VALUES_PER_AXIS.get(target.n_dims, 2)).errors(height)
        local = slopes(target, lower, upper)
        if local is not None:
            moved = root_mean_square(local * np.maximum(upper - middle, middle - lower))
            error = np.minimum(error, outward(moved + 2 * target.rounding))
        return np.asarray(outward(error * np.sqrt((upper - lower).prod(axis=1)))), height

    return judge


def sharp_ranges(
    target: Target, lower: Array, upper: Array, eps: float | None, most: int = PARTS_FOR_COUNT
) -> Ranges:
    """Bound f over cells, as sharply as the decision needs.

    Parameters
    ----------
    eps : float or None
        Sharp enough to say whether half a range is at most eps; None: within a tenth of the sampled range.
    """
    d = target.n_dims
    if target.kind == "none":
        return target.ranges(lower, upper, VALUES_PER_AXIS.get(d, 2))
    ranges = target.ranges(lower, upper)
    least, greatest, least_sampled, largest_sampled = (
        np.array(part)
        for part in (ranges.least, ranges.greatest, ranges.least_sampled, ranges.largest_sampled)
    )
    if eps is not None:
        most = PARTS_BY_VALUES if target.enclosure is None else PARTS_BY_ENCLOSURE
    parts = 4 if d == 1 else 2
    while parts**d <= most:
        proved, sampled = (greatest - least) / 2, (largest_sampled - least_sampled) / 2
        if eps is not None:
            open_cells = np.flatnonzero(~(outward(proved) <= eps) & (sampled <= eps))
        else:
            open_cells = np.flatnonzero(~(proved <= 1.1 * sampled))
        if not open_cells.size:
            break
        finer = target.ranges(lower[open_cells], upper[open_cells], parts)
        least[open_cells] = np.maximum(least[open_cells], finer.least)
        greatest[open_cells] = np.minimum(greatest[open_cells], finer.greatest)
        least_sampled[open_cells] = np.minimum(least_sampled[open_cells], finer.least_sampled)
        largest_sampled[open_cells] = np.maximum(largest_sampled[open_cells], finer.largest_sampled)
        parts *= 4 if d == 1 else 2
    return Ranges(least, greatest, least_sampled, largest_sampled)


def linear_judge(target: Target, norm: BoxNormName) -> Judge:
    """Judge linear interpolation between a cell's ends, in one dimension.

    It is the least of M h^2 / 8, L h / 2 and f's range over the cell, in which both f and the chord lie;
    without a proof, the greatest that values show. A cell of one number is interpolated exactly. The
    height is not used.
    """

    def judge(lower: Array, upper: Array) -> tuple[Array, Array]:
        width = (upper - lower)[:, 0]
        error = np.full(len(lower), np.inf)
        bending = second_derivatives(target, lower, upper)
        parts = 8.0 if norm == "sup" else math.sqrt(120)
        if bending is not None:
            error = np.minimum(error, outward(bending[:, 0, 0] * np.square(width) / parts))
        slope = slopes(target, lower, upper)
        if slope is not None:
            error = np.minimum(error, outward(slope[:, 0] * width / 2))
        if target.enclosure is None and target.modulus is not None:
            error = np.minimum(error, target.modulus.across(upper - lower))
        elif target.enclosure is None and bending is None:
            error = _sampled_chord_error(target, lower, upper)
        error = error + linear_rounding(target)
        if target.enclosure is not None:  # of computed values: of rounding there is the chord's alone
            least, greatest = target.enclosure.range(lower, upper)
            error = np.minimum(error, outward(greatest - least + interpolation_rounding(target)))
        within = np.nextafter(lower[:, 0], np.inf) < upper[:, 0]
        error = np.where(within, error, interpolation_rounding(target))
        if norm == "l2":
            error = outward(error * np.sqrt(width))
        return error, np.zeros(len(lower))

    return judge


def linear_rounding(target: Target) -> float:
    """Bound how far rounding takes interpolation and f's values from the exact ones."""
    return 2 * target.rounding + interpolation_rounding(target)


def interpolation_rounding(target: Target) -> float:
    """Bound how far computed interpolation lies from exact interpolation of the same values.

    In each of d dimensions a place (x - a) / (b - a), a difference of two values, their product and a sum are
    rounded: 3 units of the difference and one of each of the others, of values up to the greatest.
    """
    return 16 * target.n_dims * UNIT * target.largest_sampled


def slopes(target: Target, lower: Array, upper: Array) -> Array | None:
    """Bound |df/dx_i| over each cell, (n, d); None where nothing is known."""
    found = None
    if target.modulus is not None and target.modulus.per_axis is not None:
        found = np.broadcast_to(target.modulus.per_axis, lower.shape)
    if (
        target.enclosure is not None
        and (gradient := target.enclosure.gradient_range(lower, upper)) is not None
    ):
        local = np.maximum(np.abs(gradient[0]), np.abs(gradient[1]))
        found = local if found is None else np.minimum(found, local)
    return found


def second_derivatives(target: Target, lower: Array, upper: Array) -> Array | None:
    """Bound the second partial derivatives over each cell, (n, d, d).

    It is None where nothing is known.
    """
    found = None
    if target.curvature is not None:
        found = np.broadcast_to(target.curvature, (len(lower), *target.curvature.shape))
    if target.enclosure is not None:
        local = target.enclosure.second_derivative_bound(lower, upper)
        if local is not None:
            found = local if found is None else np.minimum(found, local)
    return found


def _sampled_chord_error(target: Target, lower: Array, upper: Array) -> Array:
    """Sample the distance from the chord at sixteen points of each cell."""
    n, n_points = len(lower), 16
    low, high = cut(lower, upper, n_points)
    place = (np.arange(n_points) + 0.5) / n_points
    first, last = target.values(lower)[:, np.newaxis], target.values(upper)[:, np.newaxis]
    values = target.values(low / 2 + high / 2).reshape(n, n_points)
    return np.asarray(np.abs(values - (first + place * (last - first))).max(axis=1))
