"""Builds boxes on equal cells, as many as a theorem needs, and bounds them."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from treadle.boxes.cells.partition import Grid, check_n_cells
from treadle.boxes.construct.cells_needed import cells_for_boxes, share_boxes
from treadle.boxes.construct.construction import Built, Request, norm_bound
from treadle.boxes.network.exact_sums import summable
from treadle.boxes.proof.assumptions import sampled_modulus
from treadle.boxes.proof.bounds import ErrorBound, outward, root_mean_square, theorem, unproved
from treadle.boxes.proof.cell_errors import sharp_ranges, slopes
from treadle.boxes.proof.known_function import Array, Target
from treadle.choices import BoxHeightName
from treadle.errors import InvalidInput

# Grids up to this many cells are bounded cell by cell where the whole domain's constants would do.
CELLS_BOUNDED_SINGLY = 100_000
# Parts of a cell whose midrange is needed.
PARTS_FOR_MIDRANGE = 64
# Cells whose corners are held at a time.
CELLS_PER_BLOCK = 1 << 18
# The largest grid that is tried where ranges alone are known, and no theorem says how many are enough.
CELLS_TRIED = 1 << 18
# The widths of a cell between its height's place and its furthest point.
REACH = {"middle": 0.5, "midrange": 0.5, "lower": 1.0}


def even_grid(target: Target, counts: list[int]) -> Grid:
    """Make a grid of equal cells, with a given number along each axis.

    Raises
    ------
    InvalidInput
        If there are more than 1e8, or more along an axis than there are numbers in float64.
    """
    check_n_cells(counts)
    edges = []
    for (a, b), m in zip(target.bounds.tolist(), counts, strict=True):
        # The last edge is the bound itself, whatever the sum rounds to.
        axis = a + (b - a) * (np.arange(m + 1) / m)
        axis[-1] = b
        if not (np.diff(axis) > 0).all():
            raise InvalidInput(
                f"{m} cells between {a} and {b} are more than float64 can tell apart: take fewer"
            )
        edges.append(axis)
    return Grid(edges)


def uniform_boxes(target: Target, request: Request) -> Built:
    """Build boxes on equal cells: as many as the theorem needs, or as given."""
    if request.eps is None:
        return _uniform(target, request, _given_counts(target, request))
    if target.modulus is None and target.enclosure is not None:
        return _uniform_by_doubling(target, request, request.eps)
    modulus = target.modulus or sampled_modulus(target)
    # Rounding of f is no part of the theorem's count: what it takes of eps is left out first.
    budget = request.eps - 2 * target.rounding
    counts = cells_for_boxes(target, modulus, max(budget, request.eps / 2), request.norm, REACH[request.rule])
    built = _uniform(target, request, counts)
    for _ in range(3):
        if not built.bound.value > request.eps:
            return _fewer(target, request, built, request.eps)
        # Rounding of the heights may still exceed what was left: one cell more along each axis.
        counts = [m + 1 for m in counts]
        built = _uniform(target, request, counts)
    raise InvalidInput(
        f"eps={request.given!r} is too close to what rounding does to f: {built.bound.value:.3g} is proved "
        f"with {built.partition.n_cells} boxes; take a larger eps"
    )


def _fewer(target: Target, request: Request, built: Built, eps: float) -> Built:
    """Reduce the cells, in the same proportions, while they still prove eps.

    Cell by cell the error is less than the constants say.
    """
    assert isinstance(built.partition, Grid)
    full = np.array(built.partition.shape)
    low, high = 0.5 * built.bound.value / eps, 1.0
    # Where the bound is within a hundredth of eps, nothing is to be gained.
    while math.isfinite(built.bound.value) and built.bound.value < 0.99 * eps and high - low > 0.01:
        middle = (low + high) / 2
        trial = _uniform(target, request, [max(1, math.ceil(m * middle)) for m in full])
        if trial.bound.value <= eps:
            built, high = trial, middle
        else:
            low = middle
    return built


def _given_counts(target: Target, request: Request) -> list[int]:
    assert request.counts is not None
    if len(request.counts) == target.n_dims:
        return list(request.counts)
    modulus, weights = target.modulus, np.ones(target.n_dims)
    if modulus is not None and modulus.per_axis is not None:
        weights = modulus.per_axis * target.widths
    return share_boxes(request.counts[0], weights)


def _uniform_by_doubling(target: Target, request: Request, eps: float) -> Built:
    """Double the cells until their ranges prove eps, then reduce them while they do."""
    m = 1
    while not (built := _uniform(target, request, [m] * target.n_dims)).bound.value <= eps:
        if (2 * m) ** target.n_dims > CELLS_TRIED:
            raise InvalidInput(
                f"eps={request.given!r} is not reached with {m} equal cells along each axis, where the bound "
                f"is {built.bound.value:.3g}: take a larger eps, n_boxes, or partition='adaptive'"
            )
        m *= 2
    # Between the last number that failed and the first that did: to one part in 128.
    low = m // 2
    while m - low > max(1, low // 128):
        middle = (low + m) // 2
        trial = _uniform(target, request, [middle] * target.n_dims)
        if trial.bound.value <= eps:
            built, m = trial, middle
        else:
            low = middle
    return built


def _uniform(target: Target, request: Request, counts: list[int]) -> Built:
    """Build boxes on a grid, with the better bound of modulus and cells' ranges."""
    grid = even_grid(target, counts)
    heights, reach, shift = _heights(target, request.rule, grid)
    bounds = []
    if target.modulus is not None and request.rule != "midrange":
        # 1) All cells at once: by the modulus, over the largest offset that any has.
        bounds.append(_modulus_bound(target, request, reach, shift))
    singly = grid.n_cells <= CELLS_BOUNDED_SINGLY or not bounds
    if target.kind != "none" and singly and (target.enclosure is not None or request.rule == "midrange"):
        # 2) Cell by cell, where they are few, or where nothing else is known.
        errors = [_cell_errors(target, request, grid, heights, cells) for cells in _blocks(grid)]
        name = "midrange" if request.rule == "midrange" else "enclosure"
        bounds.append(norm_bound(target, request.norm, np.concatenate(errors), name))
    proved = [bound for bound in bounds if math.isfinite(bound.value)]
    best = min(proved, key=lambda bound: bound.value) if proved else unproved(request.norm)
    return Built(grid, heights.reshape(grid.shape), best)


