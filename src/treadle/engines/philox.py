"""Draws random words from a counter, alike in every engine, order and thread.

Philox4x64-10 (Salmon et al. 2011) with the key ``seed`` and the counter ``(block, purpose, layer, step)``,
least significant word first, gives blocks of four 64-bit words; NumPy increments the counter before it draws,
so block numbers count from 1. Each word is two 32-bit words, low half first, and these are numbered from 0
through all blocks. The purpose is 0 for dropout and 1 for augmentation, whose layer is 0.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

DROPOUT, AUGMENTATION = 0, 1


def philox_words(seed: int, step: int, purpose: int, layer: int, n_words: int) -> NDArray[np.uint32]:
    """Return the first 32-bit words of one purpose, layer and step.

    Parameters
    ----------
    seed : int in [0, 2**64)
    step : int
        Steps taken since the start of training, from 0.
    purpose : int
        ``DROPOUT`` or ``AUGMENTATION``.
    layer : int
        Index of the hidden layer, from 0.
    n_words : int

    Returns
    -------
    ndarray of shape (n_words,), uint32
    """
    generator = np.random.Philox(key=seed, counter=[0, purpose, layer, step])
    return generator.random_raw(-(-n_words // 2)).astype("<u8", copy=False).view("<u4")[:n_words]
