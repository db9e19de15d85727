"""Writes boxes with steps as plain layers, equal to the bit.

There is one function for each form.

With H(0) = 1 and the inner edges e_1 .. e_(N-1) of one dimension, heights c_0 .. c_(N-1):

========== ======================================================================= =====================
form       the function                                                            hidden units
========== ======================================================================= =====================
homework   sum over boxes of c_j (H(x - e_j) - H(x - e_(j+1)))                     2 N
telescoped c_0 + sum of (c_j - c_(j-1)) H(x - e_j)                                 N - 1; N + 1 if zero
                                                                                   outside
and        sum over cells of c ReLU(sum over axes of H(lower) - H(upper) - (d-1))  edges, and N
index      the flat index of the cell is linear in the steps of all axes; then     edges, 1, and N - 1
           telescoped over the index, whose steps are clamps of integers
========== ======================================================================= =====================

All are exact: in each sum either one summand is not zero, or the summands are such that no order of adding
them rounds (``treadle.boxes.network.exact_sums``); where heights have more bits than that allows, the last
layer has a column for each part of them, and one more layer adds the parts. For two dimensions and more no
sum of steps in one hidden layer equals a box, so homework and telescoped are for one. Boxes that are not a
grid have the form "and" alone. The index form is never smoothed: between two integers it would pass all cells
between.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from treadle.boxes.cells.partition import Grid, Partition
from treadle.boxes.network.boxes import Boxes
from treadle.boxes.network.exact_sums import exact_parts
from treadle.errors import InvalidInput
from treadle.export.layers import CLAMP, STEP, Layer

ALWAYS, NEVER = -(2.0**100), 2.0**100
"""Edges that stand for the infinities, in float32 too: a clamped network's first box begins at ALWAYS."""


def allowed_step_forms(boxes: Boxes) -> tuple[str, ...]:
    """The forms of boxes with steps, the most suitable first."""
    if not isinstance(boxes.partition, Grid):
        return ("and",)
    return ("telescoped", "homework", "and", "index") if boxes.n_dims == 1 else ("and", "index")


def step_layers(boxes: Boxes, form: str) -> list[Layer]:
    """The layers of one of the allowed forms."""
    from scipy import sparse

    if boxes.outside == "clamped" and boxes.heights.size == 1 and form != "homework":
        return [Layer(sparse.csr_array((boxes.n_dims, 1)), boxes.heights.ravel() + 0.0)]
    if form == "homework":
        return _homework(boxes)
    if form == "telescoped":
        return _telescoped(boxes)
    return _and(boxes) if form == "and" else _index(boxes)


def begins_and_ends(boxes: Boxes) -> NDArray[np.float64]:
    """Return where each box begins and ends, alternately: (2 N,), in one dimension.

    A clamped network's first box begins at ALWAYS, and its last one ends at NEVER.
    """
    edges = _closed(boxes.edges[0]) if boxes.outside == "zero" else boxes.edges[0].copy()
    if boxes.outside == "clamped":
        inner = edges[1:-1]
        if not ((inner > ALWAYS) & (inner < NEVER)).all():
            raise InvalidInput(
                "the inner edges must lie within 2**100 in size for the form 'homework'; got "
                f"{inner[0]:g} to {inner[-1]:g}: take the form 'telescoped'"
            )
        edges[0], edges[-1] = ALWAYS, NEVER
    return np.column_stack([edges[:-1], edges[1:]]).ravel()


