"""PyTorch as an expert would write it: the data set is one tensor on the device, and a batch is one gather.

Fused Adam, denormal numbers flushed to zero, and the loss read once an epoch. In bfloat16 either by
``torch.autocast``, which keeps the weights in float32, or with weights, pixels and moments all in bfloat16.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from itertools import pairwise
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from recipe import Recipe
from treadle.network import Parameters

HOW = {"float32": "float32", "bfloat16": "bfloat16 by autocast", "bfloat16 weights": "all in bfloat16"}


def name(recipe: Recipe) -> str:
    return f"PyTorch, in memory, fused Adam, {HOW[recipe.precision]}"


def versions() -> dict[str, str]:
    return {"torch": torch.__version__}


def perceptron(sizes: tuple[int, ...]) -> nn.Sequential:
    """The network, with PyTorch's own initial parameters."""
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(sizes):
        layers += [nn.Linear(n_in, n_out), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def copy_parameters(model: nn.Sequential, parameters: Parameters) -> None:
    """Give the model's layers, whose weights lie the other way round, the values of treadle's parameters."""
    with torch.no_grad():
        for linear, W, b in zip(model[::2], parameters.weights, parameters.biases, strict=True):
            linear.weight.copy_(torch.tensor(W.T))
            linear.bias.copy_(torch.tensor(b))


def precision(recipe: Recipe) -> AbstractContextManager[Any]:
    """What to compute the outputs in."""
    if recipe.precision == "bfloat16":
        return torch.autocast("cpu", torch.bfloat16)
    return nullcontext()


def train_in_order(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    recipe: Recipe,
    images: Tensor,
    labels: Tensor,
    order: Tensor,
) -> float:
    """One epoch over the rows in that order; the mean of the loss over them."""
    total = torch.zeros((), device=images.device)
    for rows in order.split(recipe.batch_size):
        with precision(recipe):
            logits = model(images[rows])
        loss = F.cross_entropy(logits.float(), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.detach() * len(rows)
    return total.item() / len(order)


def prepare(
    recipe: Recipe, X: NDArray[Any], y: NDArray[Any], seed: int, threads: int, device: str = "cpu"
) -> Callable[[], float]:
    torch.manual_seed(seed)
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    dtype = torch.bfloat16 if recipe.precision == "bfloat16 weights" else torch.float32
    images = torch.from_numpy(X).to(device).float().div_(255).to(dtype)
    labels = torch.from_numpy(y).to(device)
    model = perceptron(recipe.sizes).to(device, dtype)
    optimizer = torch.optim.Adam(model.parameters(), lr=recipe.learning_rate, fused=True)

    def train_epoch() -> float:
        order = torch.randperm(len(images), device=device)
        return train_in_order(model, optimizer, recipe, images, labels, order)

    return train_epoch
