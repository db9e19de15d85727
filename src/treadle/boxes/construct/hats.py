"""Builds networks of order 1: hats on a grid, refined kinks, longest chords.

Each comes with its bound.
"""

from __future__ import annotations

import math

import numpy as np

from treadle.boxes.cells.partition import Grid, check_n_cells, n_cells_at_least
from treadle.boxes.construct.cells_needed import cells_for_boxes, cells_for_hats, share_boxes
from treadle.boxes.construct.construction import Built, Request
from treadle.boxes.construct.halving import refine
from treadle.boxes.construct.longest_pieces import edges_by_density, longest_chords
from treadle.boxes.construct.uniform_boxes import CELLS_BOUNDED_SINGLY, even_grid
from treadle.boxes.proof.assumptions import sampled_modulus
from treadle.boxes.proof.bounds import ErrorBound, outward, root_of_squares, theorem, unproved
from treadle.boxes.proof.cell_errors import linear_judge, linear_rounding, second_derivatives
from treadle.boxes.proof.known_function import Array, Target
from treadle.choices import BoxBoundName, BoxNormName
from treadle.errors import InvalidInput

# Cells of the mesh that chords are made of.
MESH_CELLS = 1 << 15
# What bounds rest on where nothing is known of second derivatives.
_THEOREMS = {"lipschitz": "hats of a Lipschitz function", "modulus": "hats of a modulus"}


def uniform_hats(target: Target, request: Request) -> Built:
    """Interpolate linearly on equal cells: as many as the theorem needs, or as given."""
    if request.counts is not None:
        counts = list(request.counts)
        if len(counts) != target.n_dims:
            # One number for all axes: shared by how much f bends along each.
            counts = share_boxes(counts[0], _weights(target))
        return _interpolated(target, request.norm, even_grid(target, counts))
    assert request.eps is not None
    # The theorem's counts do not know of rounding: what it takes of eps is left out first.
    budget = max(request.eps - 4 * target.rounding, request.eps / 2)
    curvature = target.curvature
    if curvature is None and target.kind == "none":
        curvature = _sampled_curvature(target)
    if curvature is not None:
        # The error is of second order in h by second derivatives, and omega(h / 2) by a modulus alone.
        counts = cells_for_hats(target, curvature, budget, request.norm)
    else:
        counts = cells_for_boxes(target, target.modulus or sampled_modulus(target), budget, request.norm, 0.5)
    for _ in range(4):
        # Proved with the rounding of this grid; a cell more along each axis where it is just not enough.
        built = _interpolated(target, request.norm, even_grid(target, counts))
        if not built.bound.value > request.eps:
            return built
        counts = [m + 1 for m in counts]
    raise InvalidInput(
        f"eps={request.given!r} is not proved with {built.partition.n_cells} equal cells, where the bound is "
        f"{built.bound.value:.3g}: take partition='adaptive', n_boxes or a larger eps"
    )


def _weights(target: Target) -> Array:
    """Measure how strongly f bends along each axis over the domain."""
    if target.curvature is not None:
        # (1/8) sum_i S_i h_i^2 is shared evenly where h_i is as 1 / sqrt(S_i).
        return np.asarray(np.sqrt(target.curvature.sum(axis=1)) * target.widths)
    return np.ones(target.n_dims)


def _sampled_curvature(target: Target) -> Array:
    """Sample second differences along the axes, to choose how many cells, not to prove."""
    rng = np.random.default_rng(0)
    d, n = target.n_dims, 1 << 13
    step = target.widths / 2000
    points = rng.uniform(target.bounds[:, 0] + step, target.bounds[:, 1] - step, (n, d))
    found = np.zeros((d, d))
    for i in range(d):
        offset = np.where(np.arange(d) == i, step, 0.0)
        second = target.values(points - offset) - 2 * target.values(points) + target.values(points + offset)
        found[i, i] = float(np.abs(second).max()) / step[i] ** 2
    return found


def _interpolated(target: Target, norm: BoxNormName, grid: Grid) -> Built:
    """Compute f at the nodes, and bound the error of interpolation between them."""
    shape = tuple(m + 1 for m in grid.shape)
    check_n_cells(shape)
    nodes = np.stack(np.meshgrid(*grid.edges, indexing="ij"), axis=-1).reshape(-1, grid.n_dims)
    values = target.values(nodes)
    return Built(grid, values.reshape(shape), _bound(target, norm, grid))


