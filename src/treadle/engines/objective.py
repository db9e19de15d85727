"""What training minimises: a loss over the outputs, averaged over the batch, plus an L2 penalty."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, get_args

from numpy.typing import NDArray

from treadle.choices import LossName
from treadle.errors import InvalidInput
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
from treadle.network import Network

LOSSES = get_args(LossName)

# The network's output that a loss is taken with.
OUTPUT_OF_LOSS = {
    "cross_entropy": "softmax",
    "binary_cross_entropy": "logistic",
    "squared": "identity",
    "absolute": "identity",
    "huber": "identity",
    "poisson": "exp",
}


@dataclass(frozen=True)
class Objective:
    """``sum_i c_i loss(logits_i, y_i) / sum_i c_i + l2 / 2 * sum of squared weights``.

    The sums run over the rows of a batch, c being the sample weights; each loss is summed over the outputs,
    as in ``treadle.maths.losses`` and ``treadle.maths.likelihoods``. Biases are not penalised. A batch whose
    weights sum to zero has loss 0.

    Parameters
    ----------
    loss : {"cross_entropy", "binary_cross_entropy", "squared", "absolute", "huber", "poisson"}
    label_smoothing : float in [0, 1)
        Of the two cross-entropies only.
    huber_delta : float > 0
        Huber only: the residual at which the square becomes a line.
    l2 : float >= 0
    """

    loss: str = "cross_entropy"
    label_smoothing: float = 0.0
    huber_delta: float = 1.0
    l2: float = 0.0

    def __post_init__(self) -> None:
        if self.loss not in LOSSES:
            raise InvalidInput(f"loss must be one of {', '.join(LOSSES)}; got {self.loss!r}")
        if not 0 <= self.label_smoothing < 1:
            raise InvalidInput(
                f"label_smoothing must be at least 0 and below 1; got {self.label_smoothing!r}"
            )
        if self.label_smoothing and not self.loss.endswith("cross_entropy"):
            raise InvalidInput(
                "label_smoothing is for cross_entropy and binary_cross_entropy; got "
                f"{self.label_smoothing!r} for {self.loss!r}"
            )
        if not (self.huber_delta > 0 and math.isfinite(self.huber_delta)):
            raise InvalidInput(f"huber_delta must be positive and finite; got {self.huber_delta!r}")
        if self.huber_delta != 1 and self.loss != "huber":
            raise InvalidInput(f"huber_delta is of the loss 'huber' alone; got it with {self.loss!r}")
        if not (self.l2 >= 0 and math.isfinite(self.l2)):
            raise InvalidInput(f"l2 must be at least 0 and finite; got {self.l2!r}")

    def check_fits(self, network: Network) -> None:
        """Raise InvalidInput if the loss cannot be taken of the network's output."""
        wanted = OUTPUT_OF_LOSS[self.loss]
        if network.output != wanted:
            raise InvalidInput(
                f"the loss {self.loss!r} needs a network with output={wanted!r}; got {network.output!r}"
            )

    def data_loss(
        self, logits: NDArray[Any], y: NDArray[Any], sample_weight: NDArray[Any] | None = None
    ) -> float:
        """The loss of a batch without the penalty."""
        match self.loss:
            case "cross_entropy":
                return cross_entropy(
                    logits, y, label_smoothing=self.label_smoothing, sample_weight=sample_weight
                )
            case "binary_cross_entropy":
                return binary_cross_entropy(
                    logits, y, label_smoothing=self.label_smoothing, sample_weight=sample_weight
                )
            case "poisson":
                return poisson_loss(logits, y, sample_weight=sample_weight)
            case "squared":
                return squared_loss(logits, y, sample_weight=sample_weight)
            case "absolute":
                return absolute_loss(logits, y, sample_weight=sample_weight)
            case _:
                return huber_loss(logits, y, delta=self.huber_delta, sample_weight=sample_weight)

    def data_gradient(
        self, logits: NDArray[Any], y: NDArray[Any], sample_weight: NDArray[Any] | None = None
    ) -> NDArray[Any]:
        """The derivative of ``data_loss`` with respect to the logits, (N, K)."""
        match self.loss:
            case "cross_entropy":
                return cross_entropy_gradient(
                    logits, y, label_smoothing=self.label_smoothing, sample_weight=sample_weight
                )
            case "binary_cross_entropy":
                return binary_cross_entropy_gradient(
                    logits, y, label_smoothing=self.label_smoothing, sample_weight=sample_weight
                )
            case "poisson":
                return poisson_loss_gradient(logits, y, sample_weight=sample_weight)
            case "squared":
                return squared_loss_gradient(logits, y, sample_weight=sample_weight)
            case "absolute":
                return absolute_loss_gradient(logits, y, sample_weight=sample_weight)
            case _:
                return huber_loss_gradient(logits, y, delta=self.huber_delta, sample_weight=sample_weight)
