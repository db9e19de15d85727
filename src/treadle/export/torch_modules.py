"""A list of plain layers as a ``torch.nn.Sequential`` of torch's own modules, to train on, trace or export.

Imports PyTorch where it is called. Dropout and whatever else is not in the layers is not in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from treadle.errors import MissingDependency
from treadle.export.layers import CLAMP, Layer, check_dense_size
from treadle.export.steps import stock_layers

if TYPE_CHECKING:
    from torch import nn


def torch_sequential(
    layers: Sequence[Layer], dtype: Any = np.float64, remedy: str = "take fewer units"
) -> nn.Sequential:
    """``nn.Linear`` and the activation's module, layer by layer, with copies of the weights.

    Parameters
    ----------
    layers : sequence of Layer
    dtype : float64 or float32
    remedy : str
        What to use where the dense weights would not fit.

    Raises
    ------
    MissingDependency
        If PyTorch is not installed.
    InvalidInput
        If the dense weights would take more than half of the memory.
    """
    try:
        import torch
        from torch import nn
    except ImportError as error:
        raise MissingDependency(
            f"a torch module needs PyTorch, which cannot be imported ({error}): pip install 'treadle[torch]'"
        ) from error

    layers = stock_layers(layers, dtype)
    check_dense_size(layers, dtype, None, remedy)
    activations: dict[str, type[nn.Module]] = {
        "relu": nn.ReLU,
        "tanh": nn.Tanh,
        "logistic": nn.Sigmoid,
        "gelu": nn.GELU,
        "silu": nn.SiLU,
    }
    modules: list[nn.Module] = []
    for layer in layers:
        # skip_init draws no initial parameters, so that torch's generator stays as it was.
        linear = nn.utils.skip_init(  # type: ignore[no-untyped-call]
            nn.Linear,
            layer.n_in,
            layer.n_out,
            dtype=torch.float64 if np.dtype(dtype) == np.float64 else torch.float32,
        )
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(layer.dense(dtype).T))
            linear.bias.copy_(torch.from_numpy(np.ascontiguousarray(layer.biases)))
        modules.append(linear)
        if layer.activation == CLAMP:
            modules.append(nn.Hardtanh(0.0, 1.0))
        elif layer.activation != "identity":
            modules.append(activations[layer.activation]())
    return nn.Sequential(*modules)
