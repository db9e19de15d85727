"""The forms of a box network as plain layers, and which are refused.

A form that an export cannot hold is refused before it is built: edges that float32 cannot tell apart, an
index that it cannot count to, and arrays that would take more than half of the memory.
"""

from __future__ import annotations

import numpy as np

from treadle.boxes.cells.partition import Grid, Partition
from treadle.boxes.network.boxes import Boxes
from treadle.boxes.network.smooth_forms import allowed_smooth_forms, smooth_layers
from treadle.boxes.network.step_forms import allowed_step_forms, step_layers
from treadle.errors import InvalidInput
from treadle.export.layers import Layer
from treadle.export.steps import round_up
from treadle.hardware.memory import in_words, usable_memory
from treadle.maths.dtypes import FloatType

BYTES_PER_NONZERO = 12  # of a sparse array: a float64 and an index
# The integers up to these are all numbers of the dtype.
LARGEST_INTEGER = {np.dtype(np.float32): 2**24, np.dtype(np.float64): 2**53}


def explicit_layers(boxes: Boxes, form: str | None, dtype: FloatType) -> list[Layer]:
    """Return a form's plain layers, or raise why the network has none.

    See ``BoxNetwork.layers``.
    """
    smooth = boxes.order == 1 or boxes.steepness is not None
    allowed = allowed_smooth_forms(boxes) if smooth else allowed_step_forms(boxes)
    form = allowed[0] if form is None else form
    if form not in allowed:
        raise InvalidInput(
            f"the form of this network must be {' or '.join(repr(name) for name in allowed)}; got {form!r}"
            + _why(boxes, form)
        )
    _check_edges(boxes.partition, np.dtype(dtype))
    _check_size(boxes, form, np.dtype(dtype))
    if not smooth:
        return step_layers(boxes, form)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        layers = smooth_layers(boxes, form)
    if not all(np.isfinite(layer.largest) for layer in layers):
        raise InvalidInput(
            f"the form {form!r} has weights beyond float64, as some cells are too narrow for their heights: "
            "take predict, or wider cells"
        )
    return layers


def _why(boxes: Boxes, form: object) -> str:
    """Say why a known form does not serve this network; empty for other names."""
    if form in ("homework", "telescoped") and boxes.n_dims > 1:
        return f": in {boxes.n_dims} dimensions no finite sum of steps in one hidden layer equals a box"
    if form == "index" and (boxes.order == 1 or boxes.steepness is not None):
        return ": the index form is for steps, as between two cells it passes all cells between"
    if form == "index":
        return ": the index form is for grids"
    return ""


def _check_edges(partition: Partition, dtype: np.dtype[np.floating]) -> None:
    for i, axis in enumerate(partition.edges):
        rounded = round_up(axis, dtype)
        same = np.flatnonzero(~(np.diff(rounded) > 0))
        if same.size:
            lower, upper = axis[same[0] : same[0] + 2]
            raise InvalidInput(
                f"in {dtype} the edges {lower:.17g} and {upper:.17g} of dimension {i + 1} are the same "
                "number, and the box between them is lost: export in float64, or take fewer boxes"
            )


def _check_size(boxes: Boxes, form: str, dtype: np.dtype[np.floating]) -> None:
    """Refuse a form whose sparse layers alone take more than half of the memory."""
    n_heights, n_dims = boxes.heights.size, boxes.n_dims
    if form == "index" and n_heights > LARGEST_INTEGER[dtype]:
        raise InvalidInput(
            f"the index of {n_heights} cells is no exact integer in {dtype}: export in float64"
        )
    per_height = 4  # a weight and a bias of a unit, and its output: the rest is for a second part of heights
    if form == "and":
        per_height = 12 * n_dims if boxes.order == 1 else 2 * n_dims + 2
    n_bytes, limit = per_height * n_heights * BYTES_PER_NONZERO, usable_memory() // 2
    if n_bytes > limit:
        raise InvalidInput(
            f"the form {form!r} of {n_heights} heights takes {in_words(n_bytes)}; at most "
            f"{in_words(limit)} may be used: {remedy(boxes, form)}"
        )


def remedy(boxes: Boxes, form: str | None) -> str:
    """Return the advice for a form that does not fit in memory."""
    if form in (None, "and") and boxes.order == 0 and isinstance(boxes.partition, Grid):
        return "take the form 'index', predict, which looks cells up, or fewer boxes"
    return "take predict, which looks cells up, or fewer boxes"
