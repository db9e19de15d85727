"""Computes the depth of colour of a confusion matrix's cells.

Picture and page use the same.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def confusion_strength(confusion: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the depth of colour in [0, 1] of each cell, (K, K).

    On the diagonal it is the count's share of its row. Elsewhere it is that share relative to the largest one
    off the diagonal: shares of mistakes are small, and would all look white beside the diagonal's.
    """
    share = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    strength = share - np.diag(share.diagonal())
    worst = strength.max()
    if worst > 0:
        strength /= worst
    np.fill_diagonal(strength, share.diagonal())
    return np.asarray(strength, dtype=np.float64)
