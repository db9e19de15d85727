"""The losses of ``treadle.maths.loss_table`` row by row in PyTorch.

PyTorch differentiates them itself. Imports PyTorch: load this module only when it is needed. Dimensions: N
rows, K outputs.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F


def _cross_entropy(outputs: Tensor, target: Tensor, label_smoothing: float) -> Tensor:
    target = target.to(torch.int64 if target.ndim == 1 else outputs.dtype)
    return F.cross_entropy(outputs, target, reduction="none", label_smoothing=label_smoothing)


def _binary_cross_entropy(outputs: Tensor, target: Tensor, label_smoothing: float) -> Tensor:
    target = (1 - label_smoothing) * _like(outputs, target) + label_smoothing / 2
    return F.binary_cross_entropy_with_logits(outputs, target, reduction="none").sum(dim=1)


def _squared(outputs: Tensor, target: Tensor) -> Tensor:
    return (F.mse_loss(outputs, _like(outputs, target), reduction="none") / 2).sum(dim=1)


def _absolute(outputs: Tensor, target: Tensor) -> Tensor:
    return F.l1_loss(outputs, _like(outputs, target), reduction="none").sum(dim=1)


def _huber(outputs: Tensor, target: Tensor, delta: float) -> Tensor:
    return F.huber_loss(outputs, _like(outputs, target), reduction="none", delta=delta).sum(dim=1)


def _poisson(outputs: Tensor, target: Tensor) -> Tensor:
    target = _like(outputs, target)
    losses = F.poisson_nll_loss(outputs, target, log_input=True, reduction="none")
    return (losses + torch.xlogy(target, target) - target).sum(dim=1)


def _like(outputs: Tensor, target: Tensor) -> Tensor:
    """Convert the target to the outputs' dtype and shape."""
    return target.to(outputs.dtype).reshape(outputs.shape)


ROW_LOSSES: dict[str, Callable[..., Tensor]] = {
    "cross_entropy": _cross_entropy,
    "binary_cross_entropy": _binary_cross_entropy,
    "squared": _squared,
    "absolute": _absolute,
    "huber": _huber,
    "poisson": _poisson,
}
"""``ROW_LOSSES[name](outputs, target, **options)`` is each row's loss (N,), the sum over its outputs."""
