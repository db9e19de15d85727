"""Orders an epoch's rows at random, by the seed and the epoch alone.

NumPy's generators say the order. Making one takes some 15 microseconds, as long as a small network's epoch:
where many are wanted, the kernel draws the same numbers, if a trial shows that they are those of the NumPy at
hand.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from treadle.hardware.native import extension, networks


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


def epoch_orders(seed: int, first: int, n_epochs: int, n_rows: int) -> NDArray[np.int64]:
    """Return ``epoch_order`` of some epochs in succession.

    Parameters
    ----------
    seed : int >= 0
    first : int >= 1
        The first epoch.
    n_epochs : int >= 1
    n_rows : int

    Returns
    -------
    ndarray of shape (n_epochs, n_rows), int64
    """
    if max(seed, first + n_epochs) < 2**63 and n_rows < 2**32 and _kernel_draws_as_numpy():
        return networks.draw_orders(seed, first, n_epochs, n_rows)
    return _by_numpy(seed, first, n_epochs, n_rows)


@cache
def _kernel_draws_as_numpy() -> bool:
    """Say whether the kernel's orders are NumPy's; NumPy promises no stream from version to version."""
    trials = ((0, 1, 3, 5), (2**40 + 5, 2**33, 2, 1000))
    return extension.is_built() and all(
        np.array_equal(networks.draw_orders(*trial), _by_numpy(*trial)) for trial in trials
    )


def _by_numpy(seed: int, first: int, n_epochs: int, n_rows: int) -> NDArray[np.int64]:
    return np.array([epoch_order(seed, epoch, n_rows) for epoch in range(first, first + n_epochs)])
