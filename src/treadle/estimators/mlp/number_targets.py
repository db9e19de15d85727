"""Numbers that a network is to predict, one output or several. Dimensions: N rows, K outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import column_or_1d

from treadle.engines.predictor import output_of
from treadle.errors import InvalidInput
from treadle.estimators.mlp.targets import Targets
from treadle.maths.loss_table import LOSSES
from treadle.network import Network

# What an engine calls the losses.
LOSS_NAMES = {
    "squared_error": "squared",
    "absolute_error": "absolute",
    "huber": "huber",
    "poisson": "poisson",
}


@dataclass(frozen=True)
class NumberTargets(Targets):
    """The numbers, and the loss that they are compared by.

    Parameters
    ----------
    n_columns : int
        K.
    loss : str
        The regressor's hyper-parameter.
    """

    n_columns: int
    loss: str

    @property
    def n_outputs(self) -> int:
        """K."""
        return self.n_columns

    @property
    def output(self) -> str:
        """Of the network."""
        return LOSSES[LOSS_NAMES[self.loss]].output

    def encode(self, y: Any) -> NDArray[Any]:
        """The numbers (N, K), float32 if y is, else float64.

        Raises
        ------
        InvalidInput
            If a number is below 0, for the loss poisson.
        """
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        targets = np.asarray(y, dtype=np.float32 if y.dtype == np.float32 else np.float64)
        if self.loss == "poisson" and targets.min() < 0:
            raise InvalidInput(
                f"loss='poisson' needs y of at least 0; got {targets.min():g}: take another loss"
            )
        return targets.reshape(len(targets), -1)

    def labels(self, targets: NDArray[Any]) -> NDArray[Any]:
        """The numbers (N,) or (N, K)."""
        return targets[:, 0] if targets.shape[1] == 1 else targets

    def score(
        self, logits: NDArray[Any], targets: NDArray[Any], sample_weight: NDArray[np.float64] | None
    ) -> float:
        """R^2, the mean of the outputs'; NaN where a prediction is not finite."""
        from sklearn.metrics import r2_score

        predicted = output_of(Network((1, targets.shape[1]), output=self.output), logits)
        if not np.isfinite(predicted).all():
            return float("nan")
        return float(r2_score(targets, predicted, sample_weight=sample_weight))
