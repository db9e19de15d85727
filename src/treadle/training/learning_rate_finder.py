"""Finds a learning rate to begin with, by the range test.

Smith, "Cyclical learning rates for training neural networks" (2017), section 3.3: train for a few steps while
the rate rises from very small to very large, and look at the loss. It falls while the rate is of use, and
rises when it is too large. A rate somewhat below the one at the bottom is a good first guess.
"""

from __future__ import annotations

import math
from itertools import count

import numpy as np
from numpy.typing import NDArray

from treadle.errors import InvalidInput, TrainingDiverged
from treadle.training.callbacks import Callback, Training
from treadle.whole_numbers import is_whole

# Steps that a mean is taken over. It is centred: a mean of what came before would find the bottom too late.
WINDOW = 9
# Times the least mean of so many losses, and above the first such mean: there the test ends.
TOO_HIGH = 4.0


class LearningRateFinder(Callback):
    """Try learning rates from low to high before training begins.

    The training itself is not touched. The steps are taken by a trainer of their own, from the same initial
    parameters, with the batches of the first epochs. The test ends where the loss is no number, or has risen
    far above what it began with.

    Parameters
    ----------
    low, high : float > 0
        The rates to begin and to end with; between them they rise by one factor a step.
    n_steps : int >= 10, default=100

    Attributes
    ----------
    rates_ : ndarray of shape (S,), float64
        Of the steps that were taken.
    losses_ : ndarray of shape (S,), float64
        The objective of each step's batch, before its update.
    smoothed_ : ndarray of shape (S,), float64
        The mean of nine losses around each, fewer at the ends.
    suggestion_ : float
        A tenth of the rate at the least smoothed loss: on the slope, well before the bottom.

    Raises
    ------
    InvalidInput
        If a parameter is not as above.

    Examples
    --------
    >>> from treadle import LearningRateFinder, MLPClassifier
    >>> finder = LearningRateFinder(low=1e-6, high=1e3, n_steps=10)
    >>> callbacks = [finder, lambda training: True]  # the test, and one epoch
    >>> model = MLPClassifier((4,), callbacks=callbacks).fit([[0.0], [1.0]], [0, 1])
    >>> finder.rates_[:3].round(6).tolist()
    [1e-06, 1e-05, 0.0001]
    >>> bool(finder.suggestion_ in finder.rates_)
    True
    """

    def __init__(self, low: float = 1e-6, high: float = 10.0, *, n_steps: int = 100) -> None:
        if not 0 < low < high < math.inf:
            raise InvalidInput(f"low and high must be finite, 0 < low < high; got {low!r} and {high!r}")
        if not (is_whole(n_steps) and n_steps >= 10):
            raise InvalidInput(f"n_steps must be an integer, at least 10; got {n_steps!r}")
        self.low = low
        self.high = high
        self.n_steps = n_steps

    def on_fit_begin(self, training: Training) -> None:
        """Run the whole test."""
        problem = training.problem
        trainer = training.engine.trainer(problem, training.parameters())
        rates = np.geomspace(self.low, self.high, self.n_steps)
        batches = (
            order[start : start + problem.batch_size]
            for order in map(training.order, count(1))
            for start in range(0, len(order), problem.batch_size)
        )
        losses: list[float] = []
        means: list[float] = []
        for rate, batch in zip(rates, batches, strict=False):
            try:
                (loss,) = trainer.run_epoch(batch, np.array([rate]))
            except TrainingDiverged:
                break
            losses.append(float(loss))
            means.append(float(np.mean(losses[-WINDOW:])))
            if means[-1] > TOO_HIGH * min(means) and means[-1] > means[0]:
                break
        if not losses:
            raise TrainingDiverged(
                f"the first step of the learning-rate test, with the rate {self.low:g}, has a loss that is "
                "no number: look for extreme values in X and y"
            )
        self.rates_: NDArray[np.float64] = rates[: len(losses)]
        self.losses_: NDArray[np.float64] = np.array(losses)
        half = WINDOW // 2
        near = (losses[max(0, i - half) : i + half + 1] for i in range(len(losses)))
        self.smoothed_: NDArray[np.float64] = np.array([float(np.mean(around)) for around in near])
        self.suggestion_ = float(self.rates_[self.smoothed_.argmin()] / 10)

    def table(self) -> dict[str, list[float]]:
        """Return learning_rate, loss and smoothed_loss of each step.

        ``pandas.DataFrame`` takes it.

        Raises
        ------
        InvalidInput
            If no training has begun with this callback.
        """
        if not hasattr(self, "rates_"):
            raise InvalidInput("no learning rate has been tried yet: fit an estimator with this callback")
        return {
            "learning_rate": self.rates_.tolist(),
            "loss": self.losses_.tolist(),
            "smoothed_loss": self.smoothed_.tolist(),
        }
