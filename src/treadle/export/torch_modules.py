"""Makes a ``torch.nn.Sequential`` of plain layers, from torch's own modules.

It can be trained on, traced or exported. Imports PyTorch where it is called. Dropout and whatever else is not
in the layers is not in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from treadle.errors import MissingDependency
from treadle.export.layers import CLAMP, Layer, check_dense_size
from treadle.export.steps import stock_layers
from treadle.maths.dtypes import FloatType

if TYPE_CHECKING:
    from torch import nn


def sequential_of_layers(
    layers: Sequence[Layer], dtype: FloatType = np.float64, remedy: str = "take fewer units"
) -> nn.Sequential:
    """Make an ``nn.Linear`` and an activation of each layer, with copied weights.

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
        from torch import nn
    except ImportError as error:
        raise MissingDependency(
            f"a torch module needs PyTorch, which cannot be imported ({error}): pip install 'treadle[torch]'"
        ) from error

    from treadle.export.torch_sequential import ACTIVATIONS, linear_module

    layers = stock_layers(layers, dtype)
    check_dense_size(layers, dtype, None, remedy)
    modules: list[nn.Module] = []
    for layer in layers:
        modules.append(linear_module(layer.dense(dtype), layer.biases, np.dtype(dtype)))
        if layer.activation == CLAMP:
            modules.append(nn.Hardtanh(0.0, 1.0))
        elif layer.activation != "identity":
            modules.append(ACTIVATIONS[layer.activation]())
    return nn.Sequential(*modules)
