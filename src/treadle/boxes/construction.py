"""Boxes of order 0, by partition: uniform, adaptive (dyadic), optimal (longest runs); each with its bound."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from treadle.boxes.bounds import UNIT, ErrorBound, NormName, outward, root_mean_square, theorem, unproved
from treadle.boxes.exact_sums import summable
from treadle.boxes.judges import box_judge, sharp_ranges, slopes
from treadle.boxes.knowledge import met_modulus
from treadle.boxes.partition import Grid, Partition, check_n_cells
from treadle.boxes.refinement import Refined, refine
from treadle.boxes.runs import edges_by_density, longest_runs
from treadle.boxes.target import Array, Ranges, Target
from treadle.boxes.uniform import cells_for_boxes, share_boxes
from treadle.errors import InvalidInput

HeightRule = Literal["middle", "midrange", "lower"]

# Cells of the mesh that longest runs are made of, for each of them.
MESH_PER_RUN = 128
# Where nothing is proved, as many cells at least.
COARSEST_MESH = 4096
# Grids up to this many cells are bounded cell by cell where the whole domain's constants would do.
CELLS_BOUNDED_SINGLY = 100_000
# The widths of a cell between its height's place and its furthest point.
REACH = {"middle": 0.5, "midrange": 0.5, "lower": 1.0}


@dataclass(frozen=True)
class Request:
    """How many boxes, in what norm, with which heights: either eps or counts is None.

    Parameters
    ----------
    eps : float or None
    counts : tuple of int, or None
        Boxes in all, or along each axis.
    norm : {"sup", "l2"}
    rule : {"middle", "midrange", "lower"}
        Where the height of a uniform box is taken.
    """

    eps: float | None
    counts: tuple[int, ...] | None
    norm: NormName
    rule: HeightRule = "middle"

    @property
    def n_boxes(self) -> int | None:
        """Boxes in all."""
        return None if self.counts is None else math.prod(self.counts)


@dataclass(frozen=True)
class Built:
    """A partition with heights, and what is proved of them."""

    partition: Partition
    heights: Array
    bound: ErrorBound
    fewest: int | None = None


def even_grid(target: Target, counts: list[int]) -> Grid:
    """Equal cells, so many along each axis.

    Raises
    ------
    InvalidInput
        If there are more than 1e8, or more along an axis than there are numbers in float64.
    """
    check_n_cells(counts)
    edges = []
    for (a, b), m in zip(target.bounds.tolist(), counts, strict=True):
        axis = a + (b - a) * (np.arange(m + 1) / m)
        axis[-1] = b
        if not (np.diff(axis) > 0).all():
            raise InvalidInput(
                f"{m} cells between {a} and {b} are more than float64 can tell apart: take fewer"
            )
        edges.append(axis)
    return Grid(edges)


def uniform_boxes(target: Target, request: Request) -> Built:
    """Equal cells: as many as the theorem asks for, or as are given."""
    if request.eps is None:
        return _uniform(target, request, _given_counts(target, request))
    if target.modulus is None and target.enclosure is not None:
        return _uniform_by_doubling(target, request, request.eps)
    modulus = target.modulus or met_modulus(target)
    # Rounding of f is no part of the theorem's count: what it takes of eps is left out first.
    budget = request.eps - 2 * target.rounding
    counts = cells_for_boxes(target, modulus, max(budget, request.eps / 2), request.norm, REACH[request.rule])
    built = _uniform(target, request, counts)
    for _ in range(3):
        if not built.bound.value > request.eps:
            return _fewer(target, request, built, request.eps)
        counts = [m + 1 for m in counts]
        built = _uniform(target, request, counts)
    raise InvalidInput(
        f"eps={request.eps!r} is too close to what rounding does to f: {built.bound.value:.3g} is proved "
        f"with {built.partition.n_cells} boxes; take a larger eps"
    )


def _fewer(target: Target, request: Request, built: Built, eps: float) -> Built:
    """As few cells, in the same proportions, as still prove eps: cell by cell less than the constants say."""
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
    """Where only ranges are known: twice as many cells until they prove eps, then fewer as far as they do."""
    m = 1
    while (built := _uniform(target, request, [m] * target.n_dims)).bound.value > eps:
        if m > 1 << 22 or (2 * m) ** target.n_dims > 1 << 24:
            raise InvalidInput(
                f"eps={eps!r} is not reached with {m} equal cells along each axis, where the bound is "
                f"{built.bound.value:.3g}: take a larger eps, or partition='adaptive'"
            )
        m *= 2
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
    grid = even_grid(target, counts)
    lower, upper = grid.corners()
    last = target.last(lower, upper)
    singly = grid.n_cells <= CELLS_BOUNDED_SINGLY or (target.modulus is None and target.kind != "none")
    if request.rule == "midrange":
        ranges = sharp_ranges(target, lower, upper, None)
        heights = summable(ranges.middle)
        bound = _norm_of(target, request.norm, ranges.errors(heights), lower, upper, "midrange")
        return Built(grid, heights.reshape(grid.shape), bound)
    places = np.minimum(lower / 2 + upper / 2, last) if request.rule == "middle" else lower
    values = target.values(places)
    heights = summable(values)
    bounds = []
    if target.modulus is not None:
        reach = np.maximum(last - places, places - lower)
        bounds.append(_modulus_bound(target, request, reach, lower, upper, values, heights))
    if target.enclosure is not None and singly:
        local = slopes(target, lower, upper)
        errors = target.ranges(lower, upper).errors(heights)
        if local is not None:
            parts = local * np.maximum(last - places, places - lower)
            moved = parts.sum(axis=1)
            if request.norm == "l2":
                moved = root_mean_square(parts)
            errors = np.minimum(errors, outward(moved + np.abs(heights - values) + 2 * target.rounding))
        bounds.append(_norm_of(target, request.norm, errors, lower, upper, "enclosure"))
    proved = [bound for bound in bounds if math.isfinite(bound.value)]
    best = min(proved, key=lambda bound: bound.value) if proved else unproved(request.norm)
    return Built(grid, heights.reshape(grid.shape), best)


def _modulus_bound(
    target: Target, request: Request, reach: Array, lower: Array, upper: Array, values: Array, heights: Array
) -> ErrorBound:
    modulus = target.modulus
    assert modulus is not None
    shift = float(np.abs(heights - values).max()) + 2 * target.rounding
    if request.norm == "l2" and modulus.per_axis is not None:
        mean = float(root_mean_square(reach.max(axis=0) * modulus.per_axis))
        value = float(outward((mean + shift) * math.sqrt(target.widths.prod())))
        return ErrorBound(value, modulus.kind, theorem("boxes", "l2"), "l2")
    value = float(outward(float(modulus.across(reach.max(axis=0)[np.newaxis])[0]) + shift))
    if request.norm == "l2":
        value = float(outward(value * math.sqrt(target.widths.prod())))
    name = "boxes" if request.rule == "middle" else "lower"
    return ErrorBound(value, modulus.kind, theorem(name, request.norm), request.norm)


def _norm_of(
    target: Target, norm: NormName, errors: Array, lower: Array, upper: Array, name: str
) -> ErrorBound:
    """The bound that each cell's own error gives."""
    if target.kind == "none":
        return unproved(norm)
    if norm == "sup":
        value = float(errors.max())
    else:
        value = float(outward(math.sqrt(float((np.square(errors) * (upper - lower).prod(axis=1)).sum()))))
        value *= 1 + 1e-9  # a sum of so many terms
    if not math.isfinite(value):
        return unproved(norm)
    return ErrorBound(value, target.kind, theorem(name, norm), norm)


