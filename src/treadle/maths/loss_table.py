"""The table of losses by name, for objectives and engines.

A new loss is an entry of ``LOSSES``, with its value and its gradient in NumPy, and a name in
``treadle.choices.LossName``. That is all for the NumPy engine, which is the specification. The other engines
look the loss up by name, in one place each: ``ROW_LOSSES`` of ``treadle.engines.torch_losses``, and
``enum class Loss`` of ``native/kernels/kernels.h``, whose kernel is in ``losses.h`` beside it. What is in the
table is run through finite differences, every engine and ONNX by ``tests/agreement/test_each_loss.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from treadle.choices import LossName, OutputName
from treadle.maths.likelihoods import (
    binary_cross_entropy,
    binary_cross_entropy_gradient,
    poisson_loss,
    poisson_loss_gradient,
)
from treadle.maths.losses import (
    absolute_loss,
    absolute_loss_gradient,
    cross_entropy,
    cross_entropy_gradient,
    huber_loss,
    huber_loss_gradient,
    squared_loss,
    squared_loss_gradient,
)
from treadle.maths.targets import (
    Checked,
    checked_classes,
    checked_counts,
    checked_numbers,
    checked_probabilities,
)


@dataclass(frozen=True)
class Loss:
    """One loss: a sum over outputs, a mean over samples.

    Parameters
    ----------
    name : str
    output : {"softmax", "identity", "logistic", "exp"}
        The network's output that it is taken with; see ``treadle.network.Network``.
    value : callable
        ``value(logits, target, sample_weight=None, **options)`` is a float.
    gradient : callable
        The derivative of ``value`` by the logits, of their shape and dtype; the same arguments.
    checked : callable
        ``checked(target, shape, sample_weight)`` is what ``value`` makes of its target and weights for logits
        of that shape; it raises InvalidInput where ``value`` would. See ``treadle.maths.targets``.
    options : mapping, default={}
        Which fields of an ``Objective`` it takes, and the keywords that they have here.
    takes_labels : bool, default=False
        Whether the target may be labels (N,), the numbers of classes.
    """

    name: LossName
    output: OutputName
    value: Callable[..., float]
    gradient: Callable[..., NDArray[Any]]  # of the logits' dtype
    checked: Callable[[ArrayLike, tuple[int, ...], ArrayLike | None], Checked]
    options: Mapping[str, str] = field(default_factory=dict)
    takes_labels: bool = False

    def check(self, target: ArrayLike, shape: tuple[int, ...], sample_weight: ArrayLike | None) -> None:
        """Raise InvalidInput for targets or weights that do not fit the logits."""
        with np.errstate(all="ignore"):
            self.checked(target, shape, sample_weight)


_SMOOTHED = {"label_smoothing": "label_smoothing"}

LOSSES: dict[str, Loss] = {
    loss.name: loss
    for loss in (
        Loss(
            "cross_entropy",
            "softmax",
            cross_entropy,
            cross_entropy_gradient,
            checked_classes,
            options=_SMOOTHED,
            takes_labels=True,
        ),
        Loss(
            "binary_cross_entropy",
            "logistic",
            binary_cross_entropy,
            binary_cross_entropy_gradient,
            checked_probabilities,
            options=_SMOOTHED,
        ),
        Loss("squared", "identity", squared_loss, squared_loss_gradient, checked_numbers),
        Loss("absolute", "identity", absolute_loss, absolute_loss_gradient, checked_numbers),
        Loss(
            "huber",
            "identity",
            huber_loss,
            huber_loss_gradient,
            checked_numbers,
            options={"huber_delta": "delta"},
        ),
        Loss("poisson", "exp", poisson_loss, poisson_loss_gradient, checked_counts),
    )
}
"""The losses by name."""
