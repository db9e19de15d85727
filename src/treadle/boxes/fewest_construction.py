"""The fewest boxes in one dimension: the longest runs of a fine mesh, or edges by density; with their
bounds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from treadle.boxes.bounds import UNIT, outward, root_mean_square
from treadle.boxes.construction import Built, Request, norm_bound
from treadle.boxes.exact_sums import summable
from treadle.boxes.judges import slopes
from treadle.boxes.partition import Grid, check_n_cells
from treadle.boxes.refinement import refine
from treadle.boxes.runs import edges_by_density, longest_runs
from treadle.boxes.target import Array, Ranges, Target
from treadle.errors import InvalidInput

# Cells of the mesh that longest runs are made of, for each of them.
MESH_PER_RUN = 128
# Where nothing is proved, as many cells at least.
COARSEST_MESH = 4096


def fewest_boxes(target: Target, request: Request) -> Built:
    """The longest runs of a fine mesh, or for L2 edges by density.

    Raises
    ------
    InvalidInput
        In more than one dimension.
    """
    if request.norm == "l2":
        return _boxes_by_density(target, request)
    if request.eps is not None:
        mesh = _mesh(target, request.eps / MESH_PER_RUN, None, request.asked)
        return _runs(target, mesh, request.eps)
    assert request.n_boxes is not None
    return _runs_of_number(target, request.n_boxes)


@dataclass(frozen=True)
class Mesh:
    """Fine cells from left to right, with f's range over each."""

    edges: Array
    ranges: Ranges


def _mesh(target: Target, eps: float | None, n_boxes: int | None, asked: float | None = None) -> Mesh:
    """Refined until each cell's range is small against eps, or as far as float64 goes."""

    def judge(lower: Array, upper: Array) -> tuple[Array, Array]:
        ranges = target.ranges(lower, upper)
        error = ranges.errors(ranges.middle)
        # A cell of one number is as good as can be.
        fine = (lower == target.last(lower, upper))[:, 0]
        met = (ranges.greatest_met - ranges.least_met) / 2
        excess = error - np.minimum(met, error)
        if target.kind == "none":
            # Three values of a wide cell say nothing.
            wide = (upper - lower)[:, 0] > target.widths[0] / COARSEST_MESH
            return np.where(fine, 0.0, np.where(wide, np.inf, met)), met
        return np.where(fine, 0.0, np.maximum(met, excess)), error

    cells = "cells of the mesh that the fewest boxes are made of"
    refined = refine(target, judge, eps=eps, n_boxes=n_boxes, asked=asked, cells=cells)
    lower, upper = refined.tree.corners()
    order = np.argsort(lower[:, 0])
    lower, upper = lower[order], upper[order]
    return Mesh(np.append(lower[:, 0], upper[-1, 0]), target.ranges(lower, upper))


def _runs(target: Target, mesh: Mesh, eps: float) -> Built:
    ranges = mesh.ranges
    span = 2 * eps * (1 - 256 * UNIT)
    starts = longest_runs(ranges.least, ranges.greatest, span)
    least = np.minimum.reduceat(ranges.least, starts)
    greatest = np.maximum.reduceat(ranges.greatest, starts)
    heights = summable(least / 2 + greatest / 2)
    errors = outward(np.maximum(greatest - heights, heights - least))
    edges = np.append(mesh.edges[starts], mesh.edges[-1])
    fewest = longest_runs(ranges.least_met, ranges.greatest_met, 2 * eps).size
    return Built(Grid([edges]), heights, norm_bound(target, "sup", errors, "runs"), fewest)


def _runs_of_number(target: Target, n_boxes: int) -> Built:
    """The least eps whose runs are at most n_boxes, by bisection on one mesh."""
    mesh = _mesh(target, None, min(max(MESH_PER_RUN * n_boxes, 4096), 1 << 20))
    high = float(mesh.ranges.greatest.max() / 2 - mesh.ranges.least.min() / 2) * (1 + 1e-9) + 5e-324
    low, best = 0.0, _runs(target, mesh, high)
    for _ in range(40):
        middle = low / 2 + high / 2
        built = _runs(target, mesh, middle)
        if built.partition.n_cells <= n_boxes:
            high, best = middle, built
        else:
            low = middle
        if high - low <= 1e-4 * high:
            break
    return replace(best, fewest=None)


def _boxes_by_density(target: Target, request: Request) -> Built:
    """Edges as dense as |f'|^(2/3), of which the squared errors of boxes add up to least."""
    mesh = np.linspace(target.bounds[0, 0], target.bounds[0, 1], 1 << 15)
    steps = np.abs(np.diff(target.values(mesh[:, np.newaxis]))) / np.diff(mesh)
    density = steps ** (2 / 3)
    if request.n_boxes is not None:
        return _by_density(target, mesh, density, request.n_boxes)
    assert request.eps is not None
    n = max(1, math.ceil(float((density * np.diff(mesh)).sum()) ** 1.5 / (math.sqrt(12) * request.eps)))
    for _ in range(60):
        built = _by_density(target, mesh, density, n)
        if not built.bound.value > request.eps:
            return built
        n = math.ceil(n * max(1.02, min(2.0, built.bound.value / request.eps)))
        check_n_cells((n,))
    raise InvalidInput(
        f"eps={request.asked!r} is not proved with {n} boxes of optimal density: give an enclosure, which "
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
