"""Calibration of a classifier: one temperature that makes its probabilities honest, on rows held out."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_array, check_consistent_length, check_is_fitted

from treadle.estimators.labels import plain_labels
from treadle.estimators.sample_weights import checked_weights
from treadle.maths.temperature import best_temperature


class TemperatureScaled:
    """What a classifier has of it: ``calibrate``, ``temperature_``, and logits divided by that."""

    temperature_: float

    def calibrate(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the temperature by which all logits are divided before they become probabilities.

        It minimises the cross-entropy of these rows, which must not be those that the network was trained
        on: a network is too sure of itself on what it has seen. ``predict`` stays the same. The next ``fit``
        or ``partial_fit`` sets ``temperature_`` back to 1.

        Parameters
        ----------
        X : array_like or sparse matrix of shape (N, D)
        y : array_like of shape (N,), or (N, K) of zeros and ones
            As in ``fit``, with no other classes.
        sample_weight : array_like of shape (N,), optional
            Finite, not negative, not all 0. None: all 1.

        Returns
        -------
        self
            With ``temperature_``, a float from 0.01 to 100.

        Raises
        ------
        InvalidInput
            If y holds a class that the network does not know, or a weight is not as above.
        NotFittedError
            If the estimator is not fitted.

        Warns
        -----
        UserWarning
            If no temperature is best, as where every row is classified right: see
            ``treadle.maths.temperature``.

        References
        ----------
        Guo, Pleiss, Sun and Weinberger, "On calibration of modern neural networks" (2017).
        """
        this: Any = self
        check_is_fitted(this)
        logits = this._logits(X)
        labels = check_array(
            plain_labels(y), ensure_2d=False, dtype=None, accept_sparse="csr", input_name="y"
        )
        check_consistent_length(logits, labels)
        weights = checked_weights(sample_weight, len(logits))
        targets = this._encode_held_out(labels)
        self.temperature_ = best_temperature(logits, targets, weights, output=this.out_activation_)
        return self

    def _scaled_logits(self, X: Any) -> NDArray[Any]:
        """Logits for rows as a user gives them, divided by the temperature."""
        this: Any = self
        logits: NDArray[Any] = this._logits(X)
        # A division by 1 would change nothing, and the type of the logits is to stay.
        return logits if self.temperature_ == 1 else logits / logits.dtype.type(self.temperature_)


def checked_temperature(value: Any) -> float:
    """The temperature of a file; ValueError if it is none."""
    if not (isinstance(value, float) and 0 < value < np.inf):
        raise ValueError(f"temperature_ must be a positive number; got {value!r}")
    return value
