"""Builds a network as a torch.nn.Module, and its objective as a tensor.

Autograd can differentiate the latter. Imports PyTorch: load this module only when it is needed. It trains
nothing; see ``treadle.engines.torch_trainer``. Dimensions: N rows, D inputs, K outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from treadle.engines.batch_norm import BATCH_NORM_MOMENTUM
from treadle.engines.dropout import dropout_mask
from treadle.engines.objective import Objective
from treadle.engines.rows import Rows, dense, n_rows
from treadle.engines.torch_losses import ROW_LOSSES
from treadle.engines.torch_stage import TorchStage
from treadle.export.torch_sequential import ACTIVATIONS
from treadle.maths.dtypes import Floats, Numbers
from treadle.network import BATCH_NORM_EPSILON, Block, Parameters


@contextmanager
def differentiating() -> Iterator[None]:
    """Record gradients, even where the caller has switched that off."""
    with torch.inference_mode(False), torch.enable_grad():
        yield


def predicting() -> torch.inference_mode:
    """Record no gradients."""
    return torch.inference_mode()


class TorchModel(nn.Module):
    """A ``treadle.network.Network`` in torch.nn, with copies of parameters and running statistics.

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
                nn.Linear,
                layer.n_in,
                layer.n_out,
                bias=not layer.batch_norm,
                dtype=self.dtype,
                device=device,
            )
            for layer in self.network.layers
        ]
        self.linears = nn.ModuleList(linears)
        self.norms = {
            i: nn.BatchNorm1d(
                layer.n_out, BATCH_NORM_EPSILON, BATCH_NORM_MOMENTUM, dtype=self.dtype, device=device
            )
            for i, layer in enumerate(self.network.layers)
            if layer.batch_norm
        }
        self.norm_modules = nn.ModuleList(self.norms.values())
        self.weights = [linear.weight for linear in linears]
        self.biases = [
            self.norms[i].bias if i in self.norms else linear.bias for i, linear in enumerate(linears)
        ]
        self.scales = [norm.weight for norm in self.norms.values()]
        self.activations = nn.ModuleList(ACTIVATIONS[layer.activation]() for layer in self.network.layers)
        self.slopes = {
            i: self._parameter(slopes) for i, slopes in enumerate(parameters.slopes) if slopes is not None
        }
        stage = self.network.input_stage
        self.stage = None if stage is None else TorchStage(stage, parameters.input_arrays, self._parameter)
        self.rest = nn.ParameterList(
            [*self.slopes.values(), *(self.stage.arrays.values() if self.stage is not None else ())]
        )
        self.scatter(parameters, lambda tensor: tensor)
        self.load_statistics(parameters.statistics)

    def scatter(self, source: Parameters, target: Callable[[Tensor], Tensor]) -> None:
        """Copy parameters into one tensor each: the parameter's or a moment's."""
        with torch.no_grad():
            for array, parameter in self._pairs(source):
                target(parameter).copy_(torch.tensor(array))

    def gather(self, source: Callable[[Tensor], Tensor | None]) -> Parameters:
        """Copy each parameter's tensor into the layout of Parameters, zeros where none."""
        result = Parameters.zeros(self.network, self.numpy_dtype)
        for array, parameter in self._pairs(result):
            tensor = source(parameter)
            if tensor is not None:
                array[...] = tensor.detach().cpu().numpy()
        return result

    def blocks(self) -> Iterator[tuple[Block, Tensor]]:
        """Each block of the network with the tensor that holds it."""
        tensors = (*self.weights, *self.biases, *self.scales, *self.rest)
        yield from zip(self.network.blocks, tensors, strict=True)

    def _parameter(self, array: Floats) -> nn.Parameter:
        """An empty parameter of the array's shape."""
        return nn.Parameter(torch.empty(array.shape, dtype=self.dtype, device=self.device))

    def _pairs(self, parameters: Parameters) -> Iterator[tuple[Floats, Tensor]]:
        """Each array of Parameters, as torch.nn lays it out, with the tensor that it belongs to."""
        arrays = dict(parameters.trainable())
        for block, tensor in self.blocks():
            array = arrays[block.name]
            yield array.T if block.name.startswith("weights.") else array, tensor

    def statistics(self) -> Floats:
        """A copy of the running statistics (R,), in the layout of Parameters."""
        tensors = [tensor.cpu().numpy() for tensor in self._statistics()]
        return np.concatenate([*tensors, np.empty(0)]).astype(self.numpy_dtype)

    def load_statistics(self, statistics: Floats) -> None:
        """Set the running statistics (R,)."""
        tensors = self._statistics()
        with torch.no_grad():
            parts = torch.split(torch.tensor(statistics), [tensor.numel() for tensor in tensors])
            for tensor, part in zip(tensors, parts, strict=True):
                tensor.copy_(part)

    def _statistics(self) -> list[Tensor]:
        norms = self.norms.values()
        return [*(cast(Tensor, n.running_mean) for n in norms), *(cast(Tensor, n.running_var) for n in norms)]

    def forward(self, X: Rows, noise_key: tuple[int, int] | None, fade: float = 1.0) -> Tensor:
        """Compute the logits (N, K) of X (N, D) as one batch.

        Dropout is that of the (seed, step), at its rates times ``fade``, or none.
        """
        a = self._scaled(X)
        if self.stage is not None:
            a = self.stage(a)
        for i, (layer, linear, activation) in enumerate(
            zip(self.network.layers, self.linears, self.activations, strict=True)
        ):
            u = linear(a)
            z = self._normalised(u, self.norms[i]) if i in self.norms else u
            a = activation(z)
            if i in self.slopes:
                a = torch.lerp(z, a, self.slopes[i])
            if layer.dropout and noise_key is not None:
                rate = layer.dropout * fade
                mask = dropout_mask(*noise_key, i, n_rows(X), layer.n_out, rate, self.numpy_dtype)
                a = a * torch.from_numpy(mask).to(self.device)
        return a

    def _normalised(self, u: Tensor, norm: nn.BatchNorm1d) -> Tensor:
        """Normalise by the batch's statistics; in training, update the running ones."""
        if len(u) == 1:  # which PyTorch refuses: the mean is the row itself, and there is no variance
            return (u - u) * norm.weight + norm.bias
        return F.batch_norm(
            u,
            norm.running_mean if self.training else None,
            norm.running_var if self.training else None,
            norm.weight,
            norm.bias,
            training=True,
            momentum=BATCH_NORM_MOMENTUM,
            eps=BATCH_NORM_EPSILON,
        )

    def loss(
        self,
        X: Rows,
        y: Numbers,
        sample_weight: Numbers | None,
        objective: Objective,
        noise_key: tuple[int, int] | None,
        fade: float = 1.0,
    ) -> Tensor:
        """The objective of one batch, a float64 scalar."""
        outputs = self(X, noise_key, fade)
        if sample_weight is None:
            loss = self._row_losses(outputs, y, objective).sum(dtype=torch.float64) / n_rows(X)
        else:
            loss = self._weighted_loss(outputs, y, sample_weight.astype(np.float64), objective)
        if objective.l2:
            squares = (
                block.decay * tensor.square().sum(dtype=torch.float64)
                for block, tensor in self.blocks()
                if block.decay
            )
            loss = loss + 0.5 * objective.l2 * sum(squares)
        return loss

    def _weighted_loss(
        self, outputs: Tensor, y: Numbers, weights: NDArray[np.float64], objective: Objective
    ) -> Tensor:
        """Average the losses of rows with weights other than 0.

        Rows of weight 0 take no part, whatever is in them; without any other the loss is 0.
        """
        kept = np.flatnonzero(weights)
        share = weights[kept] / weights.sum() if len(kept) else weights[kept]
        rows = torch.tensor(kept, device=self.device)
        losses = self._row_losses(outputs[rows], y[kept], objective)
        return (losses * torch.tensor(share, device=self.device)).sum(dtype=torch.float64)

    def _row_losses(self, outputs: Tensor, y: Numbers, objective: Objective) -> Tensor:
        """Each row's loss (N,), summed over the outputs."""
        target = torch.tensor(y, device=self.device)
        return ROW_LOSSES[objective.loss](outputs, target, **objective.options)

    def _scaled(self, X: Rows) -> Tensor:
        """Compute X * input_scale + input_offset, rounded to the dtype after the product."""
        x = torch.tensor(np.ascontiguousarray(dense(X)), device=self.device)  # it takes no negative strides
        scale, offset = map(self.numpy_dtype.type, (self.network.input_scale, self.network.input_offset))
        x = (x.to(torch.promote_types(x.dtype, self.dtype)) * float(scale)).to(self.dtype)
        return x + float(offset) if offset else x
