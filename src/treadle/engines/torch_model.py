"""A network as a torch.nn.Module, and its objective as a tensor that autograd can differentiate.

Imports PyTorch: load this module only when it is asked for. It trains nothing; see
``treadle.engines.torch_trainer``. Dimensions: N rows, D inputs, K outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from treadle.engines.dropout import dropout_mask
from treadle.engines.objective import Objective
from treadle.network import Parameters

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "identity": nn.Identity,
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "logistic": nn.Sigmoid,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
}


@contextmanager
def differentiating() -> Iterator[None]:
    """Record gradients, even where the caller has switched that off."""
    with torch.inference_mode(False), torch.enable_grad():
        yield


def predicting() -> torch.inference_mode:
    """Record nothing."""
    return torch.inference_mode()


class TorchModel(nn.Module):
    """``treadle.network.Network`` in torch.nn, with a copy of the parameters.

    ``nn.Linear`` keeps its weight as (n_out, n_in): what crosses between it and ``Parameters`` is transposed.
    """

    def __init__(self, parameters: Parameters, device: torch.device) -> None:
        super().__init__()
        self.network = parameters.network
        self.numpy_dtype = parameters.dtype
        self.dtype = torch.float64 if parameters.dtype == np.float64 else torch.float32
        self.device = device
        # skip_init draws no initial parameters, so that torch's generator stays as it was.
        linears: list[nn.Linear] = [
            nn.utils.skip_init(  # type: ignore[no-untyped-call]
                nn.Linear, layer.n_in, layer.n_out, dtype=self.dtype, device=device
            )
            for layer in self.network.layers
        ]
        self.linears = nn.ModuleList(linears)
        self.weights = [linear.weight for linear in linears]
        self.biases = [linear.bias for linear in linears]
        self.activations = nn.ModuleList(ACTIVATIONS[layer.activation]() for layer in self.network.layers)
        self.scatter(parameters, lambda tensor: tensor)

    def scatter(self, source: Parameters, target: Callable[[Tensor], Tensor]) -> None:
        """Copy source into one tensor for each parameter: itself, or a moment of the optimizer's."""
        with torch.no_grad():
            for W, weight in zip(source.weights, self.weights, strict=True):
                target(weight).copy_(torch.tensor(W.T))
            for b, bias in zip(source.biases, self.biases, strict=True):
                target(bias).copy_(torch.tensor(b))

    def gather(self, source: Callable[[Tensor], Tensor | None]) -> Parameters:
        """Copy one tensor for each parameter, zeros where there is none, into the layout of Parameters."""
        result = Parameters.zeros(self.network, self.numpy_dtype)
        for into, parameters in ((result.weights, self.weights), (result.biases, self.biases)):
            for array, parameter in zip(into, parameters, strict=True):
                tensor = source(parameter)
                if tensor is not None:
                    array[...] = tensor.detach().cpu().numpy().T
        return result

    def forward(self, X: NDArray[Any], dropout_key: tuple[int, int] | None) -> Tensor:
        """The logits (N, K) of X (N, D), with the dropout of that (seed, step) or none."""
        a = self._scaled(X)
        for i, (layer, linear, activation) in enumerate(
            zip(self.network.layers, self.linears, self.activations, strict=True)
        ):
            a = activation(linear(a))
            if layer.dropout and dropout_key is not None:
                mask = dropout_mask(*dropout_key, i, len(X), layer.n_out, layer.dropout, self.numpy_dtype)
                a = a * torch.from_numpy(mask).to(self.device)
        return a

    def loss(
        self,
        X: NDArray[Any],
        y: NDArray[Any],
        sample_weight: NDArray[Any] | None,
        objective: Objective,
        dropout_key: tuple[int, int] | None,
    ) -> Tensor:
        """The objective of one batch, a float64 scalar."""
        outputs = self(X, dropout_key)
        if sample_weight is None:
            loss = self._row_losses(outputs, y, objective).sum(dtype=torch.float64) / len(X)
        else:
            loss = self._weighted_loss(outputs, y, sample_weight.astype(np.float64), objective)
        if objective.l2:
            loss = loss + 0.5 * objective.l2 * sum(W.square().sum(dtype=torch.float64) for W in self.weights)
        return loss

    def _weighted_loss(
        self, outputs: Tensor, y: NDArray[Any], weights: NDArray[np.float64], objective: Objective
    ) -> Tensor:
        """Rows of weight 0 take no part, whatever is in them; without any other the loss is 0."""
        kept = np.flatnonzero(weights)
        share = weights[kept] / weights.sum() if len(kept) else weights[kept]
        rows = torch.tensor(kept, device=self.device)
        losses = self._row_losses(outputs[rows], y[kept], objective)
        return (losses * torch.tensor(share, device=self.device)).sum(dtype=torch.float64)

    def _row_losses(self, outputs: Tensor, y: NDArray[Any], objective: Objective) -> Tensor:
        """Each row's loss (N,), summed over the outputs."""
        target = torch.tensor(y, device=self.device)
        if objective.loss == "cross_entropy":
            return F.cross_entropy(
                outputs,
                target.to(torch.int64 if target.ndim == 1 else self.dtype),
                reduction="none",
                label_smoothing=objective.label_smoothing,
            )
        target = target.to(self.dtype).reshape(outputs.shape)
        match objective.loss:
            case "squared":
                losses = F.mse_loss(outputs, target, reduction="none") / 2
            case "absolute":
                losses = F.l1_loss(outputs, target, reduction="none")
            case _:
                losses = F.huber_loss(outputs, target, reduction="none", delta=objective.huber_delta)
        return losses.sum(dim=1)

    def _scaled(self, X: NDArray[Any]) -> Tensor:
        """X * input_scale, rounded to the model's dtype only at the end."""
        x = torch.tensor(X, device=self.device)
        x = x.to(torch.promote_types(x.dtype, self.dtype)) * float(
            self.numpy_dtype.type(self.network.input_scale)
        )
        return x.to(self.dtype)
