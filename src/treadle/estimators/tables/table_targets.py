"""The targets of tables: classes with a softmax each, and numbers that are standardised and clipped.

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
from treadle.estimators.mlp.class_targets import ClassTargets
from treadle.estimators.mlp.number_targets import LOSS_NAMES
from treadle.estimators.mlp.targets import Targets
from treadle.maths.dtypes import Floats, Numbers
from treadle.maths.loss_table import LOSSES


@dataclass(frozen=True)
class TableClasses(ClassTargets):
    """The classes of a table: a softmax over an output each, also of two.

    Several labels a row have a logistic output each, as in ``ClassTargets``.
    """

    @property
    def n_outputs(self) -> int:
        """K, the number of classes."""
        return len(self.classes)

    @property
    def output(self) -> str:
        """The network's output function."""
        return "logistic" if self.multilabel else "softmax"


@dataclass(frozen=True, eq=False)
class ScaledNumbers(Targets):
    """Numbers, and what a network is trained on in their place::

        t = (y - mean) / scale        prediction = clip(mean + scale * output, low, high)

    Mean and scale are the mean and the deviation of y, low and high the range of y, in the training rows. Of
    counts the mean is 0 and the scale their mean: the network's output is an exponential.

    Parameters
    ----------
    loss : str
        The regressor's hyper-parameter.
    mean, scale, low, high : ndarray of shape (K,), float64
    flat : bool
        Whether y is (N,), and a prediction too.
    """

    loss: str
    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    flat: bool
    score_name: ClassVar[str] = "R2"

    @classmethod
    def of(cls, y: GivenTargets, weights: NDArray[np.float64] | None, loss: str) -> ScaledNumbers:
        """Take mean, deviation and range from the training rows.

        Raises
        ------
        InvalidInput
            If a number is below 0 or all are 0, for the loss poisson.
        """
        y = _flat_if_one(y)
        numbers = _columns(y)
        _check_counts(numbers, loss)
        # A half at first: sums and differences of the largest doubles overflow.
        mean = 2 * np.average(numbers / 2, axis=0, weights=weights)
        if loss == "poisson":
            mean, scale = np.zeros_like(mean), mean
        else:
            largest = np.abs(numbers / 2 - mean / 2).max(axis=0)
            unit = np.where(largest > 0, largest, 1.0)
            shares = (numbers / 2 - mean / 2) / unit
            scale = 2 * unit * np.sqrt(np.average(shares**2, axis=0, weights=weights))
        scale = np.where((scale > 0) & np.isfinite(scale), scale, 1.0)
        return cls(loss, mean, scale, numbers.min(axis=0), numbers.max(axis=0), y.ndim == 1)

    @property
    def n_outputs(self) -> int:
        """K, the number of outputs."""
        return len(self.mean)

    @property
    def output(self) -> str:
        """The network's output function."""
        return LOSSES[LOSS_NAMES[self.loss]].output

    def encode(self, y: GivenTargets) -> Numbers:
        """Convert the numbers to what the network is trained on, (N, K), float32.

        Raises
        ------
        InvalidInput
            If there are other columns than before, or a number is below 0 for the loss poisson.
        """
        numbers = _columns(_flat_if_one(y))
        if numbers.shape[1] != self.n_outputs:
            raise InvalidInput(
                f"y must have the {self.n_outputs} columns of the training; got shape {np.shape(y)}"
            )
        _check_counts(numbers, self.loss)
        return np.asarray((numbers - self.mean) / self.scale, np.float32)

    def decode(self, logits: Floats) -> NDArray[np.float64]:
        """Return what is predicted, (N,) or (N, K), from logits."""
        outputs = output_of(self.output, logits.astype(np.float64))
        with np.errstate(over="ignore", invalid="ignore"):
            numbers = np.clip(self.mean + self.scale * outputs, self.low, self.high)
        return np.asarray(numbers[:, 0] if self.flat else numbers, np.float64)

    def labels(self, targets: Numbers) -> NDArray[np.float64]:
        """Return the numbers as the user has them, to float32's precision."""
        numbers = self.mean + self.scale * targets.astype(np.float64)
        return numbers[:, 0] if self.flat else numbers

    def score(self, logits: Floats, targets: Numbers, sample_weight: NDArray[np.float64] | None) -> float:
        """Compute R^2 against the mean of the training rows; NaN where a logit is not finite.

        The outputs' squared errors, in units of their variances in training, are averaged: of one output it
        orders epochs as the root mean squared error does.
        """
        if not np.isfinite(logits).all():
            return float("nan")
        predicted = _columns(self.decode(logits)) - self.mean
        errors = ((predicted / self.scale - targets) ** 2).mean(axis=1)
        return 1 - float(np.average(errors, weights=sample_weight))


def _flat_if_one(y: GivenTargets) -> GivenTargets:
    return column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y


def _columns(y: GivenTargets) -> NDArray[np.float64]:
    numbers: NDArray[np.float64] = np.asarray(y, np.float64)
    return numbers.reshape(len(numbers), -1)


def _check_counts(numbers: NDArray[np.float64], loss: str) -> None:
    """Raise InvalidInput unless the numbers can be counts, where they are to be."""
    if loss != "poisson":
        return
    below = (numbers < 0).any(axis=1)
    if below.any():
        row = int(np.argmax(below))
        raise InvalidInput(
            f"loss='poisson' needs y of at least 0; got {numbers[row].min():g} in row {row + 1}: take "
            "another loss"
        )
