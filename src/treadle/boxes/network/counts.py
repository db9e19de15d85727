"""Counts a box network's units and parameters without building its layers.

Its own form is that of ``layers()``: telescoped in one dimension, "and" in more. A parameter is a weight
that is stored, so one that is not zero, or a bias.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from treadle.boxes.cells.partition import Grid
from treadle.boxes.network.boxes import Boxes
from treadle.boxes.network.forms import explicit_layers


@dataclass(frozen=True)
class Counts:
    """Units of each hidden layer, and parameters."""

    n_hidden_units: tuple[int, ...]
    n_parameters: int


def counts(boxes: Boxes) -> Counts:
    """Count the units and parameters of the layers that ``layers()`` gives."""
    if boxes.n_dims > 1 and boxes.order == 1:
        return _of_hats(boxes)
    if boxes.n_dims > 1:
        return _of_boxes(boxes)
    layers = explicit_layers(boxes, None, np.float64)
    return Counts(tuple(layer.n_out for layer in layers[:-1]), sum(layer.n_parameters for layer in layers))


def _of_boxes(boxes: Boxes) -> Counts:
    """Count form "and" of order 0: edge units, box units, heights."""
    partition, d = boxes.partition, boxes.n_dims
    n_boxes = partition.n_cells
    if boxes.outside == "zero":
        n_edges, n_sides = sum(axis.size for axis in partition.edges), 2 * d * n_boxes
    elif n_boxes == 1:
        return Counts((), 1)
    else:
        # The domain's own bounds have no unit.
        n_edges = sum(axis.size - 2 for axis in partition.edges)
        if isinstance(partition, Grid):
            n_sides = sum(2 * (m - 1) * (n_boxes // m) for m in partition.shape)
        else:
            lower, upper = partition.corners()
            inner = (lower > partition.bounds[:, 0]).sum() + (upper < partition.bounds[:, 1]).sum()
            n_sides = int(inner)
    n_heights = int(np.count_nonzero(boxes.heights))
    return Counts((n_edges, n_boxes), 2 * n_edges + n_sides + n_boxes + n_heights + 1)


def _of_hats(boxes: Boxes) -> Counts:
    """Count form "and" of order 1: ramps, places, extrema, hats, heights.

    The maximum and the minimum take in one axis a layer.
    """
    d, n_nodes = boxes.n_dims, boxes.heights.size
    n_ramps = sum(axis.size - 1 for axis in boxes.edges)
    units, parameters = [n_ramps, d], 2 * n_ramps + n_ramps + d
    n_pairs = 0
    for i in range(d):
        weights = d + 2 * n_nodes + (4 * n_nodes * n_pairs if i else 0)
        n_pairs = min(i + 1, 2)
        units.append(d + 2 * n_pairs * n_nodes)
        parameters += weights + units[-1]
    units.append(n_nodes)
    parameters += 2 * n_pairs * n_nodes + n_nodes + int(np.count_nonzero(boxes.heights)) + 1
    return Counts(tuple(units), parameters)
