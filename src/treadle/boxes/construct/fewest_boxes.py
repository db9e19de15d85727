"""The fewest boxes in one dimension, with their bound.

The supremum norm takes the longest runs of a fine mesh, L2 edges by density.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from treadle.boxes.cells.partition import Grid, n_cells_at_least
from treadle.boxes.construct.construction import Built, Request, norm_bound
from treadle.boxes.construct.halving import refine
from treadle.boxes.construct.longest_pieces import edges_by_density, longest_runs
from treadle.boxes.network.exact_sums import summable
from treadle.boxes.proof.bounds import UNIT, outward, root_mean_square
from treadle.boxes.proof.cell_errors import slopes
from treadle.boxes.proof.known_function import Array, Ranges, Target
from treadle.errors import InvalidInput
from treadle.messages import quoted

# Cells of the mesh that longest runs are made of, for each of them.
MESH_PER_RUN = 128
# Where nothing is proved, as many cells at least.
COARSEST_MESH = 4096
# Where the number of boxes is given: cells of the mesh, and boxes, which have eight of them or more each.
MOST_MESH, MOST_RUNS = 1 << 20, 1 << 17


def fewest_boxes(target: Target, request: Request) -> Built:
    """Take the longest runs of a fine mesh, or for L2 edges by density.

    Raises
    ------
    InvalidInput
        In more than one dimension.
    """
    if request.norm == "l2":
        return _boxes_by_density(target, request)
    if request.eps is not None:
        mesh = _mesh(target, request.eps / MESH_PER_RUN, None, request.given)
        return _runs(target, mesh, request.eps)
    assert request.n_boxes is not None
    return _runs_of_number(target, request.n_boxes)


@dataclass(frozen=True)
class Mesh:
    """Fine cells from left to right, with f's range over each."""

    edges: Array
    ranges: Ranges


def _mesh(target: Target, eps: float | None, n_boxes: int | None, given: float | None = None) -> Mesh:
    """Refine a mesh until cells' ranges are small against eps, or float64 ends."""

    def judge(lower: Array, upper: Array) -> tuple[Array, Array]:
        ranges = target.ranges(lower, upper)
        error = ranges.errors(ranges.middle)
        # A cell of one number is as good as can be.
        fine = (lower == target.last(lower, upper))[:, 0]
        sampled = (ranges.largest_sampled - ranges.least_sampled) / 2
        excess = error - np.minimum(sampled, error)
        if target.kind == "none":
            # Three values of a wide cell say nothing.
            wide = (upper - lower)[:, 0] > target.widths[0] / COARSEST_MESH
            return np.where(fine, 0.0, np.where(wide, np.inf, sampled)), sampled
        # Halved until f varies little over it, and is proved to vary little more than sampled values do.
        return np.where(fine, 0.0, np.maximum(sampled, excess)), error

    cells = "cells of the mesh that the fewest boxes are made of"
    refined = refine(target, judge, eps=eps, n_boxes=n_boxes, given=given, cells=cells)
    lower, upper = refined.tree.corners()
    order = np.argsort(lower[:, 0])
    lower, upper = lower[order], upper[order]
    return Mesh(np.append(lower[:, 0], upper[-1, 0]), target.ranges(lower, upper))


def _runs(target: Target, mesh: Mesh, eps: float) -> Built:
    ranges = mesh.ranges
    # A run's midrange is off by half of its range at most; the bound is that of the heights as rounded.
    starts = longest_runs(ranges.least, ranges.greatest, _span(eps))
    least = np.minimum.reduceat(ranges.least, starts)
    greatest = np.maximum.reduceat(ranges.greatest, starts)
    heights = summable(least / 2 + greatest / 2)
    errors = outward(np.maximum(greatest - heights, heights - least))
    edges = np.append(mesh.edges[starts], mesh.edges[-1])
    # A partition of fewer boxes would have one that holds two sampled values more than 2 eps apart.
    fewest = longest_runs(ranges.least_sampled, ranges.largest_sampled, 2 * eps).size
    return Built(Grid([edges]), heights, norm_bound(target, "sup", errors, "runs"), fewest)


def _runs_of_number(target: Target, n_boxes: int) -> Built:
    """Bisect for the least eps whose runs on one mesh are at most n_boxes."""
    if n_boxes > MOST_RUNS:
        raise InvalidInput(
            f"n_boxes={quoted(n_boxes)} is more than the {MOST_RUNS} boxes that are placed one by one: take "
            "fewer, or partition='adaptive'"
        )
    mesh = _mesh(target, None, min(max(MESH_PER_RUN * n_boxes, 4096), MOST_MESH))
    high = float(mesh.ranges.greatest.max() / 2 - mesh.ranges.least.min() / 2) * (1 + 1e-9) + 5e-324
    # Kahane's bound: n_boxes boxes of a continuous function have at most this error.
    middle = float(np.abs(np.diff(mesh.ranges.middle)).sum()) / (2 * n_boxes)
    middle = middle if middle <= high else high
    low = 0.0
    for _ in range(40):
        runs = longest_runs(mesh.ranges.least, mesh.ranges.greatest, _span(middle), n_boxes)
        if runs.size <= n_boxes:
            high = min(high, middle)
        else:
            low = middle
        # By doubling until the two are near each other: the bound above is mostly near already.
        middle = high / 2 if low == 0 else min(2 * low, low / 2 + high / 2)
        if high - low <= 1e-4 * high:
            break
    return replace(_runs(target, mesh, high), fewest=None)


def _span(eps: float) -> float:
    """Bound f's range in a box, with room for rounding of the box's height."""
    return 2 * eps * (1 - 256 * UNIT)


def _boxes_by_density(target: Target, request: Request) -> Built:
    """Place edges as dense as |f'|^(2/3), which minimises the sum of squared errors."""
    mesh = np.linspace(target.bounds[0, 0], target.bounds[0, 1], 1 << 15)
    steps = np.abs(np.diff(target.values(mesh[:, np.newaxis]))) / np.diff(mesh)
    density = steps ** (2 / 3)
    if request.n_boxes is not None:
        return _by_density(target, mesh, density, request.n_boxes)
    assert request.eps is not None
    # n boxes of that density have the L2 error mass^(3/2) / (sqrt(12) n), as n grows.
    mass = float((density * np.diff(mesh)).sum())
    n = n_cells_at_least(np.float64(mass) ** 1.5 / (math.sqrt(12) * request.eps))
    for _ in range(60):
        built = _by_density(target, mesh, density, n)
        if not built.bound.value > request.eps:
            return built
        # The error falls as 1 / n: as many times more as the bound is too large.
        n = n_cells_at_least(n * max(1.02, min(2.0, built.bound.value / request.eps)))
    raise InvalidInput(
        f"eps={request.given!r} is not proved with {n} boxes of optimal density: give an enclosure, which "
        "bounds f in each box, or take partition='adaptive'"
    )


def _by_density(target: Target, mesh: Array, density: Array, n: int) -> Built:
    grid = Grid([edges_by_density(mesh, density, n)])
    lower, upper = grid.corners()
    places = np.minimum(lower / 2 + upper / 2, target.last(lower, upper))
    values = target.values(places)
    heights = summable(values)
    local = slopes(target, lower, upper)
    width = (upper - lower)[:, 0]
    ranges = target.ranges(lower, upper)
    errors = ranges.errors(heights)
    if local is not None:
        shift = np.abs(heights - values) + 2 * target.rounding
        errors = np.minimum(errors, outward(root_mean_square(local * width[:, np.newaxis] / 2) + shift))
    return Built(grid, heights, norm_bound(target, "l2", outward(errors * np.sqrt(width)), "density"))
