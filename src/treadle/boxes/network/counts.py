"""How many units and parameters a box network has in its own form, without building what is large.

Its own form is that of ``layers()``: telescoped in one dimension, "and" in more. A parameter is a weight
that is stored, so one that is not zero, or a bias.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from treadle.boxes.cells.partition import Grid

if TYPE_CHECKING:
    from treadle.boxes.network.box_network import BoxNetwork


@dataclass(frozen=True)
class Counts:
    """Units of each hidden layer, and parameters."""

    n_hidden_units: tuple[int, ...]
    n_parameters: int


def counts(network: BoxNetwork) -> Counts:
    """Those of the layers that ``network.layers()`` gives."""
    if network.n_dims > 1 and network.order == 1:
        return _of_hats(network)
    if network.n_dims > 1:
        return _of_boxes(network)
    layers = network.layers()
    return Counts(tuple(layer.n_out for layer in layers[:-1]), sum(layer.n_parameters for layer in layers))


def _of_boxes(network: BoxNetwork) -> Counts:
    """Form "and": a unit for each edge, a unit for each box that weighs its edges, heights."""
    partition, d = network.partition_, network.n_dims
    n_boxes = partition.n_cells
    if network.outside == "zero":
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
    n_heights = int(np.count_nonzero(network.heights_))
    return Counts((n_edges, n_boxes), 2 * n_edges + n_sides + n_boxes + n_heights + 1)


def _of_hats(network: BoxNetwork) -> Counts:
    """Form "and" of order 1: ramps, places, maximum and minimum with an axis a layer, hats, heights."""
    d, n_nodes = network.n_dims, network.heights_.size
    n_ramps = sum(axis.size - 1 for axis in network.edges_)
    units, parameters = [n_ramps, d], 2 * n_ramps + n_ramps + d
    n_pairs = 0
    for i in range(d):
        weights = d + 2 * n_nodes + (4 * n_nodes * n_pairs if i else 0)
        n_pairs = min(i + 1, 2)
        units.append(d + 2 * n_pairs * n_nodes)
        parameters += weights + units[-1]
    units.append(n_nodes)
    parameters += 2 * n_pairs * n_nodes + n_nodes + int(np.count_nonzero(network.heights_)) + 1
    return Counts(tuple(units), parameters)
