"""Dropout masks from a counter-based generator, so that every engine draws the same ones in any order.

A mask is a function of (seed, step, layer, row, unit) alone. Philox4x64-10 (Salmon et al. 2011) with the key
``seed`` and the counter ``(block, 0, layer, step)``, least significant word first, gives blocks of four
64-bit words; NumPy increments the counter before it draws, so block numbers count from 1. Each word is two
32-bit words, low half first. The 32-bit word number ``row * n_units + unit`` belongs to that row of the batch
and that unit: it is kept where the word is at least ``round(rate * 2**32)``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray


def dropout_mask(
    seed: int, step: int, layer: int, n_rows: int, n_units: int, rate: float, dtype: DTypeLike
) -> NDArray[Any]:
    """What the outputs of a hidden layer are multiplied by in one step of training ("inverted" dropout).

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
    n_words = n_rows * n_units
    generator = np.random.Philox(key=seed, counter=[0, 0, layer, step])
    words = generator.random_raw(-(-n_words // 2)).astype("<u8", copy=False).view("<u4")[:n_words]
    kept = (words >= round(rate * 2**32)).astype(dtype)
    kept *= 1 / (1 - rate)
    return kept.reshape(n_rows, n_units)
