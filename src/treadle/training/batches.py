"""Orders an epoch's rows at random, by the seed and the epoch alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def epoch_order(seed: int, epoch: int, n_rows: int) -> NDArray[np.int64]:
    """Return a random permutation of the rows, from ``SeedSequence([seed, epoch])``.

    Parameters
    ----------
    seed : int >= 0
    epoch : int >= 1
        Epoch 0 would have the stream of ``SeedSequence(seed)``, which draws the initial parameters.
    n_rows : int

    Returns
    -------
    ndarray of shape (n_rows,), int64
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, epoch]))
    return rng.permutation(n_rows)
