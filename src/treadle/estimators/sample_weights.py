"""Checks a user's sample weights, for every estimator alike."""

from __future__ import annotations

import math
from numbers import Real

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_array

from treadle.errors import InvalidInput


def checked_weights(weights: ArrayLike | None, n: int) -> NDArray[np.float64] | None:
    """Return sample weights as float64 (n,), or None where there are none.

    One number is a weight for all.

    Raises
    ------
    InvalidInput
        If they are of another shape, below 0, not finite, all 0, or their sum is not finite.
    """
    if weights is None:
        return None
    if isinstance(weights, Real):
        weights = np.full(n, weights)
    w = check_array(weights, dtype=np.float64, ensure_2d=False, input_name="sample_weight")
    if w.shape != (n,):
        raise InvalidInput(f"sample_weight must have a weight for each of the {n} rows; got shape {w.shape}")
    if not (w.min() >= 0 and 0 < w.sum() < math.inf):
        raise InvalidInput(
            "sample_weight must be at least 0 and finite, with a finite sum, and not all zero; got weights "
            f"from {w.min():g} to {w.max():g}"
        )
    return np.asarray(w)
