"""Training's objective: a loss averaged over the batch, plus an L2 penalty.

Each row's loss is summed over the outputs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from treadle.errors import InvalidInput
from treadle.maths.dtypes import Floats, Numbers
from treadle.maths.loss_table import LOSSES
from treadle.network import Network


@dataclass(frozen=True)
class Objective:
    """The objective of a batch: its weighted mean loss, and the penalty.

    It is ``sum_i c_i loss(logits_i, y_i) / sum_i c_i + l2 / 2 * sum of squared weights``.

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

    Examples
    --------
    >>> import numpy as np
    >>> from treadle import Network, Objective, Parameters, select_engine
    >>> engine = select_engine("numpy").engine
    >>> X, y = np.ones((2, 1)), np.array([0, 1])
    >>> loss, gradients = engine.loss_and_gradients(
    ...     Parameters.zeros(Network((1, 2)), np.float64), X, y, objective=Objective(l2=0.1)
    ... )
    >>> bool(np.isclose(loss, np.log(2))), gradients.biases[0].tolist()
    (True, [0.0, 0.0])
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
        loss = LOSSES[self.loss]
        if self.label_smoothing and "label_smoothing" not in loss.options:
            takers = " and ".join(
                name for name, taker in LOSSES.items() if "label_smoothing" in taker.options
            )
            raise InvalidInput(
                f"label_smoothing is for {takers}; got {self.label_smoothing!r} for {self.loss!r}"
            )
        if not (self.huber_delta > 0 and math.isfinite(self.huber_delta)):
            raise InvalidInput(f"huber_delta must be positive and finite; got {self.huber_delta!r}")
        if self.huber_delta != 1 and "huber_delta" not in loss.options:
            raise InvalidInput(f"huber_delta is of the loss 'huber' alone; got it with {self.loss!r}")
        if not (self.l2 >= 0 and math.isfinite(self.l2)):
            raise InvalidInput(f"l2 must be at least 0 and finite; got {self.l2!r}")

    def check_fits(self, network: Network) -> None:
        """Raise InvalidInput if the loss does not suit the network's output."""
        wanted = LOSSES[self.loss].output
        if network.output != wanted:
            raise InvalidInput(
                f"the loss {self.loss!r} needs a network with output={wanted!r}; got {network.output!r}"
            )

    @property
    def options(self) -> dict[str, float]:
        """The loss's options, by the keywords of its functions.

        They are all that it takes besides logits, targets and weights.
        """
        return {keyword: getattr(self, name) for name, keyword in LOSSES[self.loss].options.items()}

    def data_loss(self, logits: Floats, y: Numbers, sample_weight: Numbers | None = None) -> float:
        """The loss of a batch without the penalty."""
        return LOSSES[self.loss].value(logits, y, sample_weight=sample_weight, **self.options)

    def data_gradient(self, logits: Floats, y: Numbers, sample_weight: Numbers | None = None) -> Floats:
        """The derivative of ``data_loss`` with respect to the logits, (N, K)."""
        return LOSSES[self.loss].gradient(logits, y, sample_weight=sample_weight, **self.options)
