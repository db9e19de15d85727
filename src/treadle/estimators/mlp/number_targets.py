"""The targets of regression, one output or several.

Dimensions: N rows, K outputs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import column_or_1d

from treadle.engines.predictor import output_of
from treadle.errors import InvalidInput
from treadle.estimators.labels import GivenTargets
from treadle.estimators.mlp.targets import Targets
from treadle.maths.dtypes import Floats, Numbers
from treadle.maths.loss_table import LOSSES

# What an engine calls the losses.
LOSS_NAMES = {
    "squared_error": "squared",
    "absolute_error": "absolute",
    "huber": "huber",
    "poisson": "poisson",
}


@dataclass(frozen=True)
class NumberTargets(Targets):
    """The targets of regression, and the loss that compares them.

    Parameters
    ----------
    n_columns : int
        K.
    loss : str
        The regressor's hyper-parameter.
    """

    n_columns: int
    loss: str
    score_name: ClassVar[str] = "R2"

    @property
    def n_outputs(self) -> int:
        """K, the number of outputs."""
        return self.n_columns

    @property
    def output(self) -> str:
        """The network's output function."""
        return LOSSES[LOSS_NAMES[self.loss]].output

    def encode(self, y: GivenTargets) -> Numbers:
        """Convert the numbers to (N, K), float32 if y is, else float64.

        Raises
        ------
        InvalidInput
            If a number is below 0, for the loss poisson.
        """
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        dtype: type[np.floating] = np.float32 if y.dtype == np.float32 else np.float64
        targets = np.asarray(y, dtype)
        if self.loss == "poisson" and targets.min() < 0:
            raise InvalidInput(
                f"loss='poisson' needs y of at least 0; got {targets.min():g}: take another loss"
            )
        return targets.reshape(len(targets), -1)

    def labels(self, targets: Numbers) -> Numbers:
        """Return the numbers as the user has them, (N,) or (N, K)."""
        return targets[:, 0] if targets.shape[1] == 1 else targets

    def score(self, logits: Floats, targets: Numbers, sample_weight: NDArray[np.float64] | None) -> float:
        """Compute the outputs' mean R^2; NaN where a prediction is not finite."""
        from sklearn.metrics import r2_score

        predicted = output_of(self.output, logits)
        if not np.isfinite(predicted).all():
            return float("nan")
        return float(r2_score(targets, predicted, sample_weight=sample_weight))