def _blocks(grid: Grid) -> Iterator[NDArray[np.int64]]:
    """Number the cells in blocks: 1e8 cells' corners would not fit in memory."""
    for start in range(0, grid.n_cells, CELLS_PER_BLOCK):
        yield np.arange(start, min(start + CELLS_PER_BLOCK, grid.n_cells))


def _places(target: Target, rule: BoxHeightName, lower: Array, upper: Array) -> tuple[Array, Array]:
    """Return where cells take their heights, and the largest offsets along each axis."""
    # A cell ends at its last number in float64, one before its edge.
    last = target.last(lower, upper)
    places = lower if rule == "lower" else np.minimum(lower / 2 + upper / 2, last)
    return places, np.maximum(last - places, places - lower)


def _heights(target: Target, rule: BoxHeightName, grid: Grid) -> tuple[Array, Array, float]:
    """Compute the heights, the largest offsets, and the largest shift by exact sums."""
    values, reach = np.empty(grid.n_cells), np.zeros(grid.n_dims)
    for cells in _blocks(grid):
        lower, upper = grid.corners(cells)
        if rule == "midrange":
            values[cells] = sharp_ranges(target, lower, upper, None, PARTS_FOR_MIDRANGE).middle
            continue
        places, offsets = _places(target, rule, lower, upper)
        values[cells] = target.values(places)
        reach = np.maximum(reach, offsets.max(axis=0))
    # Rounded so that sums of jumps are exact; the shift is part of the error.
    heights = summable(values)
    return heights, reach, float(np.abs(heights - values).max())


def _cell_errors(
    target: Target, request: Request, grid: Grid, heights: Array, cells: NDArray[np.int64]
) -> Array:
    """Bound each cell's error by f's range there, or by its slopes.

    For L2, times the root of the volume.
    """
    lower, upper = grid.corners(cells)
    if request.rule == "midrange":
        errors = sharp_ranges(target, lower, upper, None, PARTS_FOR_MIDRANGE).errors(heights[cells])
    else:
        errors = target.ranges(lower, upper).errors(heights[cells])
        # |f - f(place)| <= sum_i |df/dx_i| offset_i: its maximum, or over the cell its root mean square.
        local = slopes(target, lower, upper)
        if local is not None:
            places, offsets = _places(target, request.rule, lower, upper)
            parts = local * offsets
            moved = root_mean_square(parts) if request.norm == "l2" else parts.sum(axis=1)
            shift = np.abs(heights[cells] - target.values(places)) + 2 * target.rounding
            errors = np.minimum(errors, outward(moved + shift))
    if request.norm == "l2":
        errors = outward(errors * np.sqrt((upper - lower).prod(axis=1)))
    return errors


def _modulus_bound(target: Target, request: Request, reach: Array, shift: float) -> ErrorBound:
    modulus, norm = target.modulus, request.norm
    assert modulus is not None
    name = "boxes" if request.rule == "middle" else "lower"
    # omega of the largest offsets; for L2, with a constant along each axis, the root mean square.
    moved = float(modulus.across(reach[np.newaxis])[0])
    if norm == "l2" and modulus.per_axis is not None:
        moved = float(root_mean_square(reach * modulus.per_axis))
    scale = math.sqrt(float(target.widths.prod())) if norm == "l2" else 1.0
    value = float(outward((moved + shift + 2 * target.rounding) * scale))
    return ErrorBound(value, modulus.kind, theorem(name, norm), norm)
