"""Puts networks, update rules, rows and weights into the terms that the kernel takes.

They are those of ``treadle.hardware.native.networks``.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from treadle.engines.rows import Rows, is_compressed
from treadle.hardware.native import networks
from treadle.maths.dtypes import Floats, Numbers
from treadle.network import Network
from treadle.optimizers import SGD, Adam, AdamW, Optimizer


@lru_cache(maxsize=64)
def network_terms(network: Network) -> networks.Network:
    """Describe a network to the kernel."""
    paces = {b.name: networks.Pace(b.rate, b.decay, b.epsilon) for b in network.blocks}
    layers = [
        networks.Layer(
            layer.n_in,
            layer.n_out,
            layer.activation,
            layer.batch_norm,
            layer.dropout,
            layer.parametric,
            **{
                array: paces[f"{array}.{i}"]
                for array in ("weights", "biases", "scales", "slopes")
                if f"{array}.{i}" in paces
            },
        )
        for i, layer in enumerate(network.layers)
    ]
    stage = network.input_stage
    if stage is None:
        return networks.Network(layers)
    none = networks.Pace()
    return networks.Network(
        layers,
        networks.InputStage(
            stage.n_numbers,
            stage.n_plain,
            stage.category_counts,
            stage.n_frequencies,
            stage.n_combinations,
            stage.embedding_width,
            paces.get("phases", none),
            paces.get("embeddings", none),
            paces["input_scales"],
        ),
    )


def rule_terms(optimizer: Optimizer) -> networks.Optimizer:
    """Return the kernel's name of an update rule, and the rule's numbers."""
    if isinstance(optimizer, SGD):
        update = ("nesterov" if optimizer.nesterov else "momentum") if optimizer.momentum else "plain"
        return networks.Optimizer(update=update, momentum=optimizer.momentum)
    decay = optimizer.weight_decay if isinstance(optimizer, AdamW) else 0.0
    assert isinstance(optimizer, Adam)
    return networks.Optimizer(
        update="adam",
        beta_1=optimizer.beta_1,
        beta_2=optimizer.beta_2,
        epsilon=optimizer.epsilon,
        weight_decay=decay,
    )


def input_terms(network: Network, layers: networks.Network, X: Rows) -> networks.Inputs:
    """Convert X to the kernel's inputs, dense or sparse.

    They are an array; or the values of sparse rows, where each row starts, and columns. What is sparse is
    checked, since the kernel writes by the columns: SciPy raises ValueError if it is damaged.
    """
    scale, offset = network.input_scale, network.input_offset
    if not is_compressed(X):
        return networks.Inputs(layers, X, None, None, scale, offset)
    X.check_format(full_check=True)
    return networks.Inputs(
        layers,
        np.ascontiguousarray(X.data),
        np.ascontiguousarray(X.indptr, dtype=np.int64),
        np.ascontiguousarray(X.indices, dtype=np.int32),
        scale,
        offset,
    )


def relative_weights(weights: Numbers, dtype: np.dtype[Any]) -> Floats:
    """Convert weights to that type, scaled so that the largest is about 1.

    The factor is a power of two: only the weights' ratios count.
    """
    wide = weights.astype(np.float64)
    _, exponent = np.frexp(wide.max())
    return np.asarray(np.ldexp(wide, -exponent), dtype=dtype)
