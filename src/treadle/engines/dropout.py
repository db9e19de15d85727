"""Draws dropout masks from a counter, alike in every engine and order.

A mask is a function of (seed, step, layer, row, unit) alone. Of the 32-bit words that
``treadle.engines.philox`` gives for the seed, the step and the layer, number ``row * n_units + unit`` belongs
to that row of the batch and that unit: it is kept where the word is at least ``round(rate * 2**32)``.
"""

from __future__ import annotations

from numpy.typing import DTypeLike

from treadle.engines.philox import DROPOUT, philox_words
from treadle.maths.dtypes import Floats


def dropout_mask(
    seed: int, step: int, layer: int, n_rows: int, n_units: int, rate: float, dtype: DTypeLike
) -> Floats:
    """Return the factors of a hidden layer's outputs in one training step.

    This is "inverted" dropout: 0 or 1 / (1 - rate).

    Parameters
    ----------
    seed : int in [0, 2**64)
    step : int
        Steps taken since the start of training, from 0.
    layer : int
        Index of the hidden layer, from 0.
    n_rows, n_units : int
        Rows of the batch, units of the layer.
    rate : float in [0, 1)
        Probability of a zero.
    dtype : float32 or float64

    Returns
    -------
    ndarray of shape (n_rows, n_units)
        0 or 1 / (1 - rate), so that the mean of each element is 1.
    """
    words = philox_words(seed, step, DROPOUT, layer, n_rows * n_units)
    kept = (words >= round(rate * 2**32)).astype(dtype)
    kept *= 1 / (1 - rate)
    return kept.reshape(n_rows, n_units)
