"""Writes sigmoids, ramps and piecewise linear functions as plain layers.

- Smooth units, one dimension: telescoped or homework, as with steps, s(k (x - e)) in the place of H(x - e);
  a ramp is clip(k (x - e) + 1/2, 0, 1), a clamp.
- Order 1, one dimension, telescoped: y_0 + sum of (changes of slope) ReLU(x - e_j), flat beyond both ends.
- Order 1, "and": a hat for each node. A clamp for each cell of an axis, from 0 at its lower edge to 1 at its
  upper one, adds up to the place t along the axis in units of cells; with z = t - node, Kuhn's hat is
  ReLU(1 - max(0, z_1, .., z_d) + min(0, z_1, .., z_d)), each maximum by max(p, z) = p + ReLU(z - p).

They equal ``BoxNetwork.predict`` but for rounding, some units in the last place a unit that is on.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from treadle.boxes.network.boxes import Boxes
from treadle.boxes.network.step_forms import begins_and_ends
from treadle.export.layers import CLAMP, Layer


def allowed_smooth_forms(boxes: Boxes) -> tuple[str, ...]:
    """The forms of smooth and of linear units, the most suitable first."""
    if boxes.order == 0:
        return ("telescoped", "homework")
    return ("telescoped", "and") if boxes.n_dims == 1 else ("and",)


def smooth_layers(boxes: Boxes, form: str) -> list[Layer]:
    """The layers of one of the allowed forms."""
    if boxes.order == 1:
        return _kinks(boxes.edges[0], boxes.heights) if form == "telescoped" else _hats(boxes)
    inner, heights = boxes.edges[0][1:-1], boxes.heights
    if form == "telescoped":
        return [_rises(boxes, inner), _outputs(np.diff(heights), heights[0])]
    return [
        _rises(boxes, begins_and_ends(boxes)),
        _outputs(np.column_stack([heights, -heights]).ravel(), 0.0),
    ]


def _rises(boxes: Boxes, edges: NDArray[np.float64]) -> Layer:
    steepness = float(boxes.steepness or 0)
    sigmoid = boxes.activation == "sigmoid"
    biases = -steepness * edges if sigmoid else 0.5 - steepness * edges
    return Layer(np.full((1, edges.size), steepness), biases, "logistic" if sigmoid else CLAMP)


def _outputs(weights: NDArray[np.float64], bias: float) -> Layer:
    return Layer(weights[:, None], np.array([float(bias)]))


def _kinks(edges: NDArray[np.float64], values: NDArray[np.float64]) -> list[Layer]:
    slopes = np.diff(values) / np.diff(edges)
    changes = np.diff(slopes, prepend=0.0, append=0.0)
    return [Layer(np.ones((1, edges.size)), -edges, "relu"), _outputs(changes, values[0])]


def _hats(boxes: Boxes) -> list[Layer]:
    """Write hats as layers: ramps, places, extrema over the axes, hats, heights.

    The maximum and the minimum take in one axis a layer.
    """
    from scipy import sparse

    n_dims, shape = boxes.n_dims, boxes.heights.shape
    widths = [np.diff(axis) for axis in boxes.edges]
    gains = np.concatenate([1 / width for width in widths])
    biases = np.concatenate([-axis[:-1] / w for axis, w in zip(boxes.edges, widths, strict=True)])
    axes = np.repeat(np.arange(n_dims), [width.size for width in widths])
    ramps = sparse.csr_array((gains, (axes, np.arange(gains.size))), shape=(n_dims, gains.size))
    places = sparse.csr_array((np.ones(gains.size), (np.arange(gains.size), axes)), shape=ramps.shape[::-1])
    nodes = np.stack(np.unravel_index(np.arange(boxes.heights.size), shape), axis=1).astype(np.float64)
    n_nodes = len(nodes)
    one = sparse.eye_array(n_nodes, format="csr")
    carry = sparse.eye_array(n_dims, format="csr")
    layers = [Layer(ramps, biases, CLAMP), Layer(places, np.zeros(n_dims))]
    # A layer puts out the places, then for each node what max(0, z) and -min(0, z) grow by with this axis,
    # and from the second axis on what they were before: p and q in turn.
    n_pairs = 0
    for i in range(n_dims):
        entries = (np.ones(n_nodes), (np.full(n_nodes, i), np.arange(n_nodes)))
        place = sparse.csr_array(entries, shape=(n_dims, n_nodes))
        if i == 0:
            weights = sparse.hstack([carry, place, -place], format="csr")
        else:
            from_p, from_q = [None, -one, None, one, None], [None, None, -one, None, one]
            first = [carry, place, -place, None, None]
            weights = sparse.block_array([first, *[from_p, from_q] * n_pairs], format="csr")
        n_pairs = min(i + 1, 2)
        biases = np.concatenate(
            [np.zeros(n_dims), -nodes[:, i], nodes[:, i], np.zeros(2 * (n_pairs - 1) * n_nodes)]
        )
        layers.append(Layer(weights, biases, "relu"))
    hats = sparse.vstack([sparse.csr_array((n_dims, n_nodes)), *[-one] * (2 * n_pairs)], format="csr")
    heights = sparse.csr_array(boxes.heights.reshape(-1, 1))
    return [*layers, Layer(hats, np.ones(n_nodes), "relu"), Layer(heights, np.zeros(1))]