def _closed(edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return half-open cells' edges, the last one moved just behind its place.

    So the last cell, which is closed, holds its upper edge.
    """
    return np.append(edges[:-1], np.nextafter(edges[-1], np.inf))


def _homework(boxes: Boxes) -> list[Layer]:
    """Write form "homework": two units a box, in the order of the boxes."""
    parts = exact_parts(boxes.heights, in_pairs=True)
    outputs = np.stack([parts, -parts], axis=2).reshape(len(parts), -1)
    return [_steps_of_one_input(begins_and_ends(boxes)), *_sum_of_parts(outputs, np.zeros(len(parts)))]


def _telescoped(boxes: Boxes) -> list[Layer]:
    edges, heights = boxes.edges[0], boxes.heights
    if boxes.outside == "clamped":
        parts = exact_parts(heights)
        return [_steps_of_one_input(edges[1:-1]), *_sum_of_parts(np.diff(parts, axis=1), parts[:, 0])]
    parts = exact_parts(np.append(heights, 0.0))
    jumps = np.diff(parts, axis=1, prepend=0.0)
    return [_steps_of_one_input(_closed(edges)), *_sum_of_parts(jumps, np.zeros(len(parts)))]


def _and(boxes: Boxes) -> list[Layer]:
    """Write form "and": edge units, a unit a cell, heights.

    A cell's unit is 1 inside and 0 outside. One of them is 1 at a time, so that sums are exact.
    """
    from scipy import sparse

    partition, zero = boxes.partition, boxes.outside == "zero"
    steps, offsets = _steps_of_axes(partition, zero)
    lower, upper = partition.corners()
    n_cells = len(lower)
    cells = np.arange(n_cells)
    n_lower = np.zeros(n_cells)
    rows, columns, signs = [], [], []
    for i, axis in enumerate(partition.edges):
        begins, ends = np.searchsorted(axis, lower[:, i]), np.searchsorted(axis, upper[:, i])
        first = 0 if zero else 1  # the number of the first edge that has a unit
        for numbers, sign in ((begins, 1.0), (ends, -1.0)):
            has_unit = np.ones(n_cells, bool) if zero else (numbers > 0) & (numbers < axis.size - 1)
            rows.append(offsets[i] + numbers[has_unit] - first)
            columns.append(cells[has_unit])
            signs.append(np.full(columns[-1].size, sign))
            if sign > 0:
                n_lower += has_unit
    towers = sparse.csr_array(
        (np.concatenate(signs), (np.concatenate(rows), np.concatenate(columns))), shape=(steps.n_out, n_cells)
    )
    heights = boxes.heights.ravel()[:, None] + 0.0
    return [steps, Layer(towers, 1.0 - n_lower, "relu"), Layer(sparse.csr_array(heights), np.zeros(1))]


def _index(boxes: Boxes) -> list[Layer]:
    """Write form "index": steps, the cell's flat index, steps of that, jumps.

    If zero outside, each axis has a cell more at both ends, of height 0.
    """
    from scipy import sparse

    heights = boxes.heights
    if zero := boxes.outside == "zero":
        heights = np.pad(heights, 1)
    steps, offsets = _steps_of_axes(boxes.partition, zero)
    strides = np.cumprod((1, *heights.shape[:0:-1]))[::-1]
    n_units = np.diff([*offsets, steps.n_out])
    weights = sparse.csr_array(np.repeat(strides, n_units)[:, None].astype(np.float64))
    parts = exact_parts(heights.ravel())
    n_steps = heights.size - 1
    return [
        steps,
        Layer(weights, np.zeros(1)),
        Layer(sparse.csr_array(np.ones((1, n_steps))), -np.arange(0.0, n_steps), CLAMP),
        *_sum_of_parts(np.diff(parts, axis=1), parts[:, 0]),
    ]


def _steps_of_one_input(edges: NDArray[np.float64]) -> Layer:
    from scipy import sparse

    return Layer(sparse.csr_array(np.ones((1, edges.size))), -edges, STEP)


def _steps_of_axes(partition: Partition, zero: bool) -> tuple[Layer, list[int]]:
    """Make a step for each edge; return where each axis's steps begin.

    The outer edges have steps where the network is zero outside.
    """
    from scipy import sparse

    chosen = [_closed(axis) if zero else axis[1:-1] for axis in partition.edges]
    offsets = [0, *np.cumsum([axis.size for axis in chosen])]
    edges = np.concatenate(chosen)
    axes = np.repeat(np.arange(len(chosen)), np.diff(offsets))
    shape = (len(chosen), edges.size)
    weights = sparse.csr_array((np.ones(edges.size), (axes, np.arange(edges.size))), shape=shape)
    return Layer(weights, -edges, STEP), [int(offset) for offset in offsets[:-1]]


def _sum_of_parts(outputs: NDArray[np.float64], biases: NDArray[np.float64]) -> list[Layer]:
    """Sum weighted hidden units to one number, part by part.

    ``outputs`` is of shape (n_parts, n_units); where there are several parts, a second layer adds them.
    """
    from scipy import sparse

    layers = [Layer(sparse.csr_array(outputs.T), biases)]
    if len(outputs) > 1:
        layers.append(Layer(sparse.csr_array(np.ones((len(outputs), 1))), np.zeros(1)))
    return layers