def _bound(target: Target, norm: BoxNormName, grid: Grid) -> ErrorBound:
    if grid.n_dims == 1 and grid.n_cells <= CELLS_BOUNDED_SINGLY and target.kind_of_hats != "none":
        # 1) In one dimension, cell by cell.
        lower, upper = grid.corners()
        errors, _ = linear_judge(target, norm)(lower, upper)
        value = float(errors.max())
        if norm == "l2":
            value = root_of_squares(errors)
        return _record(value, target.kind_of_hats, norm)
    # In more, by the widest cell along each axis, and the better of two theorems.
    widths = np.array([np.diff(axis).max() for axis in grid.edges])
    found: list[ErrorBound] = []
    scale = math.sqrt(float(target.widths.prod())) if norm == "l2" else 1.0
    if target.curvature is not None or (
        target.enclosure is not None and grid.n_cells <= CELLS_BOUNDED_SINGLY
    ):
        # 2) (1/8) sum_ij M_ij h_i h_j, with M of each cell, or of the whole domain.
        bending = (
            second_derivatives(target, *grid.corners()) if grid.n_cells <= CELLS_BOUNDED_SINGLY else None
        )
        if bending is None and target.curvature is not None:
            bending = target.curvature[np.newaxis]
        if bending is not None:
            worst = float(np.einsum("nij,i,j->n", bending, widths, widths).max()) / 8
            found.append(
                _record((outward(worst) + linear_rounding(target)) * scale, target.kind_of_hats, norm)
            )
    if target.modulus is not None:
        # 3) By a modulus: weighted by the hats, a vertex is at most h_i / 2 away along axis i, on average.
        worst = float(target.modulus.across(widths[np.newaxis] / 2)[0])
        if target.modulus.per_axis is None:
            # Of the Euclidean distance to a vertex alone: f is a modulus of the diagonal away from each.
            worst = float(target.modulus.across(widths[np.newaxis])[0])
        found.append(_record((outward(worst) + linear_rounding(target)) * scale, target.modulus.kind, norm))
    proved = [bound for bound in found if math.isfinite(bound.value)]
    return min(proved, key=lambda bound: bound.value) if proved else unproved(norm)


def _record(value: float, kind: BoxBoundName, norm: BoxNormName) -> ErrorBound:
    if kind == "none" or not math.isfinite(value):
        return unproved(norm)
    return ErrorBound(float(outward(value)), kind, theorem(_THEOREMS.get(kind, "hats"), norm), norm)


def refined_hats(target: Target, request: Request) -> Built:
    """Place kinks where f bends, by halving cells.

    Raises
    ------
    InvalidInput
        In more than one dimension: halved cells have hanging nodes, where F would not be continuous.
    """
    refined = refine(
        target,
        linear_judge(target, request.norm),
        eps=request.eps,
        n_boxes=request.n_boxes,
        squares=request.norm == "l2",
        given=request.given,
        cells="linear pieces",
    )
    # In one dimension neighbours share an edge and its value: F is continuous.
    grid = Grid([refined.tree.edges[0]])
    values = target.values(grid.edges[0][:, np.newaxis])
    value = float(refined.error.max())
    if target.value_rounding is None:  # judged before all values were sampled
        value += linear_rounding(target)
    if request.norm == "l2":
        value = root_of_squares(refined.error)
    return Built(grid, values, _record(value, target.kind_of_hats, request.norm))


def fewest_hats(target: Target, request: Request) -> Built:
    """Place the kinks of the longest chords of a mesh, or kinks by density."""
    edges = np.linspace(target.bounds[0, 0], target.bounds[0, 1], MESH_CELLS + 1)
    lower, upper = edges[:-1, np.newaxis], edges[1:, np.newaxis]
    values = target.values(edges[:, np.newaxis])
    if request.norm == "l2" or request.eps is None:
        return _kinks_by_density(target, request, edges, values)
    # How far f may be from linear between two nodes of the mesh; a chord is measured at the nodes alone.
    slack, _ = linear_judge(target, "sup")(lower, upper)
    if target.kind_of_hats == "none":
        slack = np.zeros(MESH_CELLS)
    if not (slack <= request.eps / 2).all():
        raise InvalidInput(
            f"eps={request.given!r} is too small for longest chords: between the mesh's nodes f is known to "
            f"{slack.max():.3g} only; take partition='adaptive', or a larger eps"
        )
    kinks = longest_chords(edges, values, slack, request.eps * (1 - 1e-12) - target.rounding)
    bound = unproved()
    if target.kind_of_hats != "none":
        bound = ErrorBound(request.eps, target.kind_of_hats, theorem("chords", "sup"))
    return Built(Grid([edges[kinks]]), values[kinks], bound)


def _kinks_by_density(target: Target, request: Request, mesh: Array, values: Array) -> Built:
    """Place kinks as dense as |f''|^(1/2) (supremum norm) or |f''|^(2/5) (L2)."""
    step = mesh[1] - mesh[0]
    bends = np.abs(np.diff(values, 2)) / step**2
    # |f''| of a cell: the larger of those at its two nodes.
    bends = np.maximum(np.append(bends, bends[-1:]), np.insert(bends, 0, bends[:1]))
    density = bends ** (0.5 if request.norm == "sup" else 0.4)
    if request.n_boxes is not None:
        edges = edges_by_density(mesh, density, request.n_boxes)
        return _interpolated(target, request.norm, Grid([edges]))
    assert request.eps is not None
    # n pieces of that density have the L2 error mass^(5/2) / (sqrt(120) n^2), as n grows.
    mass = float((density * step).sum())
    n = n_cells_at_least((np.float64(mass) ** 2.5 / (math.sqrt(120) * request.eps)) ** 0.5)
    for _ in range(60):
        built = _interpolated(target, request.norm, Grid([edges_by_density(mesh, density, n)]))
        if not built.bound.value > request.eps:
            return built
        n = n_cells_at_least(n * max(1.02, min(2.0, math.sqrt(built.bound.value / request.eps))))
    raise InvalidInput(
        f"eps={request.given!r} is not proved with {n} pieces of optimal density: give an enclosure, which "
        "bounds f'' in each piece, or take partition='adaptive'"
    )
