"""Makes a trained network a plain ``torch.nn.Sequential``, which needs no treadle.

Linear layers, batch normalisation with its running statistics, activations and dropout, one after another,
and the output's function at the end. ``input_scale`` and ``input_offset`` are within the first layer's
weights. A network that averages an image and its mirror image is no sequence, and is refused. Imports
PyTorch.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from treadle.errors import InvalidInput
from treadle.network import BATCH_NORM_EPSILON, Parameters

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "identity": nn.Identity,
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "logistic": nn.Sigmoid,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "selu": nn.SELU,
    "mish": nn.Mish,
}


class Exponential(nn.Module):
    """exp, the output of a network for counts."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Compute exp of each element."""
        return torch.exp(x)


def torch_sequential(parameters: Parameters, *, with_output: bool = True) -> nn.Sequential:
    """Make the network PyTorch modules in evaluation mode, with copied parameters.

    Parameters
    ----------
    parameters : Parameters
        With their network.
    with_output : bool, default=True
        Whether the last module is the output's function: softmax, logistic or exp. False: the modules end
        with the logits, as PyTorch's losses want them.

    Returns
    -------
    nn.Sequential
        From X (N, D), of the parameters' dtype, to (N, K).

    Raises
    ------
    InvalidInput
        If the network averages an image and its mirror image, or has an input stage or parametric
        activations.
    """
    network = parameters.network
    if network.mirror_width:
        raise InvalidInput("a network that averages an image and its mirror image is no nn.Sequential")
    if network.input_stage is not None or any(layer.parametric for layer in network.layers):
        raise InvalidInput(
            "a network with an input stage or parametric activations has no modules of its own in torch.nn: "
            "export it as ONNX"
        )
    modules: list[nn.Module] = []
    for i, layer in enumerate(network.layers):
        W, b = parameters.weights[i].astype(np.float64), parameters.biases[i].astype(np.float64)
        if i == 0:
            # The sums of the first layer with x * scale + offset in place of x. Batch normalisation takes
            # a constant away by its running mean, which is then moved by the same constant.
            shift = network.input_offset * W.sum(axis=0)
            W = network.input_scale * W
        else:
            shift = np.zeros_like(b)
        linear = linear_module(W, None if layer.batch_norm else b + shift, parameters.dtype)
        modules.append(linear)
        if layer.batch_norm:
            modules.append(_batch_norm(parameters, i, shift))
        if layer.activation != "identity":
            modules.append(ACTIVATIONS[layer.activation]())
        if layer.dropout:
            modules.append(nn.Dropout(layer.dropout))
    if with_output:
        match network.output:
            case "softmax":
                modules.append(nn.Softmax(dim=1))
            case "logistic":
                modules.append(nn.Sigmoid())
            case "exp":
                modules.append(Exponential())
    return nn.Sequential(*modules).eval()


def linear_module(W: np.ndarray, b: np.ndarray | None, dtype: np.dtype) -> nn.Linear:
    """Make a module of W (n_in, n_out) and b (n_out,) in dtype.

    No random number is drawn.
    """
    linear: nn.Linear = nn.utils.skip_init(  # type: ignore[no-untyped-call]
        nn.Linear, *W.shape, bias=b is not None, dtype=_torch_dtype(dtype)
    )
    with torch.no_grad():
        linear.weight.copy_(torch.from_numpy(W.T.copy()))
        if b is not None:
            linear.bias.copy_(torch.from_numpy(b))
    return linear


def _batch_norm(parameters: Parameters, i: int, shift: np.ndarray) -> nn.BatchNorm1d:
    scale, mean, variance = parameters.scales[i], parameters.running_means[i], parameters.running_variances[i]
    assert scale is not None and mean is not None and variance is not None
    norm = nn.BatchNorm1d(scale.size, BATCH_NORM_EPSILON, dtype=_torch_dtype(parameters.dtype))
    with torch.no_grad():
        norm.weight.copy_(torch.from_numpy(scale.copy()))
        norm.bias.copy_(torch.from_numpy(parameters.biases[i].copy()))
        assert norm.running_mean is not None and norm.running_var is not None
        norm.running_mean.copy_(torch.from_numpy(mean - shift))
        norm.running_var.copy_(torch.from_numpy(variance.copy()))
    return norm


def _torch_dtype(dtype: np.dtype) -> torch.dtype:
    return torch.float64 if dtype == np.float64 else torch.float32