def refined_boxes(target: Target, request: Request) -> Built:
    """Dyadic cells with midranges."""
    refined = refine(
        target,
        box_judge(target, request.eps, request.norm),
        eps=request.eps,
        n_boxes=request.n_boxes,
        squares=request.norm == "l2",
    )
    return _of_refined(target, request.norm, refined)


def _of_refined(target: Target, norm: NormName, refined: Refined) -> Built:
    lower, upper = refined.tree.corners()
    errors, heights = refined.error, refined.height
    partition: Partition = refined.tree
    if target.n_dims == 1:
        order = np.argsort(lower[:, 0])
        errors, heights = errors[order], heights[order]
        lower, upper = lower[order], upper[order]
        partition = Grid([np.append(lower[:, 0], upper[-1, 0])])
        rounded = summable(heights)
        shift, heights = np.abs(rounded - heights), rounded
    else:
        shift = np.zeros(len(lower))
    volumes = (upper - lower).prod(axis=1)
    if norm == "l2":
        errors = outward(errors + shift * np.sqrt(volumes))
        value = math.sqrt(float(np.square(errors).sum())) * (1 + 1e-9)
    else:
        value = float(outward(errors + shift).max())
    bound = unproved(norm)
    if target.kind != "none" and math.isfinite(value):
        bound = ErrorBound(value, target.kind, theorem("midrange", norm), norm)
    return Built(partition, heights, bound)


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
        mesh = _mesh(target, request.eps / MESH_PER_RUN, None)
        return _runs(target, mesh, request.eps)
    assert request.n_boxes is not None
    return _runs_of_number(target, request.n_boxes)


@dataclass(frozen=True)
class Mesh:
    """Fine cells from left to right, with f's range over each."""

    edges: Array
    ranges: Ranges


def _mesh(target: Target, eps: float | None, n_boxes: int | None) -> Mesh:
    """Refined until each cell's range is small against eps, or as far as float64 goes."""

    def judge(lower: Array, upper: Array) -> tuple[Array, Array]:
        ranges = target.ranges(lower, upper)
        error = ranges.errors(ranges.middle)
        # A cell of one number, or of a known range that no halving makes smaller, is as good as can be.
        fine = np.nextafter(lower[:, 0], np.inf) >= upper[:, 0]
        met = (ranges.greatest_met - ranges.least_met) / 2
        excess = error - np.minimum(met, error)
        if target.kind == "none":
            # Three values of a wide cell say nothing.
            wide = (upper - lower)[:, 0] > target.widths[0] / COARSEST_MESH
            return np.where(fine, 0.0, np.where(wide, np.inf, met)), met
        return np.where(fine, 0.0, np.maximum(met, excess)), error

    refined = refine(target, judge, eps=eps, n_boxes=n_boxes)
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
    bound = unproved()
    if target.kind != "none" and math.isfinite(float(errors.max())):
        bound = ErrorBound(float(errors.max()), target.kind, theorem("runs", "sup"))
    fewest = longest_runs(ranges.least_met, ranges.greatest_met, 2 * eps).size
    return Built(Grid([edges]), heights, bound, fewest)


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
        f"eps={request.eps!r} is not proved with {n} boxes of optimal density: give an enclosure, which "
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
    return Built(grid, heights, _norm_of(target, "l2", errors, lower, upper, "density"))
