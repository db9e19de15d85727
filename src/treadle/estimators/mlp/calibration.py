"""Calibrates a classifier's probabilities by one temperature, fitted on held-out rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_array, check_consistent_length

from treadle.estimators.labels import plain_labels
from treadle.estimators.mlp.class_targets import ClassTargets
from treadle.estimators.sample_weights import checked_weights
from treadle.maths.dtypes import Floats
from treadle.maths.temperature import best_temperature


def temperature_of(
    classes: ClassTargets, logits: Floats, y: object, sample_weight: ArrayLike | None
) -> float:
    """Return the temperature of least cross-entropy; see ``calibrate``.

    The rows (N,) have logits (N, K).

    Raises
    ------
    InvalidInput
        If y holds a class that the network does not know, or a weight is not as it should be.
    """
    labels = check_array(plain_labels(y), ensure_2d=False, dtype=None, accept_sparse="csr", input_name="y")
    check_consistent_length(logits, labels)
    weights = checked_weights(sample_weight, len(logits))
    return best_temperature(logits, classes.encode(labels), weights, output=classes.output)


def cooled(logits: Floats, temperature: float) -> Floats:
    """Divide the logits by the temperature."""
    # A division by 1 would change nothing, and the type of the logits is to stay.
    return logits if temperature == 1 else logits / logits.dtype.type(temperature)


def checked_temperature(value: object) -> float:
    """Check a temperature from a file; ValueError if it is none."""
    if not (isinstance(value, float) and 0 < value < np.inf):
        raise ValueError(f"temperature_ must be a positive number; got {value!r}")
    return value
